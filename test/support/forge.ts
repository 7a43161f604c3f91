/** Certificates and CRLs as they should be, but for what a test puts into them; of none of the gateway's own encoders. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { asn1, asn1Oid, readDer } from './strict-asn1.js';

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  none: 0x05,
  enumerated: 0x0a,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return asn1(tag.sequence, ...parts);
}

export function integer(...octets: readonly number[]): Buffer {
  return asn1(tag.integer, Uint8Array.from(octets));
}

/** A Name of one attribute. */
export function name(text: string, stringTag: number = tag.utf8, type = '2.5.4.3'): Buffer {
  return sequence(asn1(tag.set, sequence(asn1Oid(type), asn1(stringTag, text))));
}

/** `critical`: true, false (left out), or 'false' (written). */
export function extension(id: string, value: Uint8Array, critical: boolean | 'false' = false): Buffer {
  const flag = critical === false ? [] : [asn1(tag.boolean, Uint8Array.of(critical === true ? 0xff : 0))];
  return sequence(asn1Oid(id), ...flag, asn1(tag.octets, value));
}

/** A BIT STRING of an octet, with all bits of it or without its trailing zeros. */
export function bits(
  octet: number,
  unused = Math.clz32(octet & -octet) === 32 ? 0 : 31 - Math.clz32(octet & -octet),
): Buffer {
  return octet === 0 ? asn1(tag.bits, Uint8Array.of(0)) : asn1(tag.bits, Uint8Array.of(unused, octet));
}

/** A DistributionPoint with a URI. */
export function point(url: string, ...more: readonly Uint8Array[]): Buffer {
  return sequence(asn1(0xa0, asn1(0xa0, asn1(0x86, url))), ...more);
}

export interface ForgedKey {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Buffer;
}

export function forgedKey(privateKey: KeyObject, publicKey: KeyObject): ForgedKey {
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

function ecKey(): ForgedKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return forgedKey(privateKey, publicKey);
}

export const caKey = ecKey();
export const deviceKey = ecKey();

export function keyIdentifier(spki: Buffer): Buffer {
  const [, key] = readDer(spki).parts;
  return createHash('sha1')
    .update(key?.content.subarray(1) ?? spki)
    .digest();
}

export const caName = name('CA');
export const ecdsaWithSha256 = sequence(asn1Oid('1.2.840.10045.4.3.2'));

/** DER Extensions by what they are called here; undefined leaves one out. */
type Extensions = Readonly<Record<string, Buffer | undefined>>;

const keyUsage = '2.5.29.15';
const httpAccess = sequence(sequence(asn1Oid('1.3.6.1.5.5.7.48.2'), asn1(0x86, 'http://ca.example/ca.cer')));

export const authorityKey = extension('2.5.29.35', sequence(asn1(0x80, keyIdentifier(caKey.spki))));

const deviceExtensions = {
  keyUsage: extension(keyUsage, bits(0x80), true),
  purposes: extension('2.5.29.37', sequence(asn1Oid('1.3.6.1.5.5.7.3.2'))),
  alternativeNames: extension('2.5.29.17', sequence(asn1(0x82, 'device.example'))),
  authorityKey,
  points: extension('2.5.29.31', sequence(point('http://ca.example/0.crl'))),
  access: extension('1.3.6.1.5.5.7.1.1', httpAccess),
};

const caExtensions = {
  constraints: extension('2.5.29.19', sequence(asn1(tag.boolean, Uint8Array.of(0xff)), integer(0)), true),
  keyUsage: extension(keyUsage, bits(0x06), true),
};

export interface ForgedCertificate {
  readonly kind?: 'root' | 'ca' | 'end-entity' | 'ocsp-responder';
  /** In place of [0] { 2 }. */
  readonly version?: Buffer;
  readonly serialNumber?: Buffer;
  readonly innerAlgorithm?: Buffer;
  readonly algorithm?: Buffer;
  readonly issuer?: Buffer;
  readonly notBefore?: Buffer;
  readonly notAfter?: Buffer;
  readonly subject?: Buffer;
  readonly spki?: Buffer;
  /** After the key, before the extensions. */
  readonly unique?: Buffer;
  /** Instead of and besides the usual ones. */
  readonly extensions?: Extensions;
  /** All extensions, as they stand there. */
  readonly extensionList?: Buffer;
  readonly signer?: KeyObject;
  /** Parameters of the signature, as node:crypto takes them. */
  readonly padding?: { readonly padding: number; readonly saltLength: number };
}

/** By the CA of {@link caKey}; a P-256 key of its own unless it is a CA's. */
export function forgeCertificate(forged: ForgedCertificate = {}): Buffer {
  const { kind = 'end-entity', algorithm = ecdsaWithSha256 } = forged;
  const isRoot = kind === 'root';
  const spki = forged.spki ?? (isRoot ? caKey.spki : deviceKey.spki);
  const subjectKey = extension('2.5.29.14', asn1(tag.octets, keyIdentifier(spki)));
  const extensions = Object.values({ ...usualExtensions(kind), subjectKey, ...forged.extensions });
  const list = forged.extensionList ?? sequence(...extensions.filter((found) => found !== undefined));
  const tbs = sequence(
    forged.version ?? asn1(0xa0, integer(2)),
    forged.serialNumber ?? integer(0x11),
    forged.innerAlgorithm ?? algorithm,
    forged.issuer ?? caName,
    sequence(forged.notBefore ?? utcTime('260101000000Z'), forged.notAfter ?? utcTime('360101000000Z')),
    forged.subject ?? (isRoot ? caName : name('device')),
    spki,
    forged.unique ?? Buffer.alloc(0),
    asn1(0xa3, list),
  );
  return signed(tbs, algorithm, forged);
}

export function utcTime(text: string): Buffer {
  return asn1(tag.utcTime, text);
}

export interface ForgedCrl {
  readonly version?: Buffer;
  readonly algorithm?: Buffer;
  readonly issuer?: Buffer;
  readonly thisUpdate?: Buffer;
  readonly nextUpdate?: Buffer;
  /** The SEQUENCE of entries. */
  readonly entries?: Buffer;
  readonly extensions?: Extensions;
  readonly extensionList?: Buffer;
  readonly signer?: KeyObject;
}

/** A full CRL with number 7 of one part, by the CA of {@link caKey}. */
export function forgeCrl(forged: ForgedCrl = {}): Buffer {
  const { algorithm = ecdsaWithSha256 } = forged;
  const usual = {
    authorityKey,
    number: extension('2.5.29.20', integer(7)),
    scope: extension('2.5.29.28', point('http://ca.example/0.crl'), true),
  };
  const extensions = Object.values({ ...usual, ...forged.extensions }).filter((found) => found !== undefined);
  const list = forged.extensionList ?? asn1(0xa0, sequence(...extensions));
  const tbs = sequence(
    forged.version ?? integer(1),
    algorithm,
    forged.issuer ?? caName,
    forged.thisUpdate ?? utcTime('260601000000Z'),
    forged.nextUpdate ?? utcTime('260608000000Z'),
    forged.entries ?? Buffer.alloc(0),
    list,
  );
  return signed(tbs, algorithm, forged);
}

/** One entry with these extensions. */
export function entry(serialNumber: Buffer, ...extensions: readonly Buffer[]): Buffer {
  return sequence(
    serialNumber,
    utcTime('260530120000Z'),
    ...(extensions.length === 0 ? [] : [sequence(...extensions)]),
  );
}

function signed(tbs: Buffer, algorithm: Buffer, { signer = caKey.privateKey, padding }: ForgedCertificate): Buffer {
  const hash = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(hash, tbs, { key: signer, ...padding });
  return sequence(tbs, algorithm, asn1(tag.bits, Uint8Array.of(0), signature));
}

function usualExtensions(kind: ForgedCertificate['kind']): Extensions {
  switch (kind) {
    case 'root':
      return caExtensions;
    case 'ca':
      return { ...caExtensions, authorityKey };
    case 'ocsp-responder':
      return {
        keyUsage: deviceExtensions.keyUsage,
        purposes: extension('2.5.29.37', sequence(asn1Oid('1.3.6.1.5.5.7.3.9'))),
        noCheck: extension('1.3.6.1.5.5.7.48.1.5', asn1(tag.none)),
        authorityKey,
      };
    default:
      return deviceExtensions;
  }
}
