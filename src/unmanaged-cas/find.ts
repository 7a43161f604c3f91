/** Unmanaged CAs for those who may see them: of the divisions that their rights are for. */
import type { Scope } from '../access/principal.js';
import { covers } from '../access/principal.js';
import { GatewayError } from '../errors.js';
import type { FoundCertificate } from '../store/certificate-search.js';
import type { Store } from '../store/store.js';
import type { UnmanagedCaPlace, UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';

/** @throws GatewayError `not-found`, also for one of a division that the scope leaves out */
export async function requireVisibleCa(
  id: string,
  scope: Scope,
  { store }: { readonly store: Pick<Store, 'unmanagedCas'> },
): Promise<UnmanagedCaRecord> {
  const record = await store.unmanagedCas.findById({ id });
  if (record === undefined || !covers(scope, record.division || undefined)) {
    throw new GatewayError('not-found', 'there is no unmanaged CA of this id');
  }
  return record;
}

interface UnmanagedCaQuery {
  readonly scope: Scope;
  readonly division?: string;
  readonly deviceId?: string;
  /** Part of the subject. */
  readonly search?: string;
  /** The latest first. */
  readonly descending?: boolean;
}

/** A page in the order in which they were made; `next`: where the next page begins. */
export async function listUnmanagedCas(
  { scope, division, ...query }: UnmanagedCaQuery,
  { after, limit }: { readonly after?: UnmanagedCaPlace; readonly limit: number },
  { store }: { readonly store: Pick<Store, 'unmanagedCas'> },
): Promise<{ readonly unmanagedCas: readonly UnmanagedCaRecord[]; readonly next?: UnmanagedCaPlace }> {
  const divisions = division === undefined ? scope : covers(scope, division) ? new Set([division]) : new Set<string>();
  if (divisions !== 'everywhere' && divisions.size === 0) return { unmanagedCas: [] };
  const found = await store.unmanagedCas.list({
    ...query,
    ...(divisions === 'everywhere' ? {} : { divisions: [...divisions] }),
    ...(after === undefined ? {} : { after }),
    limit: limit + 1,
  });
  const unmanagedCas = found.slice(0, limit);
  const last = found.length > limit ? unmanagedCas.at(-1) : undefined;
  return { unmanagedCas, ...(last ? { next: { createdAt: last.createdAt, id: last.id } } : {}) };
}

/** Its certificates, the latest first: more renewals than any CA has in its life. */
export function certificatesOf(
  { id }: Pick<UnmanagedCaRecord, 'id'>,
  { unmanagedCas }: Pick<Store, 'unmanagedCas'>,
): Promise<FoundCertificate[]> {
  return unmanagedCas.certificatesOf({ unmanagedCaId: id, limit: 1000 });
}
