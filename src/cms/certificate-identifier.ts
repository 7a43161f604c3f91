/** How CMS names a certificate: SignerIdentifier and RecipientIdentifier (RFC 5652 sections 5.3 and 6.2.1). */

import { type Certificate, extension } from '../x509/certificate.js';
import { type DerReader, Tag } from '../x509/der.js';
import { sequence, tlv, unsignedInteger } from '../x509/der-writer.js';
import { decodeSubjectKeyIdentifier } from '../x509/extensions.js';
import { namesEqual } from '../x509/names.js';
import { idCeSubjectKeyIdentifier } from '../x509/oids.js';
import { serialNumberBytes, serialNumberHex } from '../x509/serial-number.js';
import { CmsError } from './cms-error.js';

export type CertificateIdentifier =
  | {
      readonly type: 'issuerAndSerialNumber';
      /** DER Name. */
      readonly issuer: Uint8Array;
      /** Lower-case hex. */
      readonly serialNumber: string;
    }
  | { readonly type: 'subjectKeyIdentifier'; readonly subjectKeyIdentifier: Uint8Array };

/** Names a certificate by issuer and serial number, the form that every CMS reader knows. */
export function identifyByIssuer({ issuer, serialNumber }: Certificate): CertificateIdentifier {
  return { type: 'issuerAndSerialNumber', issuer, serialNumber };
}

/** Names a certificate by its subject key identifier, or by issuer and serial number where it has none. @throws DerError */
export function identifyByKey(certificate: Certificate): CertificateIdentifier {
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  if (value === undefined) return identifyByIssuer(certificate);
  return { type: 'subjectKeyIdentifier', subjectKeyIdentifier: decodeSubjectKeyIdentifier(value) };
}

/** Whether `identifier` names this certificate. @throws DerError for a malformed name or extension */
export function isIdentified(certificate: Certificate, identifier: CertificateIdentifier): boolean {
  if (identifier.type === 'issuerAndSerialNumber') {
    return certificate.serialNumber === identifier.serialNumber && namesEqual(certificate.issuer, identifier.issuer);
  }
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  if (value === undefined) return false;
  return Buffer.compare(decodeSubjectKeyIdentifier(value), identifier.subjectKeyIdentifier) === 0;
}

/** Reads the CHOICE of IssuerAndSerialNumber and [0] IMPLICIT SubjectKeyIdentifier. */
export function readCertificateIdentifier(reader: DerReader): CertificateIdentifier {
  if (reader.tag === Tag.contextPrimitive(0)) {
    return { type: 'subjectKeyIdentifier', subjectKeyIdentifier: reader.octetString(Tag.contextPrimitive(0)) };
  }
  return readIssuerAndSerialNumber(reader);
}

export function readIssuerAndSerialNumber(reader: DerReader): CertificateIdentifier {
  return reader.sequence((value) => ({
    type: 'issuerAndSerialNumber',
    issuer: value.element(),
    serialNumber: serialNumberHex(value.integer()),
  }));
}

/** Encodes what `readCertificateIdentifier` reads. @throws CmsError (unsupported) for a negative serial number */
export function encodeCertificateIdentifier(identifier: CertificateIdentifier): Uint8Array {
  if (identifier.type === 'subjectKeyIdentifier') {
    return tlv(Tag.contextPrimitive(0), identifier.subjectKeyIdentifier);
  }
  const { issuer, serialNumber } = identifier;
  if (serialNumber.startsWith('-')) throw new CmsError('unsupported', 'the serial number is negative');
  return sequence(issuer, unsignedInteger(serialNumberBytes(serialNumber)));
}
