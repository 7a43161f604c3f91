/** All that a device could get certificates by, or act with, found by the device. */
import { deviceOf } from '../enrollment/device-of-request.js';
import type { EndedTies } from '../enrollment/device-ties.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { deviceNameOf } from '../policy/device-name.js';
import type { ProtocolHandler } from '../protocol.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { BoundCredential } from '../store/credentials-of-device.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { EnrollmentTransactionRecord, TransactionPlace } from '../store/enrollment-transaction-repository.js';
import type { JobKeyRecord } from '../store/job-keys-of-device.js';
import { decodeCertificate } from '../x509/certificate.js';
import { revokedAtOnce } from './revocations.js';

export interface TiesOfDevice {
  /** A part of those that are not revoked for the compromise of their key. */
  readonly certificates: readonly CertificateRecord[];
  readonly credentials: readonly BoundCredential[];
  readonly protocols: EndedTies;
  readonly keys: readonly JobKeyRecord[];
  readonly requests: readonly EnrollmentTransactionRecord[];
}

export type TiesServices = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'> & {
  /** Those that the gateway serves; undefined beside it. */
  readonly protocols?: readonly Pick<ProtocolHandler, 'name' | 'forgetDevice'>[];
};

/** What is left of them, as much as one commit takes. @param withRequests whether those that wait are looked for, one by one */
export async function tiesOfDevice(
  device: DeviceRecord,
  { withRequests }: { readonly withRequests: boolean },
  services: TiesServices,
): Promise<TiesOfDevice> {
  const { certificates, credentials, jobArchives } = services.store;
  const { id: deviceId, name, division } = device;
  const { policies, within } = openTo(division, services);
  const bound = within.length === 0 ? [] : await credentials.boundToDevice({ name, within });
  const shown = within.length === 0 ? [] : await credentials.shownByDevice({ deviceId, within });
  const known = new Set(bound.map(({ id }) => id));
  const own = shown.filter((credential) => !known.has(credential.id) && isNamed(credential, name));
  const passphrases = within.length === 0 ? [] : await credentials.passphrasesOfDevice({ deviceId, within });
  return {
    certificates: await certificates.uncompromisedByDevice({ deviceId, limit: revokedAtOnce }),
    credentials: [...bound, ...own, ...passphrases]
      .filter(({ revokedAt }) => revokedAt === null)
      .slice(0, revokedAtOnce),
    protocols: await tiesToProtocols(device, { policies, credentials: bound.map(({ id }) => id) }, services),
    keys: await jobArchives.keysOfDevice({ deviceId, limit: revokedAtOnce }),
    requests: withRequests && policies.length > 0 ? await openRequests(device, policies, services) : [],
  };
}

export function hasTies({ certificates, credentials, protocols, keys, requests }: TiesOfDevice): boolean {
  return [certificates, credentials, protocols.events, keys, requests].some(({ length }) => length > 0);
}

/** The policies of a division, and the authentication policies that its devices could authenticate by. */
function openTo(
  division: string,
  { catalog }: Pick<TiesServices, 'catalog'>,
): { readonly policies: readonly string[]; readonly within: readonly string[] } {
  const { policies, authenticationPolicies } = catalog();
  const ofDivision = [...policies.values()].filter(({ policy }) => policy.division === division);
  const own = [...authenticationPolicies.values()].filter(({ policy }) => policy.division === division);
  return {
    policies: ofDivision.map(({ policy }) => policy.name),
    within: [...new Set([...own, ...ofDivision.map(({ authentication }) => authentication)].map(nameOf))],
  };
}

/** A registration authority has certificates made for many devices, and is none of them. */
function isNamed({ certificate }: { readonly certificate: Uint8Array | null }, name: string): boolean {
  if (certificate === null) return false;
  const { subject } = decodeCertificate(certificate);
  const identity = { requester: '', credentials: [], certificateSubject: subject };
  return deviceNameOf({ identity, requested: { subject, extensions: [] } }) === name;
}

function nameOf({ policy }: { readonly policy: { readonly name: string } }): string {
  return policy.name;
}

async function tiesToProtocols(
  { id: deviceId, name }: DeviceRecord,
  known: { readonly policies: readonly string[]; readonly credentials: readonly string[] },
  { store, protocols = [] }: TiesServices,
): Promise<EndedTies> {
  const all: EndedTies[] = [];
  for (const protocol of protocols) {
    if (protocol.forgetDevice === undefined) continue;
    const requesters = await store.certificates.requestersOfDevice({ deviceId, protocol: protocol.name });
    const ties = { ...known, name, requesters: requesters.map(({ requester }) => requester) };
    all.push(await protocol.forgetDevice(ties));
  }
  return {
    statements: all.flatMap(({ statements }) => statements),
    events: all.flatMap(({ events }) => events),
  };
}

/** Few wait at any time. Those of a device are known by what they say only. */
async function openRequests(
  device: DeviceRecord,
  policies: readonly string[],
  services: TiesServices,
): Promise<readonly EnrollmentTransactionRecord[]> {
  const { enrollmentTransactions } = services.store;
  const now = services.clock.now().getTime();
  const found: EnrollmentTransactionRecord[] = [];
  for (const state of ['pending', 'approved'] as const) {
    let after: TransactionPlace | undefined;
    for (;;) {
      const page = await enrollmentTransactions.list({ state, policies, ...(after ? { after } : {}), limit: pageSize });
      for (const transaction of page) {
        if (transaction.expiresAt <= now || (await deviceOf(transaction, services)) !== device.name) continue;
        if (found.push(transaction) === revokedAtOnce) return found;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) break;
      after = { at: last.createdAt, requestId: last.requestId };
    }
  }
  return found;
}

const pageSize = 100;
