/** ccr (RFC 9810 5.3.11 and D.6): a CA that the policy trusts asks for a certificate of the policy's CA over its own key. */

import { GatewayError } from '../../src/errors.js';
import { type Certificate, decodeCertificate, extension } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeBasicConstraints } from '../../src/x509/extensions.js';
import { namesEqual } from '../../src/x509/names.js';
import { idCeBasicConstraints } from '../../src/x509/oids.js';
import { describePublicKey } from '../../src/x509/public-key.js';
import type { CertReqMsg } from './asn1/cert-request.js';
import type { CertTemplate } from './asn1/cert-template.js';
import { requireSubject } from './cert-template-checks.js';
import { decodeWish } from './certificate-request.js';
import { type CertificateWish, enroll, repeatAnswer } from './enrollment.js';
import { CmpError } from './errors.js';
import { readAssigned } from './modifications.js';
import { findRepeated } from './operation.js';
import { verifyPossession } from './proof-of-possession.js';
import { readPasscode, readTemplate } from './registration.js';
import type { Ask, CmpRequest } from './request.js';

/** @throws GatewayError */
export async function readCrossCertification(request: CmpRequest): Promise<Ask> {
  requireTrustedCa(request);
  const repeated = await findRepeated(request);
  if (repeated) return async () => repeatAnswer(request, repeated);
  const wish = decodeWish(request);
  requireSignature(wish);
  const template = readTemplate(wish);
  const { publicKey, notBefore, notAfter } = requireComplete(template);
  const subject = requireSubject(template);
  requireOwnIssuer(request, template);
  if (readPasscode(wish, request.message.bodyType) !== undefined) {
    throw new CmpError('badRequest', 'the certificate alone authenticates a CA: no regToken, no authenticator');
  }
  requireSigningKey(publicKey);
  const { requestHash } = await verifyPossession(request, wish, publicKey);
  const certificate: CertificateWish = {
    certReqId: 0,
    answerType: 'ccp',
    usage: 'intermediate',
    ...readAssigned(request, template),
    requested: {
      subjectPublicKeyInfo: publicKey,
      subject,
      extensions: template.extensions,
      notBefore,
      notAfter,
      ...(requestHash === undefined ? {} : { requestHash }),
    },
    isUpdate: false,
  };
  return () => enroll(request, certificate);
}

/** One that the policy names, and by a certificate of its own: not just anybody whom it has certified. */
function requireTrustedCa({ sender }: CmpRequest): void {
  const { protection, requester } = sender;
  if (protection.kind === 'signature' && requester.isCrossCertifiable && isCa(protection.certificate)) return;
  throw new GatewayError('forbidden', 'only a CA that the policy certifies across may send a ccr');
}

function isCa(certificate: Certificate): boolean {
  const value = extension(certificate, idCeBasicConstraints);
  return value !== undefined && decoding('the protection certificate', () => decodeBasicConstraints(value)).ca;
}

/** RFC 9810 5.3.11: the private key must not be disclosed to the other CA. */
function requireSignature({ popo }: CertReqMsg): void {
  if (popo === undefined) {
    throw new CmpError('badPOP', 'a ccr proves possession of its key by a signature', 'unsupported-operation');
  }
  if (popo.type !== 'signature') {
    throw new GatewayError('invalid-proof-of-possession', 'a ccr proves possession of its key by a signature');
  }
}

/** What D.6 wants beside the subject. */
function requireComplete({ version, signingAlg, validity, issuer, publicKey }: CertTemplate) {
  const { notBefore, notAfter } = validity ?? {};
  if (version === undefined || signingAlg === undefined || issuer === undefined) {
    throw new CmpError('badCertTemplate', 'the certTemplate of a ccr has version, signingAlg and issuer');
  }
  if (notBefore === undefined || notAfter === undefined) {
    throw new CmpError('badCertTemplate', 'the certTemplate of a ccr has both ends of the validity');
  }
  if (publicKey === undefined) throw new CmpError('badCertTemplate', 'the certTemplate has no public key');
  return { publicKey, notBefore, notAfter };
}

/** @param publicKey DER SubjectPublicKeyInfo */
function requireSigningKey(publicKey: Uint8Array): void {
  const { algorithm } = decoding('the key of the request', () => describePublicKey(publicKey));
  if (algorithm !== 'x25519' && algorithm !== 'x448') return;
  throw new CmpError('badCertTemplate', 'the key of a CA must be one that signs', 'unacceptable-key');
}

/** Who does not know what the policy's CA is called puts anything there; who names one above it means that one. */
function requireOwnIssuer({ services, exchange }: CmpRequest, { issuer = new Uint8Array() }: CertTemplate): void {
  const [own, ...others] = services.caCertificates(exchange.params.label).map((der) => decodeCertificate(der).subject);
  const isNamed = (name: Uint8Array) => decoding('the issuer', () => namesEqual(issuer, name));
  if (own !== undefined && isNamed(own)) return;
  if (others.some(isNamed)) {
    throw new CmpError('wrongAuthority', 'the issuer in the certTemplate is another CA than that of the policy');
  }
}
