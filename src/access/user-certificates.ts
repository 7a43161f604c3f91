/** The client certificates that users authenticate with: each one by itself, whoever has issued it. */
import { GatewayError, HttpError } from '../errors.js';
import { maximumUserCertificates } from '../model/user.js';
import type { UserCertificateRecord, UserRecord } from '../store/access-record.js';
import { type Certificate, decodeCertificate, fingerprint } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { formatName } from '../x509/names.js';
import { onePemBlock } from '../x509/pem.js';
import type { Manager } from './grants.js';
import type { AccessServices } from './services.js';
import { replaceUser } from './users.js';

/** @throws GatewayError `duplicate-request` for one that is a user's already, and as a change of the user; HttpError 422 */
export async function addUserCertificate(
  seen: UserRecord,
  pem: string,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const { store, clock } = services;
  const certificate = readUserCertificate(pem);
  const at = clock.now();
  if (certificate.notAfter < at) throw new HttpError(422, 'malformed-request', 'the certificate has expired');
  const present = await store.users.certificatesOf({ userId: seen.id });
  if (present.length >= maximumUserCertificates) {
    throw new GatewayError(
      'invalid-state',
      `a user has at most ${maximumUserCertificates} certificates; remove one first`,
    );
  }
  const record = userCertificateRecord(certificate, seen.id, at);
  try {
    return await replaceUser(
      {
        seen,
        action: 'user.certificate-added',
        details: { fingerprint: record.fingerprint, subject: record.subject },
        accompanying: [store.users.addCertificate(record)],
      },
      manager,
      services,
    );
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'duplicate-request')) throw error;
    throw new GatewayError('duplicate-request', 'the certificate is a user’s already; remove it there first');
  }
}

/** @throws GatewayError `not-found`, and as a change of the user */
export async function removeUserCertificate(
  seen: UserRecord,
  hexFingerprint: string,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const { store } = services;
  const place = { userId: seen.id, fingerprint: hexFingerprint };
  return await replaceUser(
    {
      seen,
      action: 'user.certificate-removed',
      details: { fingerprint: hexFingerprint },
      accompanying: [store.users.removeCertificate(place)],
    },
    manager,
    services,
  ).catch((error) => {
    if (!(error instanceof GatewayError && error.code === 'not-found')) throw error;
    throw new GatewayError('not-found', `user ${seen.name} has no certificate with this fingerprint`);
  });
}

export function userCertificateRecord(certificate: Certificate, userId: string, at: Date): UserCertificateRecord {
  return {
    fingerprint: fingerprint(certificate.der),
    userId,
    der: certificate.der,
    subject: formatName(certificate.subject),
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    addedAt: at.getTime(),
  };
}

/** @throws HttpError 422 */
export function readUserCertificate(pem: string): Certificate {
  try {
    return decodeCertificate(onePemBlock(pem, 'CERTIFICATE'));
  } catch (error) {
    if (!(error instanceof DerError) && !(error instanceof SyntaxError)) throw error;
    throw new HttpError(422, 'malformed-request', 'one certificate in PEM is expected');
  }
}
