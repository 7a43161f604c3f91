/** What renewalInfo calls a certificate. */
import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import { AuthorityKeyIdentifierExtension, X509Certificate as ParsedCertificate } from '@peculiar/x509';

/** base64url of the authority key identifier, a dot, and that of the serial number's octets (RFC 9773 4.1). */
export function renewalName(certificate: X509Certificate): string {
  const extension = new ParsedCertificate(certificate.raw).getExtension(AuthorityKeyIdentifierExtension);
  if (extension?.keyId === undefined) throw new Error('the certificate does not name the key of its authority');
  const serial = Buffer.from(certificate.serialNumber, 'hex');
  // An INTEGER whose first bit is set would be a negative one.
  const octets = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), serial]) : serial;
  return `${Buffer.from(extension.keyId, 'hex').toString('base64url')}.${octets.toString('base64url')}`;
}
