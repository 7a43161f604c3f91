/** tls-alpn-01 (RFC 8737; RFC 8738 6 for addresses). */
import { hash, timingSafeEqual } from 'node:crypto';
import type { AcmeIdentifier } from '../../../src/model/acme.js';
import { type Certificate, decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { DerError, DerReader } from '../../../src/x509/der.js';
import { findExtension } from '../../../src/x509/extensions.js';
import { decodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { parseIpAddress } from '../../../src/x509/ip-address.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { AcmeError } from '../problem.js';
import { type Attempt, connectionProblem, connectionTo } from './attempt.js';

export async function validateTlsAlpn(attempt: Attempt): Promise<void> {
  const { identifier, keyAuthorization, settings } = attempt.task;
  const { certificate, protocol } = await meet(attempt);
  const wrong =
    protocol === acmeTls ? wrongInside(certificate, identifier, keyAuthorization) : `it did not choose ${acmeTls}`;
  if (wrong === undefined) return;
  const seen = `the tls-alpn-01 challenge of ${identifier.value} was answered on port ${settings.tlsPort}, but ${wrong}`;
  throw new AcmeError('incorrectResponse', `${seen}; answer ${acmeTls} with the certificate of this challenge`);
}

async function meet(attempt: Attempt) {
  const { identifier, settings } = attempt.task;
  const host = identifier.value;
  try {
    return await attempt.outbound.handshake({
      host,
      port: settings.tlsPort,
      serverName: identifier.type === 'ip' ? reverseName(host) : host,
      protocol: acmeTls,
      ...(await connectionTo(host, attempt)),
    });
  } catch (error) {
    throw connectionProblem(error, host, `answer ${acmeTls} on port ${settings.tlsPort}`);
  }
}

/** What RFC 8737 3 step 4 finds wrong. Nobody has to have signed it (section 4), nor is its time of interest. */
function wrongInside(der: Uint8Array, identifier: AcmeIdentifier, keyAuthorization: string): string | undefined {
  const read = readCertificate(der);
  if (read === undefined) return 'its certificate cannot be read';
  const { certificate, names } = read;
  const [name] = names;
  if (name === undefined || names.length > 1 || !isSame(name, identifier))
    return `its certificate is not for ${identifier.value} alone`;
  const acmeIdentifier = findExtension(certificate.extensions, idPeAcmeIdentifier);
  if (acmeIdentifier === undefined) return 'its certificate has no acmeIdentifier';
  if (!acmeIdentifier.critical) return 'the acmeIdentifier of its certificate is not critical';
  const digest = readOctets(acmeIdentifier.value);
  const expected = hash('sha256', keyAuthorization, 'buffer');
  if (digest?.length === expected.length && timingSafeEqual(digest, expected)) return undefined;
  return 'the acmeIdentifier of its certificate is not the digest of the key authorization';
}

function readCertificate(der: Uint8Array): { certificate: Certificate; names: readonly GeneralName[] } | undefined {
  try {
    const certificate = decodeCertificate(der);
    const value = extension(certificate, idCeSubjectAltName);
    return { certificate, names: value === undefined ? [] : decodeGeneralNames(value) };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Names of hosts in any case (RFC 4343); addresses have one spelling. */
function isSame(name: GeneralName, { type, value }: AcmeIdentifier): boolean {
  if (name.type !== type) return false;
  return (name.type === 'dns' || name.type === 'ip') && name.value.toLowerCase() === value;
}

function readOctets(der: Uint8Array): Uint8Array | undefined {
  try {
    return DerReader.decode(der, (r) => r.octetString());
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** In in-addr.arpa (RFC 1035 3.5) or ip6.arpa (RFC 3596 2.5): an indication of a server's name can be no address. */
function reverseName(address: string): string {
  const octets = [...(parseIpAddress(address) ?? [])].reverse();
  if (octets.length === 4) return `${octets.join('.')}.in-addr.arpa`;
  const digits = octets.flatMap((octet) => [octet & 0xf, octet >> 4]).map((digit) => digit.toString(16));
  return `${digits.join('.')}.ip6.arpa`;
}

const acmeTls = 'acme-tls/1';
const idPeAcmeIdentifier = '1.3.6.1.5.5.7.1.31';
