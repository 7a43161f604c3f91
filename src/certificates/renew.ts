/** Renewal of certificates by who manages the gateway, in the place of their holders. */
import { createHash } from 'node:crypto';
import type { Scope } from '../access/principal.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { selectProfile } from '../policy/select-profile.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { decodeCertificate } from '../x509/certificate.js';
import { idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../x509/oids.js';
import { keyFingerprint } from '../x509/public-key.js';
import { readCsrPem, readProvenCsr } from '../x509/written-request.js';
import { type OperatorRequest, type OperatorResult, requestAsOperator } from './operator-request.js';
import { requireVisible } from './visible.js';

/** Whose key the renewed certificate is for. */
export type RenewedKey =
  /** That of the certificate: its holder has proved to have it. */
  | { readonly kind: 'same' }
  /** Of a PKCS #10 request, PEM. Without names it is taken for a request for those of the certificate. */
  | { readonly kind: 'csr'; readonly csr: string }
  /** Made by the gateway; `form`: what tells requests apart that want it in different forms. */
  | { readonly kind: 'gateway'; readonly type?: GeneratedKeyType | undefined; readonly form?: string };

export interface RenewalRequest extends Pick<OperatorRequest, 'actor' | 'methods' | 'accompanying'> {
  /** Of the certificate to be renewed. */
  readonly certificateId: string;
  readonly key: RenewedKey;
  /** Where the rights of who wants it hold. */
  readonly scope: Scope;
}

/**
 * Asks for the successor of a certificate, with its names; whatever the profile says of renewals holds: its window, its grace, and
 * whether the key stays or changes. Repeated within an hour it gets the same certificate, but for keys that the gateway makes and
 * where there are accompanying writes.
 * @throws GatewayError `not-found`, `forbidden` where the policy is not open to `methods`, `invalid-state`, and as enrollments do
 */
export async function renewCertificate(
  { certificateId, key, scope, actor, methods, accompanying }: RenewalRequest,
  services: EnrollmentServices,
): Promise<OperatorResult> {
  const record = await requireVisible(certificateId, scope, services);
  if (record.usage === 'service' || record.policy === '') {
    throw new GatewayError(
      'invalid-state',
      'the certificate is one of the gateway itself, which renews those by itself',
    );
  }
  const { issuer, serialNumber } = decodeCertificate(record.der);
  const { requested, generateKey } = wishes(record, key, services);
  return await requestAsOperator(
    {
      label: record.policy,
      operation: 'reenroll',
      onBehalfOf: { issuer, serialNumber },
      requested,
      ...(generateKey ? { generateKey } : {}),
      actor,
      methods,
      ...(accompanying ? { accompanying } : { repeats: [record.id, ...describeKey(key, requested)] }),
    },
    services,
  );
}

function wishes(
  record: CertificateRecord,
  key: RenewedKey,
  { catalog }: EnrollmentServices,
): Pick<OperatorRequest, 'requested' | 'generateKey'> {
  const resolved = catalog().policies.get(record.policy);
  if (resolved === undefined) {
    throw new GatewayError('invalid-state', `policy ${record.policy} is gone, under which the certificate was issued`);
  }
  const selected = selectProfile({ issuedCertificate: record }, resolved);
  const own = wishesOf(record.der, requestable(selected.profile.profile, selected.usage === record.usage));
  switch (key.kind) {
    case 'same':
      return { requested: own };
    case 'csr': {
      const asked = readProvenCsr(readCsrPem('csr', key.csr));
      return { requested: isWithoutNames(asked) ? { ...asked, ...namesOf(own) } : asked };
    }
    case 'gateway':
      return { requested: namesOf(own), generateKey: key.type === undefined ? {} : { type: key.type } };
  }
}

/**
 * What a renewal asks for: all that the certificate has of what a request may ask for. The key is the certificate's own.
 * @param requestable the extensions that a request is asked for, besides the names
 */
function wishesOf(der: Uint8Array, requestable: ReadonlySet<string>): RequestedCertificate {
  const { subject, subjectPublicKeyInfo, extensions } = decodeCertificate(der);
  return {
    subject,
    subjectPublicKeyInfo,
    extensions: extensions.filter(({ id }) => id === idCeSubjectAltName || requestable.has(id)),
  };
}

/** The extensions that a request is asked for. Usages are those of before where the certificate is for the same. */
function requestable({ extensions, usageSource }: CertificateProfile, isSameUsage: boolean): ReadonlySet<string> {
  const copied = extensions.filter(({ source }) => source === 'request').map(({ id }) => id);
  return new Set(usageSource === 'request' && isSameUsage ? [...copied, idCeKeyUsage, idCeExtKeyUsage] : copied);
}

function namesOf({ subject, extensions }: RequestedCertificate): Pick<RequestedCertificate, 'subject' | 'extensions'> {
  return { subject, extensions };
}

/** An empty Name is a SEQUENCE without content. */
function isWithoutNames({ subject, extensions }: RequestedCertificate): boolean {
  return subject.length === 2 && extensions.length === 0;
}

function describeKey(key: RenewedKey, { subject, subjectPublicKeyInfo, extensions }: RequestedCertificate): string[] {
  if (key.kind === 'gateway') return ['gateway', key.type ?? '', key.form ?? ''];
  const names = createHash('sha256').update(subject);
  for (const { id, value } of extensions) names.update(id).update(value);
  return ['key', subjectPublicKeyInfo ? keyFingerprint(subjectPublicKeyInfo) : '', names.digest('hex')];
}
