/** What a CA that is taken over has revoked so far: its last CRLs, checked before anything of them is kept (RFC 5280 6.3.3). */
import { GatewayError } from '../errors.js';
import type { NewRevocationRecord } from '../store/revocation-repository.js';
import { type Certificate, extension } from '../x509/certificate.js';
import { type CertificateList, decodeCertificateList, revocationReasonCode } from '../x509/crl.js';
import { DerError, DerReader } from '../x509/der.js';
import { decodeAuthorityKeyIdentifier, decodeSubjectKeyIdentifier, findExtension } from '../x509/extensions.js';
import { decodeIssuingDistributionPoint } from '../x509/location-extensions.js';
import { formatName, namesEqual } from '../x509/names.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeCrlNumber,
  idCeDeltaCrlIndicator,
  idCeIssuingDistributionPoint,
  idCeSubjectKeyIdentifier,
} from '../x509/oids.js';
import { importPublicKey, subjectKeyIdentifier } from '../x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError, verifySignature } from '../x509/signature-algorithms.js';

export interface EarlierRevocations {
  /** In the first partition of `issuerId`, until the end of the CA: when the certificates end is not known. */
  readonly revocations: readonly NewRevocationRecord[];
  /** The highest CRLNumber so far; 0 if there is none. */
  readonly lastNumber: number;
  /** When the first of them ended that has; what was revoked since is not known. */
  readonly endedAt?: Date;
}

interface EarlierCrls {
  /** DER: the last complete CRL, or one for each distribution point. */
  readonly crls: readonly Uint8Array[];
  /** Of the CA that is taken over. */
  readonly certificate: Certificate;
  /** The generation that it becomes. */
  readonly issuerId: string;
  readonly now: Date;
}

/**
 * Reads the last CRLs of a CA.
 * @throws GatewayError 'malformed-request' for what is no complete CRL that says all it means, 'untrusted-signer' and
 * 'invalid-signature' for that of another CA, 'unsupported-algorithm'
 */
export function readCrls({ crls, certificate, issuerId, now }: EarlierCrls): EarlierRevocations {
  const octets = crls.reduce((sum, { length }) => sum + length, 0);
  if (crls.length > mostCrls || octets > mostCrlOctets) {
    throw malformed(`no more than ${mostCrls} CRLs with ${mostCrlOctets} octets together are taken`);
  }
  const rows = new Map<string, NewRevocationRecord>();
  let lastNumber = 0;
  let endedAt: Date | undefined;
  for (const [index, der] of crls.entries()) {
    const shown = crls.length === 1 ? 'the CRL' : `CRL ${index + 1}`;
    const list = readList(der, certificate, shown, now);
    lastNumber = Math.max(lastNumber, numberOf(list, shown));
    const { nextUpdate } = list;
    if (nextUpdate !== undefined && nextUpdate <= now && !(endedAt && endedAt <= nextUpdate)) endedAt = nextUpdate;
    for (const { serialNumber, revokedAt, reason = 'unspecified', invalidityDate } of list.revokedCertificates) {
      if (rows.has(serialNumber)) throw malformed(`${shown} lists the serial number ${serialNumber} a second time`);
      if (serialNumber.startsWith('-')) throw malformed(`${shown} lists a serial number below zero`);
      if (reason === 'removeFromCRL') throw malformed(`${shown} has removeFromCRL, which only a delta CRL may have`);
      rows.set(serialNumber, {
        issuerId,
        partition: 0,
        serialNumber,
        revokedAt: revokedAt.getTime(),
        reason: revocationReasonCode(reason),
        invalidityDate: invalidityDate?.getTime() ?? null,
        notAfter: certificate.notAfter.getTime(),
        removed: 0,
      });
    }
    if (rows.size > mostEntries) throw malformed(`no more than ${mostEntries} revoked certificates are taken over`);
  }
  return { revocations: [...rows.values()], lastNumber, ...(endedAt && { endedAt }) };
}

/** Of all CRLs together. */
export const mostCrlOctets = 10 * 1024 * 1024;
const mostCrls = 64;
const mostEntries = 200_000;
/** Up to 20 octets are allowed (RFC 5280 5.2.3); the database counts with less. */
const highestNumber = 2n ** 52n;

function readList(der: Uint8Array, certificate: Certificate, shown: string, now: Date): CertificateList {
  try {
    const list = decodeCertificateList(der);
    requireSigner(list, certificate, shown);
    requireComplete(list, shown);
    if (list.thisUpdate > now) throw malformed(`${shown} is of a time to come: ${list.thisUpdate.toISOString()}`);
    return list;
  } catch (cause) {
    if (cause instanceof DerError) throw malformed(`${shown} cannot be read: ${cause.message}`, cause);
    if (!(cause instanceof UnsupportedAlgorithmError)) throw cause;
    throw new GatewayError('unsupported-algorithm', `${shown} is signed with what is not supported: ${cause.message}`, {
      cause,
    });
  }
}

function requireSigner(list: CertificateList, certificate: Certificate, shown: string): void {
  if (!namesEqual(list.issuer, certificate.subject)) {
    const issuer = formatName(list.issuer);
    throw new GatewayError('untrusted-signer', `${shown} is of ${issuer}, not of ${formatName(certificate.subject)}`);
  }
  const named = findExtension(list.extensions, idCeAuthorityKeyIdentifier)?.value;
  const identifier = named && decodeAuthorityKeyIdentifier(named).keyIdentifier;
  if (identifier !== undefined && Buffer.compare(identifier, keyIdentifierOf(certificate)) !== 0) {
    throw new GatewayError('untrusted-signer', `${shown} is of another key of this CA: its key identifier differs`);
  }
  const algorithm = decodeSignatureAlgorithm(list.signatureAlgorithm);
  const key = importPublicKey(certificate.subjectPublicKeyInfo);
  if (verifySignature(algorithm, key, list.tbs, list.signature)) return;
  throw new GatewayError('invalid-signature', `${shown} is not signed by the key of this CA`);
}

function keyIdentifierOf(certificate: Certificate): Uint8Array {
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  return value === undefined
    ? subjectKeyIdentifier(certificate.subjectPublicKeyInfo)
    : decodeSubjectKeyIdentifier(value);
}

/** All that it does not say would be taken for not revoked (RFC 5280 5.2.4, 5.2.5). */
function requireComplete({ extensions }: CertificateList, shown: string): void {
  if (findExtension(extensions, idCeDeltaCrlIndicator) !== undefined) {
    throw malformed(`${shown} is a delta CRL: give the complete one`);
  }
  const unknown = extensions.find(({ id, critical }) => critical && !knownExtensions.has(id));
  if (unknown !== undefined) throw malformed(`${shown} has the critical extension ${unknown.id}, which is not known`);
  const scope = findExtension(extensions, idCeIssuingDistributionPoint)?.value;
  if (scope === undefined) return;
  try {
    decodeIssuingDistributionPoint(scope);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw malformed(`${shown} is indirect, or for some reasons or attribute certificates only`, cause);
  }
}

const knownExtensions: ReadonlySet<string> = new Set([
  idCeAuthorityKeyIdentifier,
  idCeCrlNumber,
  idCeIssuingDistributionPoint,
]);

function numberOf({ extensions }: CertificateList, shown: string): number {
  const value = findExtension(extensions, idCeCrlNumber)?.value;
  if (value === undefined) return 0;
  const octets = DerReader.decode(value, (r) => r.unsignedInteger());
  const number = octets.length > 8 ? highestNumber : BigInt(`0x${Buffer.from(octets).toString('hex')}`);
  if (number < highestNumber) return Number(number);
  throw malformed(`the number of ${shown} is so high that none can follow it here`);
}

function malformed(message: string, cause?: unknown): GatewayError {
  return new GatewayError('malformed-request', message, { cause });
}
