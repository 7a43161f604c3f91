/** Loads what a decision needs to know. */
import { GatewayError } from '../errors.js';
import type { Device } from '../model/device.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { deviceNameOf } from '../policy/device-name.js';
import type { Facts, KnownCertificate } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import { type CertificateRecord, certificateId, hasLapsed } from '../store/certificate-record.js';
import { decodeCertificate } from '../x509/certificate.js';
import { revocationReasonOf } from '../x509/crl.js';
import { namesEqual } from '../x509/names.js';
import { keyFingerprint } from '../x509/public-key.js';
import { deviceOf } from './device.js';
import type { EnrollmentServices } from './services.js';

/** What is known before the store is asked. */
interface FactsInput extends Pick<Facts, 'policy' | 'group' | 'isGroupNamed' | 'usage' | 'profile' | 'approved'> {
  readonly identity: Identity;
  /** Of the CA, where it is not the current one. */
  readonly generation?: string;
  readonly requested: RequestedCertificate;
  readonly operation: 'enroll' | 'reenroll';
  readonly now: Date;
}

export async function loadFacts(input: FactsInput, services: EnrollmentServices): Promise<Facts> {
  const { policy, group, isGroupNamed, usage, profile, identity, requested, operation, approved } = input;
  const { store, authority, isCompromisedKey } = services;
  const at = input.now.getTime();
  const presented = identity.issuedCertificate;
  const known =
    presented?.deviceId === undefined ? undefined : await store.devices.findById({ id: presented.deviceId });
  const deviceName = known?.name ?? deviceNameOf({ identity, requested });
  const device = known
    ? deviceOf(known)
    : deviceName === undefined
      ? undefined
      : await findDevice({ division: policy.division, name: deviceName }, services);
  const key = requested.subjectPublicKeyInfo;
  const sameKey = key === undefined ? [] : await store.certificates.findByKey({ keyFingerprint: fingerprintOf(key) });
  const needsOthers = policy.duplicates !== 'allow' && device !== undefined;
  const ofDevice = needsOthers ? await store.certificates.validByDevice({ deviceId: device.id, at }) : [];
  const replaced =
    operation === 'reenroll' && presented
      ? await store.certificates.findById({ id: certificateId(presented.issuerId, presented.serialNumber) })
      : undefined;
  const { certificates, certificatesPerDevice } = policy.limits;
  return {
    policy,
    usage,
    profile,
    issuer: authority.issuer(policy.issuingCa, input.generation),
    group,
    isGroupNamed,
    ...(device ? { device } : {}),
    ...(deviceName === undefined ? {} : { deviceName }),
    ...(replaced ? { replaces: { ...describeCertificate(replaced, input.now), der: replaced.der } } : {}),
    sameKey: sameKey.map((record) => describeCertificate(record, input.now)),
    sameDevice: ofDevice
      .filter((other) => other.policy === policy.name && other.usage === usage && !hasLapsed(other, input.now))
      .map((record) => describeCertificate(record, input.now)),
    ...(certificates === undefined
      ? {}
      : { validCertificatesOfPolicy: await store.certificates.countActiveByPolicy({ policy: policy.name, at }) }),
    ...(certificatesPerDevice === undefined || !device
      ? {}
      : {
          validCertificatesOfDevice: await store.certificates.countActiveByDevice({
            deviceId: device.id,
            policy: policy.name,
            at,
          }),
        }),
    isCompromisedKey,
    isCaSubject: (subject) =>
      authority.generations().some(({ certificate }) => namesEqual(certificate.subject, subject)),
    approved,
  };
}

/** The device on record under a name. */
export async function findDevice(
  named: { readonly division: string; readonly name: string },
  { store }: Pick<EnrollmentServices, 'store'>,
): Promise<Device | undefined> {
  const record = await store.devices.findByName(named);
  return record && deviceOf(record);
}

/** An unreadable key has no namesakes; the key rule refuses it in its own words. */
function fingerprintOf(subjectPublicKeyInfo: Uint8Array): string {
  try {
    return keyFingerprint(subjectPublicKeyInfo);
  } catch {
    return '';
  }
}

function describeCertificate(record: CertificateRecord, now: Date): KnownCertificate {
  const reason = record.revocationReason === null ? undefined : revocationReasonOf(record.revocationReason);
  return {
    issuerId: record.issuerId,
    serialNumber: record.serialNumber,
    policy: record.policy,
    usage: record.usage,
    ...(record.deviceId === null ? {} : { deviceId: record.deviceId }),
    subject: subjectOf(record),
    status: hasLapsed(record, now) ? 'revoked' : record.status,
    ...(reason === undefined ? {} : { revocationReason: reason }),
    notAfter: new Date(record.notAfter),
    requester: record.requester,
  };
}

function subjectOf({ der }: CertificateRecord): Uint8Array {
  try {
    return decodeCertificate(der).subject;
  } catch (cause) {
    throw new GatewayError('internal', 'a certificate on record cannot be read', { cause });
  }
}
