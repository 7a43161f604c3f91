/** Which device a requester speaks for, where its request does not say so. */
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { certificateId } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import type { DeviceRecord } from '../store/device-repository.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';
import { requireInUse } from './updates.js';

interface RequestersDevice {
  readonly device: DeviceRecord;
  /** Writes that refuse a change unless all of this is still so. */
  readonly guards: readonly Statement[];
}

/**
 * The device of the certificate that was issued here and authenticates the requester; else the one that the credential is
 * registered for, or the only one that the requester has got certificates for.
 * @throws GatewayError `forbidden` where others may have the same credential, or the device may have nothing any more;
 * `invalid-state` before the first certificate; `revoked-requester`
 */
export async function findRequestersDevice(
  identity: Identity,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<RequestersDevice> {
  const { certificates, credentials, devices } = services.store;
  const own = identity.issuedCertificate;
  await requireInUse(own, services);
  const id = own ? own.deviceId : await deviceOfCredential(identity, target, services);
  const device = requireActive(id === undefined ? undefined : await devices.findById({ id }));
  const holder = own
    ? [certificates.requireValid({ id: certificateId(own.issuerId, own.serialNumber) })]
    : identity.credentials.map((credential) => credentials.requireUnrevoked({ id: credential.id }));
  return { device, guards: [devices.requireState(device), ...holder] };
}

/** @throws GatewayError `forbidden` */
export function requireActive(device: DeviceRecord | undefined): DeviceRecord {
  if (device === undefined) throw new GatewayError('forbidden', 'the certificate is of no device');
  if (device.state === 'suspended' || device.state === 'retired') {
    throw new GatewayError('forbidden', `the device is ${device.state}`);
  }
  return device;
}

async function deviceOfCredential(
  { requester, credentials: [credential] }: Identity,
  { resolved }: EnrollmentTarget,
  { store, clock }: EnrollmentServices,
): Promise<string> {
  const name = credential?.registeredValues?.device;
  if (name !== undefined) {
    const registered = await store.devices.findByName({ division: resolved.policy.division, name });
    if (registered === undefined) throw notEnrolled();
    return registered.id;
  }
  if (credential?.kind === 'cmp-secret' && (await store.credentials.findById(credential))?.usageLimit !== 1) {
    throw new GatewayError(
      'forbidden',
      'the secret of the message may be shared by several devices: sign the message with the certificate of the device',
    );
  }
  const found = await store.certificates.devicesOfRequester({ requester, at: clock.now().getTime(), limit: 2 });
  const [only, ...others] = found.flatMap(({ deviceId }) => deviceId ?? []);
  if (only === undefined) throw notEnrolled();
  if (others.length > 0) {
    throw new GatewayError(
      'forbidden',
      'the sender has certificates of several devices: sign the message with the certificate of the device',
    );
  }
  return only;
}

function notEnrolled(): GatewayError {
  return new GatewayError('invalid-state', 'the sender has no certificate yet that the gateway knows of: enroll first');
}
