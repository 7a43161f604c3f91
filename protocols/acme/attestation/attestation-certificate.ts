/** The certificates of attestation statements: what they have to be, and what they say of the device. */
import type { KeyObject } from 'node:crypto';
import { type Certificate, decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { isStringTag } from '../../../src/x509/character-strings.js';
import { DerError } from '../../../src/x509/der.js';
import { readHardwareModule, readPermanentIdentifier } from '../../../src/x509/device-names.js';
import { decodeBasicConstraints, decodeKeyUsage } from '../../../src/x509/extensions.js';
import { decodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { decodeName } from '../../../src/x509/names.js';
import {
  idCeBasicConstraints,
  idCeKeyUsage,
  idCeSubjectAltName,
  idOnHardwareModuleName,
  idOnPermanentIdentifier,
} from '../../../src/x509/oids.js';
import {
  describePublicKey,
  importDescribedKey,
  type PublicKeyDescription,
  UnsupportedKeyError,
} from '../../../src/x509/public-key.js';
import type { StatementFields } from './attestation-object.js';
import { refused } from './refused.js';

export interface DeviceIdentifiers {
  readonly permanentIdentifiers: readonly string[];
  /** As readHardwareModule writes them. */
  readonly hardwareModules: readonly string[];
}

export interface AttestationCertificate {
  /** DER, as presented: its own first. */
  readonly chain: readonly Uint8Array[];
  readonly leaf: Certificate;
  readonly key: KeyObject;
  readonly keyDescription: PublicKeyDescription;
}

/** What a format of attestation statements comes to. */
export interface VerifiedStatement {
  readonly certificate: AttestationCertificate;
  /** DER SubjectPublicKeyInfo. */
  readonly attestedKey: Uint8Array;
}

/**
 * Reads the x5c of a statement, and checks of the first certificate what all formats ask for: that it is of version 3, no CA,
 * and that its key is one that may sign (WebAuthn level 2, 8.2.1 and 8.3.1).
 * @throws AcmeError `badAttestationStatement`
 */
export function readAttestationCertificate(fields: StatementFields): AttestationCertificate {
  if (fields.has('ecdaaKeyId')) throw refused('attestation by ECDAA is not taken; send x5c');
  const chain = readChain(fields.get('x5c'));
  return readable(() => {
    const leaf = decodeCertificate(chain[0]);
    const constraints = extension(leaf, idCeBasicConstraints);
    const usage = extension(leaf, idCeKeyUsage);
    if (leaf.version !== 3) throw refused('the attestation certificate is not of version 3');
    if (constraints !== undefined && decodeBasicConstraints(constraints).ca) {
      throw refused('the attestation certificate is that of a CA; x5c begins with the certificate that has signed');
    }
    if (usage !== undefined && !decodeKeyUsage(usage).includes('digitalSignature')) {
      throw refused('the attestation certificate has a key usage without digitalSignature');
    }
    const keyDescription = describePublicKey(leaf.subjectPublicKeyInfo);
    if (keyDescription.algorithm === 'rsa' && keyDescription.bits < minimumRsaBits) {
      throw refused(`the attestation certificate has an RSA key of less than ${minimumRsaBits} bits`);
    }
    return { chain, leaf, key: importDescribedKey(leaf.subjectPublicKeyInfo, keyDescription), keyDescription };
  });
}

/**
 * The names of the device in its attestation certificate. Where that has no PermanentIdentifier at all, the serialNumber of
 * its subject is one, which is where IEEE 802.1AR has the device's.
 * @throws AcmeError `badAttestationStatement` when they are malformed
 */
export function readDeviceIdentifiers(leaf: Certificate): DeviceIdentifiers {
  return readable(() => {
    const names = extension(leaf, idCeSubjectAltName);
    const alternatives = names === undefined ? [] : decodeGeneralNames(names);
    const permanent = otherNames(alternatives, idOnPermanentIdentifier).map(readPermanentIdentifier);
    const serialNumber = subjectSerialNumber(leaf.subject);
    if (permanent.some(({ value = serialNumber }) => value === undefined)) {
      throw refused(
        'the attestation certificate has a PermanentIdentifier without value, and no serialNumber in its subject',
      );
    }
    const identifiers = permanent.length === 0 ? [serialNumber] : permanent.map(({ value = serialNumber }) => value);
    return {
      permanentIdentifiers: identifiers.filter((value) => value !== undefined),
      hardwareModules: otherNames(alternatives, idOnHardwareModuleName).map(readHardwareModule),
    };
  });
}

const maximumCertificates = 8;
const minimumRsaBits = 2048;
const idAtSerialNumber = '2.5.4.5';

function readChain(x5c: unknown): readonly [Uint8Array, ...Uint8Array[]] {
  if (x5c === undefined) {
    throw refused('the attestation statement has no x5c, and self-attestation is not taken; send the certificate');
  }
  if (!Array.isArray(x5c) || !x5c.every((each) => each instanceof Uint8Array)) {
    throw refused('x5c is no list of byte strings');
  }
  const [first, ...others] = x5c;
  if (first === undefined) throw refused('x5c is empty; send the certificate');
  if (x5c.length > maximumCertificates) throw refused(`x5c has more than ${maximumCertificates} certificates`);
  return [first, ...others];
}

function otherNames(names: readonly GeneralName[], typeId: string): Uint8Array[] {
  return names.flatMap((name) => (name.type === 'otherName' && name.typeId === typeId ? [name.value] : []));
}

/** That of the deepest RDN which has one (RFC 4043 2). */
function subjectSerialNumber(subject: Uint8Array): string | undefined {
  const found = decodeName(subject)
    .flat()
    .findLast(({ type }) => type === idAtSerialNumber);
  return found !== undefined && isStringTag(found.tag) && found.value !== '' ? found.value : undefined;
}

/** What cannot be read of a certificate is refused with the statement. @throws AcmeError `badAttestationStatement` */
export function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DerError || cause instanceof UnsupportedKeyError)) throw cause;
    throw refused(`the attestation certificate cannot be read: ${cause.message}`, cause);
  }
}
