/** Opens the archive of a job: a stream of its certificates and, once, their keys. */
import { Readable } from 'node:stream';
import { type Actor, byActor } from '../../audit/actor.js';
import { createAuditRecord } from '../../audit/audit-record.js';
import type { Authority } from '../../ca/authority.js';
import type { Clock } from '../../clock.js';
import { encryptEnvelope } from '../../cms/enveloped-data-stream.js';
import { idData } from '../../cms/oids.js';
import { GatewayError, HttpError } from '../../errors.js';
import type { Sealing } from '../../keys/sealing.js';
import type { JobKindName } from '../../model/job.js';
import type { ArchivedJob } from '../../store/job-archive-repository.js';
import type { Store } from '../../store/store.js';
import { type ArchiveContent, archiveEntries } from './archive-entries.js';
import { inChunks } from './chunks.js';
import { destroyKeys, keptDays } from './destroy-keys.js';
import { openJobKeys } from './job-keys.js';
import { readProtection } from './protection.js';
import { recipientOf } from './recipient.js';
import { writeZip } from './zip-stream.js';

export interface ArchiveServices {
  readonly store: Pick<Store, 'jobArchives' | 'commit'>;
  readonly authority: Pick<Authority, 'generations' | 'chain'>;
  readonly sealing: Sealing;
  readonly clock: Clock;
}

export interface Archive {
  /** Media type. */
  readonly type: string;
  readonly fileName: string;
  readonly body: Readable;
  /** To be called once its owner has all of it: destroys the keys. A download that breaks off can be repeated. */
  delivered(): Promise<void>;
}

/** @throws GatewayError 'not-found' for what is no job with certificates */
export async function findArchivedJob(id: string, { store }: Pick<ArchiveServices, 'store'>): Promise<ArchivedJob> {
  const job = await store.jobArchives.findById({ id });
  if (job !== undefined && kindsWithArchive.includes(job.kind)) return job;
  throw new GatewayError('not-found', 'there is no such job with certificates');
}

const kindsWithArchive: readonly JobKindName[] = ['issue-certificates', 'renew-certificates'];

/** Refuses what cannot be downloaded, or destroyed, yet or any more. @throws HttpError 410, GatewayError 'invalid-state' */
export function requireArchive({ state, archive, sealedJobKey, keysDestroyedAt }: ArchivedJob): void {
  if (state !== 'finished' && state !== 'cancelled') {
    throw new GatewayError('invalid-state', `the job is ${state}; its archive is there once it has ended`);
  }
  if (archive === null || sealedJobKey !== null) return;
  const when = keysDestroyedAt === null ? '' : ` on ${new Date(keysDestroyedAt).toISOString()}`;
  throw new HttpError(
    410,
    'invalid-state',
    `the keys of the job were destroyed${when}: they can be downloaded once, within ${keptDays} days; its certificates are in the inventory and its results`,
  );
}

/** Opens the archive of a job that `requireArchive` has let pass. That its keys leave the gateway is on record before they do. */
export async function openArchive(job: ArchivedJob, actor: Actor, services: ArchiveServices): Promise<Archive> {
  const { id, archive, sealedJobKey, finishedAt } = job;
  const ended = new Date(finishedAt ?? services.clock.now());
  const zip = (content: Omit<ArchiveContent, 'jobId'>) =>
    inChunks(writeZip(archiveEntries({ jobId: id, ...content }, services), ended));
  if (archive === null || sealedJobKey === null) {
    return { ...zipFile(id), body: toReadable(zip({})), delivered: async () => undefined };
  }
  const keys = openJobKeys(id, sealedJobKey, services.sealing);
  await recordOpening(job, actor, services);
  const delivered = async () => {
    await destroyKeys(job, 'downloaded', actor, services);
  };
  const protection = readProtection(archive);
  if (protection.kind === 'password') {
    const { passwordKey = new Uint8Array(0) } = keys;
    const derivation = Buffer.from(protection.derivation, 'hex');
    return {
      ...zipFile(id),
      body: toReadable(zip({ keys, passwordKey: { derivation, key: passwordKey } })),
      delivered,
    };
  }
  const envelope = {
    contentType: idData,
    contentEncryption: 'aes-256-cbc',
    recipient: recipientOf(protection.certificate),
  } as const;
  return {
    type: 'application/pkcs7-mime',
    fileName: `job-${id}.zip.p7m`,
    body: toReadable(encryptEnvelope(envelope, zip({ keys }))),
    delivered,
  };
}

function zipFile(id: string): Pick<Archive, 'type' | 'fileName'> {
  return { type: 'application/zip', fileName: `job-${id}.zip` };
}

/** Asks for more only as it is read. */
function toReadable(pieces: AsyncGenerator<Uint8Array>): Readable {
  return Readable.from(pieces, { objectMode: false, highWaterMark: 64 * 1024 });
}

async function recordOpening(
  { id, division }: ArchivedJob,
  actor: Actor,
  { store, clock }: ArchiveServices,
): Promise<void> {
  const record = createAuditRecord({
    at: clock.now(),
    action: 'job.archive-opened',
    outcome: 'success',
    subject: id,
    details: { division, ...byActor(actor) },
  });
  await store.commit({ statements: [], audit: [record] });
}
