/** Which certificate a requester speaks for, where its request does not say so. */
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { EnrollmentServices } from './services.js';
import { requireInUse } from './updates.js';

interface RequestersCertificate {
  readonly certificate: CertificateRecord;
  readonly device: DeviceRecord;
  /** Writes that refuse a change unless all of this is still so. */
  readonly guards: readonly Statement[];
}

/**
 * The certificate that was issued here and authenticates the requester; else the only one that the requester has got.
 * @throws GatewayError `forbidden` where others may have the same credential, or the device may have nothing any more;
 * `invalid-state` before the first certificate; `revoked-requester`
 */
export async function findRequestersCertificate(
  identity: Identity,
  services: EnrollmentServices,
): Promise<RequestersCertificate> {
  const { certificates, credentials, devices } = services.store;
  const own = identity.issuedCertificate;
  await requireInUse(own, services);
  const id = own ? certificateId(own.issuerId, own.serialNumber) : await findOnly(identity, services);
  const certificate = await certificates.findById({ id });
  if (certificate === undefined) throw new GatewayError('internal', 'a certificate is not on record any more');
  const { deviceId } = certificate;
  const device = requireActive(deviceId === null ? undefined : await devices.findById({ id: deviceId }));
  const shown = own
    ? []
    : identity.credentials.map((credential) => credentials.requireUnrevoked({ id: credential.id }));
  return { certificate, device, guards: [devices.requireState(device), certificates.requireValid({ id }), ...shown] };
}

/** @throws GatewayError `forbidden` */
export function requireActive(device: DeviceRecord | undefined): DeviceRecord {
  if (device === undefined) throw new GatewayError('forbidden', 'the certificate is of no device');
  if (device.state === 'suspended' || device.state === 'retired') {
    throw new GatewayError('forbidden', `the device is ${device.state}`);
  }
  return device;
}

/** Who has no certificate of here to show got its certificates by enrolling anew: each is the first of its lineage. */
async function findOnly(
  { requester, credentials: [credential] }: Identity,
  { store, clock }: EnrollmentServices,
): Promise<string> {
  if (
    credential?.kind === 'cmp-secret' &&
    credential.registeredValues?.device === undefined &&
    (await store.credentials.findById(credential))?.usageLimit !== 1
  ) {
    throw new GatewayError(
      'forbidden',
      'the secret of the message may be shared by several devices: sign the message with the certificate of the device',
    );
  }
  const found = await store.certificates.idsOfRequester({ requester, at: clock.now().getTime(), limit: 2 });
  const [only, ...others] = found;
  if (only === undefined) {
    throw new GatewayError(
      'invalid-state',
      'the sender has no certificate yet that the gateway knows of: enroll first',
    );
  }
  if (others.length > 0) {
    throw new GatewayError('forbidden', 'the sender has several certificates: sign the message with the one concerned');
  }
  return only.id;
}
