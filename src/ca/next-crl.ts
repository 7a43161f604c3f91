/** Makes the next CRL of a partition and puts it in the place of the last one. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { type CertificateAuthorityConfig, certificateAuthoritySchema } from '../model/certificate-authority.js';
import type { AuditRecord } from '../store/change.js';
import type { CrlRecord } from '../store/crl-repository.js';
import type { Store } from '../store/store.js';
import type { Generations, SigningGeneration } from './generations.js';
import { signCertificateList } from './sign-certificate-list.js';
import { signatureFormOf } from './signing-issuer.js';

/** What the audit log says of a new CRL; `subject` is the generation's id. */
interface CrlPublishedEvent {
  readonly at: Date;
  readonly action: 'crl.published';
  readonly outcome: 'success';
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface CrlPublisherOptions {
  readonly store: Pick<Store, 'commit' | 'certificates' | 'crls' | 'leases'>;
  readonly generations: Generations;
  readonly configs: () => ReadonlyMap<string, CertificateAuthorityConfig>;
  readonly clock: Clock;
  readonly createAuditRecord: (event: CrlPublishedEvent) => AuditRecord;
}

/**
 * Publishes a CRL with all revocations that were committed before, also when other processes do so at the same time.
 * @throws GatewayError 'not-found' for an unknown generation; 'unavailable'
 */
export async function publishNext(
  generationId: string,
  partition: number,
  options: CrlPublisherOptions,
): Promise<CrlRecord> {
  const { store, generations } = options;
  const generation = generations.find(generationId);
  if (generation === undefined) throw new GatewayError('not-found', 'there is no such certification authority');
  for (let attempt = 1; ; attempt++) {
    const last = await store.crls.find({ issuerId: generationId, partition });
    try {
      return await publishAfter(last, generation, partition, options);
    } catch (error) {
      const isOvertaken =
        isCode(error, 'unavailable') && (await numberOf(generationId, partition, store)) !== last?.number;
      if (!isOvertaken || attempt === maximumAttempts) throw error;
    }
  }
}

export type CrlTiming = CertificateAuthorityConfig['crl'];

/** A CA that is no longer configured still has to tell what it revoked. */
export function timingOf(
  generation: Pick<SigningGeneration, 'ca'>,
  configs: ReadonlyMap<string, CertificateAuthorityConfig>,
): CrlTiming {
  return configs.get(generation.ca)?.crl ?? certificateAuthoritySchema.shape.crl.parse(undefined);
}

export function isCode(error: unknown, code: GatewayError['code']): boolean {
  return error instanceof GatewayError && error.code === code;
}

const maximumAttempts = 8;

async function numberOf(
  issuerId: string,
  partition: number,
  store: CrlPublisherOptions['store'],
): Promise<number | undefined> {
  return (await store.crls.find({ issuerId, partition }))?.number;
}

async function publishAfter(
  last: CrlRecord | undefined,
  generation: SigningGeneration,
  partition: number,
  options: CrlPublisherOptions,
): Promise<CrlRecord> {
  const { store, configs, clock, createAuditRecord } = options;
  const timing = timingOf(generation, configs());
  const at = clock.now();
  const thisUpdate = Math.floor(at.getTime() / 1000) * 1000;
  const nextUpdate = thisUpdate + timing.validity * 1000;
  const number = (last?.number ?? 0) + 1;
  // RFC 5280 3.3: an entry stays until it was on a regular CRL after the certificate's end. CRLs that a revocation
  // brings about come in between, so that the last one alone would be too late a limit.
  const notExpiredBefore = (last?.thisUpdate ?? 0) - timing.interval * 1000;
  // Before the entries: what changes in between makes another CRL due, rather than none.
  const revision = await store.crls.revision({ issuerId: generation.id, partition });
  const revocations = await store.certificates.revocations({
    issuerId: generation.id,
    crlPartition: partition,
    notExpiredBefore,
  });
  const isPart = await coversOnlyPart(generation, partition, timing, options);
  const der = await signCertificateList(generation, {
    ...signatureFormOf(generation, configs()),
    number,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(nextUpdate),
    revocations,
    ...(isPart && { scope: generation.crlUrl(partition) }),
  });
  const record: CrlRecord = { issuerId: generation.id, partition, number, der, thisUpdate, nextUpdate, revision };
  const details = { partition, number, entries: revocations.length };
  const event = createAuditRecord({ at, action: 'crl.published', outcome: 'success', subject: generation.id, details });
  await store.commit({ statements: [store.crls.put(record)], audit: [event] });
  return record;
}

/**
 * Whether the CRL has to name its scope. It does with several partitions; with one that has company from earlier; and
 * where the CA has several generations, because they share its name, and a CRL without a scope speaks for all of them.
 * The next generation counts before it issues: what is published now may still be in use when it does.
 */
async function coversOnlyPart(
  { id, ca }: SigningGeneration,
  partition: number,
  { partitions }: CrlTiming,
  { store, generations }: CrlPublisherOptions,
): Promise<boolean> {
  if (partition > 0 || partitions > 1) return true;
  if (generations.all().some((other) => other.ca === ca && other.id !== id)) return true;
  return (await store.crls.find({ issuerId: id, partition: 1 })) !== undefined;
}
