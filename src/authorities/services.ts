/** What acts on CAs work with, and how they find the CA that is meant. */
import { createAuditRecord } from '../audit/audit-record.js';
import { partitionsOf } from '../ca/crl-due.js';
import type { Generations, SigningGeneration } from '../ca/generations.js';
import type { HierarchyOptions } from '../ca/make-generation.js';
import type { Catalog } from '../catalog/catalog.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { CaKeys } from '../keys/ca-keys.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';

export interface AuthorityServices
  extends Pick<EnrollmentServices, 'store' | 'authority' | 'crls' | 'clock' | 'log' | 'isCompromisedKey'> {
  readonly catalog: () => Pick<Catalog, 'certificateAuthorities' | 'policies'>;
  readonly caKeys: CaKeys;
  readonly generations: Generations;
}

export function hierarchyOptions({
  catalog,
  store,
  caKeys,
  generations,
  authority,
  clock,
}: AuthorityServices): HierarchyOptions {
  const configs = catalog().certificateAuthorities;
  return { configs, store, keys: caKeys, generations, authority, clock, createAuditRecord };
}

/** @throws GatewayError 'not-found' */
export function requireConfig(
  name: string,
  { catalog }: Pick<AuthorityServices, 'catalog'>,
): CertificateAuthorityConfig {
  const configs = catalog().certificateAuthorities;
  const config = configs.get(name);
  if (config !== undefined) return config;
  const known = [...configs.keys()].join(', ') || 'none';
  throw new GatewayError('not-found', `there is no CA "${name}"; there are: ${known}`);
}

/**
 * The generation that is meant by its own id or, for the one that issues, by the CA's name.
 * @throws GatewayError 'not-found'
 */
export function requireGeneration(name: string, { generations }: AuthorityServices): SigningGeneration {
  const found = generations.findCurrent(name) ?? generations.find(name);
  if (found !== undefined) return found;
  const known =
    generations
      .all()
      .map(({ id }) => id)
      .join(', ') || 'none';
  throw new GatewayError(
    'not-found',
    `no CA with a current generation, and no generation, is called "${name}"; there are: ${known}`,
  );
}

/** The partitions of a generation's CRLs: those that there are, and the first. */
export async function crlPartitionsOf(
  generation: string,
  { store }: Pick<AuthorityServices, 'store'>,
): Promise<readonly number[]> {
  return partitionsOf(generation, [...(await store.crls.headers({})), ...(await store.crlPartitions.all({}))]);
}
