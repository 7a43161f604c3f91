/** Retires devices: for good, with the revocation of all that is valid of them. */
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { quote } from '../policy/safe-text.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { deviceEvent } from './device-event.js';
import type { DeviceChange } from './device-state.js';
import { requireDevice } from './find-device.js';
import { whileOvertaken } from './overtaken.js';
import { revocationsOf, revokedAtOnce } from './revocations.js';

type RetirementServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/**
 * Returns the certificates that it revoked, held ones too; their CRLs are due. The first part of them is revoked with the change
 * of the state itself. From then on the device gets no more, so that what is left is all there is; where a crash comes in
 * between, a second call revokes it.
 * @throws GatewayError `not-found`, and `invalid-state` for a device that is retired already and has nothing valid any more
 */
export async function retireDevice(
  change: DeviceChange,
  services: RetirementServices,
): Promise<readonly CertificateRecord[]> {
  const first = await whileOvertaken(() => retireFurther(change, services));
  if (first === undefined) {
    const { name } = await requireDevice(change.id, services);
    throw new GatewayError('invalid-state', `device ${quote(name)} is retired already, and nothing of it is valid`);
  }
  const revoked = [...first];
  for (;;) {
    const next = await whileOvertaken(() => retireFurther(change, services));
    if (next === undefined) return revoked;
    revoked.push(...next);
  }
}

/** Undefined when there is nothing left to do. Its certificates are issued and revoked at the same time. */
async function retireFurther(
  { id, actor }: DeviceChange,
  services: RetirementServices,
): Promise<readonly CertificateRecord[] | undefined> {
  const { store, clock } = services;
  const device = await requireDevice(id, services);
  const { state: from } = device;
  const now = clock.now();
  const left = { deviceId: id, at: now.getTime(), after: '', limit: revokedAtOnce };
  const certificates = await store.certificates.unrevokedByDevice(left);
  if (from === 'retired' && certificates.length === 0) return undefined;
  const event = deviceEvent('device.retired', device, { actor, at: now }, { from, revoked: certificates.length });
  const revocations = revocationsOf(
    certificates,
    { at: now, reason: 'cessationOfOperation', actor, device, because: () => 'the device is retired' },
    services,
  );
  await store.commit({
    statements: [store.devices.setState({ id, from, to: 'retired', at: now.getTime() }), ...revocations.statements],
    audit: [event, ...revocations.audit],
  });
  return certificates;
}
