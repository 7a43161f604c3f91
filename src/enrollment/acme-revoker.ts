/** Who may revoke over ACME (RFC 8555 7.6): an account, or whoever has the certificate's own key. */
import { describeIssued } from '../authentication/client-certificate.js';
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { provedNames } from '../policy/proved-names.js';
import { readSubject } from '../policy/subject-attribute.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import { decodeCertificate, extension } from '../x509/certificate.js';
import { decodeGeneralNames } from '../x509/general-names.js';
import { idAtCommonName, idCeSubjectAltName } from '../x509/oids.js';
import { authenticateRequest } from './authenticate-request.js';
import { findIssuedCertificate } from './find-certificate.js';
import type { RevocationMessage } from './request.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

export interface Revoker {
  readonly identity: Identity;
  /** What it may revoke. */
  readonly record: CertificateRecord;
}

/** @throws GatewayError `unknown-certificate`, `forbidden`, or as authentication does */
export async function findAcmeRevoker(
  message: RevocationMessage,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Revoker> {
  const presented = message.credentials.find(({ kind }) => kind === 'certificate');
  if (presented?.kind !== 'certificate') return await findAccount(message, target, services);
  const record = await findIssuedCertificate(message, target, services);
  message.requireDescribed?.(record.der);
  // Who can sign with a key may say that it is lost: no policy has to accept the certificate for anything else.
  const [own = new Uint8Array()] = presented.chain;
  if (presented.proof !== 'message' || Buffer.compare(own, record.der) !== 0)
    throw new GatewayError('forbidden', 'only the key of the certificate, or an account, may revoke it');
  const requester = `certificate:${certificateId(record.issuerId, record.serialNumber)}`;
  return { identity: { requester, credentials: [], issuedCertificate: describeIssued(record) }, record };
}

/** An account of one policy has no say in the certificates of others, whose accounts prove their names in other ways. */
async function findAccount(
  message: RevocationMessage,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Revoker> {
  const { protocol, credentials, remoteAddress } = message;
  const asked = { protocol, credentials, operation: 'message', remoteAddress } as const;
  const { identity } = await authenticateRequest(asked, target, services.clock.now(), services);
  const record = await findIssuedCertificate(message, target, services);
  message.requireDescribed?.(record.der);
  const isOurs = record.policy === target.resolved.policy.name;
  if (isOurs && (record.requester === identity.requester || hasProved(identity, record))) return { identity, record };
  throw new GatewayError(
    'forbidden',
    'the certificate was issued to another account, and this one has not proved all of its names; prove them, or sign with the key of the certificate',
  );
}

/**
 * Whether the account could get the certificate's names itself. Authorizations that an external account alone makes valid
 * prove nothing, and do not count.
 */
function hasProved({ provedIdentifiers = [] }: Identity, { der }: CertificateRecord): boolean {
  const certificate = decodeCertificate(der);
  const names = extension(certificate, idCeSubjectAltName);
  if (names === undefined) return false;
  const proved = provedNames(provedIdentifiers);
  return (
    decodeGeneralNames(names).every((name) => proved.includes(name)) &&
    readSubject(certificate.subject).every(({ key, text }) => key !== idAtCommonName || proved.includesText(text))
  );
}
