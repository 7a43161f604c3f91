/** Whether a CRL has to name what it covers (RFC 5280 5.2.5). */
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { Store } from '../store/store.js';
import type { CrlTiming } from './crl-timing.js';
import type { Generations, SigningGeneration } from './generations.js';
import { crlUrlsOf } from './locations.js';

interface ScopeOptions {
  readonly store: Pick<Store, 'crlPartitions'>;
  readonly generations: Generations;
  readonly configs: () => ReadonlyMap<string, CertificateAuthorityConfig>;
}

/**
 * The URLs of its distribution point, separated by spaces; null for a CRL that names none, because it speaks for all of its
 * issuer's name. It names them with several partitions, and where the CA has several generations, which share its name. The next
 * generation counts before it issues, and the second partition when the first is half full: what is published now may still be in
 * use when they are needed.
 */
export async function crlScope(
  generation: SigningGeneration,
  partition: number,
  { scope, maximumCertificates }: CrlTiming,
  { store, generations, configs }: ScopeOptions,
): Promise<string | null> {
  const { id, ca } = generation;
  const named = crlUrlsOf(generation, partition, configs().get(ca)).join(' ');
  if (scope === 'always' || partition > 0) return named;
  if (generations.all().some((other) => other.ca === ca && other.id !== id)) return named;
  const last = await store.crlPartitions.last({ issuerId: id });
  if (last === undefined) return null;
  return last.partition > 0 || last.issued * 2 > maximumCertificates ? named : null;
}
