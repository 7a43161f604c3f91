/** Which device a request that waits, or waited, is about. */
import { deviceNameOf, nameByCredential } from '../policy/device-name.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import { decodeMessage } from './stored-message.js';
import { decodeIdentity, decodeRequest } from './stored-request.js';

/** The name of the device that a request is about; undefined where nothing tells. */
export async function deviceOf(
  { request, identity }: EnrollmentTransactionRecord,
  { store }: { readonly store: Pick<Store, 'certificates' | 'devices'> },
): Promise<string | undefined> {
  if (request === '{}' || identity === '{}') return undefined;
  const message = decodeMessage(request);
  if (message?.kind === 'revocation') {
    const certificate = await store.certificates.findByIssuerAndSerial(message.issuerId, message.serialNumber);
    return await nameOfDevice(certificate?.deviceId ?? undefined, store);
  }
  const requester = decodeIdentity(identity);
  const known = await nameOfDevice(requester.issuedCertificate?.deviceId, store);
  if (known !== undefined) return known;
  if (message !== undefined) return nameByCredential(requester);
  return deviceNameOf({ identity: requester, requested: decodeRequest(request).requested });
}

async function nameOfDevice(id: string | undefined, { devices }: Pick<Store, 'devices'>): Promise<string | undefined> {
  return id === undefined ? undefined : (await devices.findById({ id }))?.name;
}
