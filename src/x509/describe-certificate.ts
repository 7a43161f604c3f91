/** What a certificate says, in words: for people and programs that read no DER. */
import { extendedKeyUsageOids } from '../model/certificate-template.js';
import type { CertificateContent } from './certificate.js';
import { DerError } from './der.js';
import {
  decodeAuthorityKeyIdentifier,
  decodeBasicConstraints,
  decodeExtKeyUsage,
  decodeKeyUsage,
  decodeSubjectKeyIdentifier,
  type Extension,
  findExtension,
} from './extensions.js';
import { decodeGeneralNames, formatGeneralName } from './general-names.js';
import {
  decodeAuthorityInfoAccess,
  decodeCertificatePolicies,
  decodeCrlDistributionPoints,
} from './location-extensions.js';
import { formatName } from './names.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeBasicConstraints,
  idCeCertificatePolicies,
  idCeCrlDistributionPoints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeSubjectAltName,
  idCeSubjectKeyIdentifier,
  idPeAuthorityInfoAccess,
} from './oids.js';
import { describePublicKey, keyFingerprint } from './public-key.js';

export interface CertificateDescription {
  /** RFC 4514 text, as is the subject. */
  readonly issuer: string;
  readonly subject: string;
  /** Each with its kind, such as `dns:pump-17.example`. */
  readonly subjectAltNames: readonly string[];
  readonly publicKey: {
    /** Such as `rsa 2048`, `ec P-256` or `ed25519`. */
    readonly kind: string;
    /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
    readonly fingerprint: string;
  };
  /** RFC 3339, as is notAfter. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly isCa: boolean;
  readonly keyUsages: readonly string[];
  /** By their names in configuration; those without, dotted OIDs. */
  readonly extendedKeyUsages: readonly string[];
  /** In the order of the certificate. */
  readonly extensions: readonly DescribedExtension[];
}

export interface DescribedExtension {
  /** Dotted OID. */
  readonly id: string;
  /** As its RFC calls it; the OID of one that has no name here. */
  readonly name: string;
  readonly critical: boolean;
  /** Words where they say it all, else the DER in hex. */
  readonly value: string;
}

/** @throws DerError for a name or an extension that cannot be read; UnsupportedKeyError */
export function describeCertificate(content: CertificateContent): CertificateDescription {
  const { extensions } = content;
  const read = <T>(id: string, decode: (der: Uint8Array) => T): T | undefined => {
    const found = findExtension(extensions, id);
    return found && decode(found.value);
  };
  return {
    issuer: formatName(content.issuer),
    subject: formatName(content.subject),
    subjectAltNames: read(idCeSubjectAltName, formatNames) ?? [],
    publicKey: {
      kind: describeKind(content.subjectPublicKeyInfo),
      fingerprint: keyFingerprint(content.subjectPublicKeyInfo),
    },
    notBefore: content.notBefore.toISOString(),
    notAfter: content.notAfter.toISOString(),
    isCa: read(idCeBasicConstraints, decodeBasicConstraints)?.ca ?? false,
    keyUsages: read(idCeKeyUsage, decodeKeyUsage) ?? [],
    extendedKeyUsages: read(idCeExtKeyUsage, namePurposes) ?? [],
    extensions: extensions.map(describeExtension),
  };
}

function describeKind(subjectPublicKeyInfo: Uint8Array): string {
  const key = describePublicKey(subjectPublicKeyInfo);
  switch (key.algorithm) {
    case 'rsa':
      return `rsa ${key.bits}${key.pss ? ' (PSS only)' : ''}`;
    case 'ec':
      return `ec ${key.curve}`;
    default:
      return key.algorithm;
  }
}

function describeExtension({ id, critical, value }: Extension): DescribedExtension {
  const known = describers.get(id);
  if (known === undefined) return { id, name: id, critical, value: hex(value) };
  const [name, describe] = known;
  return { id, name, critical, value: readable(describe, value) };
}

/** A profile may fix the DER of any extension, one that cannot be read included. */
function readable(describe: (der: Uint8Array) => string, value: Uint8Array): string {
  try {
    return describe(value);
  } catch (error) {
    if (error instanceof DerError) return hex(value);
    throw error;
  }
}

const describers: ReadonlyMap<string, readonly [name: string, describe: (der: Uint8Array) => string]> = new Map([
  [idCeSubjectKeyIdentifier, ['subjectKeyIdentifier', (der) => hex(decodeSubjectKeyIdentifier(der))]],
  [idCeAuthorityKeyIdentifier, ['authorityKeyIdentifier', describeAuthorityKey]],
  [idCeKeyUsage, ['keyUsage', (der) => decodeKeyUsage(der).join(', ')]],
  [idCeExtKeyUsage, ['extKeyUsage', (der) => namePurposes(der).join(', ')]],
  [idCeBasicConstraints, ['basicConstraints', describeConstraints]],
  [idCeSubjectAltName, ['subjectAltName', (der) => formatNames(der).join(', ')]],
  [idCeCertificatePolicies, ['certificatePolicies', (der) => decodeCertificatePolicies(der).join(', ')]],
  [idCeCrlDistributionPoints, ['cRLDistributionPoints', (der) => decodeCrlDistributionPoints(der).join(', ')]],
  [idPeAuthorityInfoAccess, ['authorityInfoAccess', describeAccess]],
]);

function describeAuthorityKey(der: Uint8Array): string {
  const { keyIdentifier } = decodeAuthorityKeyIdentifier(der);
  return hex(keyIdentifier ?? der);
}

function describeConstraints(der: Uint8Array): string {
  const { ca, pathLength } = decodeBasicConstraints(der);
  if (!ca) return 'no CA';
  return pathLength === undefined ? 'CA' : `CA, path length ${pathLength}`;
}

function describeAccess(der: Uint8Array): string {
  const { caIssuers, ocsp } = decodeAuthorityInfoAccess(der);
  return [...ocsp.map((url) => `OCSP ${url}`), ...caIssuers.map((url) => `CA certificate ${url}`)].join(', ');
}

function formatNames(der: Uint8Array): string[] {
  return decodeGeneralNames(der).map(formatGeneralName);
}

const purposeNames: ReadonlyMap<string, string> = new Map([...extendedKeyUsageOids].map(([name, id]) => [id, name]));

function namePurposes(der: Uint8Array): string[] {
  return decodeExtKeyUsage(der).map((id) => purposeNames.get(id) ?? id);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
