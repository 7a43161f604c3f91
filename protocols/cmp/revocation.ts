/** rr and rp (RFC 9810 5.3.9 and 5.3.10, RFC 9483 4.2 and 5.3.2). */

import type { RevocationMessage } from '../../src/enrollment/request.js';
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { type Certificate, decodeCertificate } from '../../src/x509/certificate.js';
import { revocationReasonOf } from '../../src/x509/crl.js';
import { decoding } from '../../src/x509/decoding.js';
import { DerReader } from '../../src/x509/der.js';
import { findExtension } from '../../src/x509/extensions.js';
import { namesEqual } from '../../src/x509/names.js';
import { idCeCrlReasons, idCeInvalidityDate } from '../../src/x509/oids.js';
import type { CertTemplate } from './asn1/cert-template.js';
import { decodeRevReqContent, encodeRevRepContent, type RevDetails, requestedReason } from './asn1/revocation.js';
import { endStatements, unlessWaiting, waitingError, waitStatements } from './delayed-delivery.js';
import { CmpError } from './errors.js';
import type { Answer, Ask, CmpRequest } from './request.js';

/** @throws GatewayError */
export async function readRevocation(request: CmpRequest): Promise<Ask> {
  const { services, exchange, message, sender } = request;
  const [details, ...others] = decoding('the body', () => decodeRevReqContent(message.body));
  if (details === undefined || others.length > 0) {
    throw new CmpError('badRequest', 'an rr asks for the revocation of one certificate');
  }
  const { template } = details;
  const { issuer, serialNumber, version } = template;
  if (issuer === undefined || serialNumber === undefined) {
    throw new CmpError('addInfoNotAvailable', 'certDetails must have the issuer and the serialNumber');
  }
  if (version !== undefined && version !== 2) {
    throw new CmpError('badRequest', `the version in certDetails is ${version} instead of 2, which is v3`);
  }
  const reason = readReason(details);
  const invalidityDate = readInvalidityDate(details);
  return await unlessWaiting(request, async () => {
    const result = await services.revoke({
      ...originOf(exchange),
      protocol: 'cmp',
      issuer,
      serialNumber,
      reason,
      requireDescribed: (der) => requireDescribed(template, decodeCertificate(der)),
      credentials: [sender.credential],
      accompanying: (outcome) =>
        outcome.outcome === 'pending' ? waitStatements(request, 'rp', outcome) : endStatements(request, 'rp'),
      ...(invalidityDate === undefined ? {} : { invalidityDate }),
    });
    return result.outcome === 'pending' ? waitingError() : accepted(reason);
  });
}

/** The answer to an rr that waited, once its approval has carried it out. */
export async function answerRevocation({ message }: CmpRequest): Promise<Answer> {
  const [details] = decodeRevReqContent(message.body);
  if (details === undefined) throw new GatewayError('internal', 'an rr about nothing was made to wait');
  return accepted(readReason(details));
}

function accepted(reason: RevocationMessage['reason']): Answer {
  const statusString = [said[reason] ?? 'the certificate is revoked'];
  return { bodyType: 'rp', body: encodeRevRepContent({ status: [{ status: 'accepted', statusString }] }) };
}

const said: { readonly [Reason in RevocationMessage['reason']]?: string } = {
  certificateHold: 'the certificate is on hold, which is to say revoked until it is revived',
  removeFromCRL: 'the certificate is revived',
};

/** One reason; unspecified where there is none. */
function readReason(details: RevDetails): RevocationMessage['reason'] {
  const reasons = details.crlEntryDetails.filter(({ id }) => id === idCeCrlReasons);
  if (reasons.length > 1) throw new CmpError('badRequest', 'crlEntryDetails has more than one reason');
  const code = decoding('the reason', () => requestedReason(details)) ?? 0;
  const reason = code === 8 ? 'removeFromCRL' : revocationReasonOf(code);
  if (reason === undefined) throw new CmpError('badDataFormat', `there is no revocation reason ${code}`);
  return reason;
}

function readInvalidityDate({ crlEntryDetails }: RevDetails): Date | undefined {
  const extension = findExtension(crlEntryDetails, idCeInvalidityDate);
  return extension && decoding('the invalidity date', () => DerReader.decode(extension.value, (r) => r.time()));
}

/** Whatever certDetails says of the certificate has to be so. @throws CmpError */
function requireDescribed(template: CertTemplate, certificate: Certificate): void {
  const { subject, publicKey, validity, extensions, signingAlg, issuerUID, subjectUID } = template;
  const seconds = (moment: Date) => Math.floor(moment.getTime() / 1000);
  const isDescribed =
    // Certificates of the gateway have neither.
    issuerUID === undefined &&
    subjectUID === undefined &&
    (subject === undefined || decoding('the subject', () => namesEqual(subject, certificate.subject))) &&
    (publicKey === undefined || Buffer.compare(publicKey, certificate.subjectPublicKeyInfo) === 0) &&
    (signingAlg === undefined || Buffer.compare(signingAlg, certificate.signatureAlgorithm) === 0) &&
    (validity?.notBefore === undefined || seconds(validity.notBefore) === seconds(certificate.notBefore)) &&
    (validity?.notAfter === undefined || seconds(validity.notAfter) === seconds(certificate.notAfter)) &&
    extensions.every(({ id, critical, value }) => {
      const found = findExtension(certificate.extensions, id);
      return found !== undefined && found.critical === critical && Buffer.compare(found.value, value) === 0;
    });
  if (!isDescribed) throw new CmpError('badCertId', 'certDetails describes another certificate', 'unknown-certificate');
}
