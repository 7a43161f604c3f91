/** Whose a certificate is, for the details of audit events. */
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';

/** By name; the event has the device's id besides. */
export interface CertificateHolder {
  readonly division?: string | undefined;
  readonly device?: string | undefined;
}

/** Empty where it is no device's. */
export async function holderOf(
  { deviceId }: Pick<CertificateRecord, 'deviceId'>,
  { devices }: Pick<Store, 'devices'>,
): Promise<CertificateHolder> {
  const record = deviceId === null ? undefined : await devices.findById({ id: deviceId });
  return record ? { division: record.division, device: record.name } : {};
}
