/** The names that a request asks for: its own, or those of a ChangeSubjectName attribute (RFC 6402 2.8). */

import { GatewayError } from '../../src/errors.js';
import type { RequestedExtension } from '../../src/model/requested-certificate.js';
import { decodeCertificate, extension } from '../../src/x509/certificate.js';
import {
  type ChangeSubjectName,
  decodeChangeSubjectName,
  idCmcChangeSubjectName,
} from '../../src/x509/change-subject-name.js';
import { decoding } from '../../src/x509/decoding.js';
import { sequence } from '../../src/x509/der-writer.js';
import { findExtension } from '../../src/x509/extensions.js';
import { decodeGeneralNames, encodeGeneralName, encodeGeneralNames } from '../../src/x509/general-names.js';
import { namesEqual } from '../../src/x509/names.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import type { CertificationRequest } from '../../src/x509/pkcs10.js';

export interface RequestedNames {
  /** DER Name. */
  readonly subject: Uint8Array;
  /** All requested extensions, the SAN among them. */
  readonly extensions: readonly RequestedExtension[];
  readonly changesNames: boolean;
}

/**
 * Reads the names. With ChangeSubjectName the request's own names must be those of the requester's certificate, so that
 * identity and possession are still proven for the name in use; whether the change is granted is for the policy to say.
 * @throws GatewayError `malformed-request`, `rejected-name`
 */
export function readRequestedNames(
  { subject, extensions, attributes }: CertificationRequest,
  requester: Uint8Array | undefined,
): RequestedNames {
  const changes = attributes.filter(({ type }) => type === idCmcChangeSubjectName).flatMap(({ values }) => values);
  const [change, second] = changes;
  if (change === undefined) return { subject, extensions, changesNames: false };
  if (second !== undefined) {
    throw new GatewayError('malformed-request', 'the request has more than one ChangeSubjectName');
  }
  return decoding('the ChangeSubjectName attribute, or a name that it is compared with,', () => {
    if (requester === undefined || !hasNamesOf(requester, subject, extensions)) {
      throw new GatewayError(
        'rejected-name',
        'a request with ChangeSubjectName must have the subject and subjectAltName of the certificate that authenticates it',
      );
    }
    return { ...changedNames(decodeChangeSubjectName(change), extensions), changesNames: true };
  });
}

/** Whether a certificate has this subject and the subjectAltName among these extensions. @throws DerError */
function hasNamesOf(
  certificateDer: Uint8Array,
  subject: Uint8Array,
  extensions: readonly RequestedExtension[],
): boolean {
  const certificate = decodeCertificate(certificateDer);
  const present = extension(certificate, idCeSubjectAltName);
  const asked = findExtension(extensions, idCeSubjectAltName)?.value;
  return namesEqual(certificate.subject, subject) && alternativesKey(present) === alternativesKey(asked);
}

/** What is absent in the attribute becomes absent in the certificate (RFC 6402 2.8, points 1 and 2). */
function changedNames(
  { subject, subjectAltNames }: ChangeSubjectName,
  extensions: readonly RequestedExtension[],
): Omit<RequestedNames, 'changesNames'> {
  const others = extensions.filter(({ id }) => id !== idCeSubjectAltName);
  if (subjectAltNames === undefined) return { subject: subject ?? emptyName, extensions: others };
  const alternatives = { id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(subjectAltNames) };
  return { subject: subject ?? emptyName, extensions: [...others, alternatives] };
}

const emptyName = sequence();

/** The same names in another order are the same names. */
function alternativesKey(der: Uint8Array | undefined): string {
  if (der === undefined) return '';
  const names = decodeGeneralNames(der).map((name) => Buffer.from(encodeGeneralName(name)).toString('hex'));
  return names.sort().join(' ');
}
