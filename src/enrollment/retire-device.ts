/** Retires devices: for good, with the revocation of all that is valid of them. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError, OvertakenError } from '../errors.js';
import { quote } from '../policy/safe-text.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord, Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-repository.js';
import { type DeviceChange, requireDevice, timeAfter } from './device-state.js';
import { revocationStatements } from './revoke.js';
import type { EnrollmentServices } from './services.js';

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
  const first = await retireFurther(change, services);
  if (first === undefined) {
    const { name } = await requireDevice(change.id, services);
    throw new GatewayError('invalid-state', `device ${quote(name)} is retired already, and nothing of it is valid`);
  }
  const revoked = [...first];
  for (;;) {
    const next = await retireFurther(change, services);
    if (next === undefined) return revoked;
    revoked.push(...next);
  }
}

/** So many that the writes of the gateway beside it are not kept waiting for long. */
const batchSize = 100;
const maximumAttempts = 10;
const reason = 'cessationOfOperation';

/** Undefined when there is nothing left to do. */
async function retireFurther(
  change: DeviceChange,
  services: RetirementServices,
): Promise<readonly CertificateRecord[] | undefined> {
  const { store, clock } = services;
  for (let attempt = 1; ; attempt++) {
    const device = await requireDevice(change.id, services);
    const now = clock.now();
    const left = { deviceId: device.id, at: now.getTime(), limit: batchSize };
    const certificates = await store.certificates.unrevokedByDevice(left);
    if (device.state === 'retired' && certificates.length === 0) return undefined;
    try {
      await store.commit(retirement({ device, certificates, now, ...change }, services));
      return certificates;
    } catch (error) {
      // Its certificates are issued and revoked at the same time.
      if (!isOvertaken(error) || attempt >= maximumAttempts) throw error;
    }
  }
}

interface Retirement extends DeviceChange {
  readonly device: DeviceRecord;
  readonly certificates: readonly CertificateRecord[];
  readonly now: Date;
}

function retirement(
  { device, certificates, now, requestedBy }: Retirement,
  { store }: Pick<EnrollmentServices, 'store'>,
): Change {
  const { id, division, groupName, name, state: from } = device;
  const moved = store.devices.setState({ id, from, to: 'retired', at: timeAfter(device, now) });
  const event = createAuditRecord({
    at: now,
    action: 'device.retired',
    outcome: 'success',
    subject: id,
    details: { requestedBy, division, group: groupName, device: name, from, revoked: certificates.length },
  });
  return {
    statements: [moved, ...certificates.flatMap((record) => revocationStatements(record, { at: now, reason }, store))],
    audit: [event, ...certificates.map((record) => revocationEvent(record, now, requestedBy))],
  };
}

function revocationEvent({ id, subject, deviceId }: CertificateRecord, at: Date, requestedBy: string): AuditRecord {
  return createAuditRecord({
    at,
    action: 'certificate.revoked',
    outcome: 'success',
    subject: id,
    details: { reason, requestedBy, because: 'the device is retired', name: subject, device: deviceId },
  });
}

function isOvertaken(error: unknown): boolean {
  return error instanceof OvertakenError || (error instanceof GatewayError && error.code === 'already-revoked');
}
