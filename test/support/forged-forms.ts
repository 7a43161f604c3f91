/** Parts of forged certificates: signatures of RSA keys, and extensions. */
import { constants, generateKeyPairSync } from 'node:crypto';
import {
  bits,
  caKey,
  extension,
  type ForgedCertificate,
  forgeCertificate,
  forgedKey,
  integer,
  keyIdentifier,
  sequence,
  tag,
} from './forge.js';
import { asn1, asn1Oid } from './strict-asn1.js';

const sha256 = sequence(asn1Oid('2.16.840.1.101.3.4.2.1'), asn1(5));
export const sha384 = sequence(asn1Oid('2.16.840.1.101.3.4.2.2'), asn1(5));
export const rsa = forgedPair(generateKeyPairSync('rsa', { modulusLength: 2048 }));
export const isTrue = asn1(tag.boolean, Uint8Array.of(0xff));
export const root = forgeCertificate({ kind: 'root', ...constraints(isTrue) });
export const rsaRoot = forgeCertificate({
  kind: 'root',
  spki: rsa.spki,
  ...rsaSignature(sequence(oid('1.11'), asn1(5))),
});

function forgedPair({ privateKey, publicKey }: ReturnType<typeof generateKeyPairSync>) {
  return forgedKey(privateKey, publicKey);
}

/** An OID of PKCS #1. */
export function oid(rest: string): Buffer {
  return asn1Oid(`1.2.840.113549.1.${rest}`);
}

export function rsaSignature(algorithm: Buffer): ForgedCertificate {
  const authorityKey = extension('2.5.29.35', sequence(asn1(0x80, keyIdentifier(rsa.spki))));
  return { algorithm, signer: rsa.privateKey, extensions: { authorityKey } };
}

export function pss(saltLength: number, maskHash: Buffer = sha256): Buffer {
  const mask = sequence(oid('1.8'), maskHash);
  return sequence(oid('1.10'), sequence(asn1(0xa0, sha256), asn1(0xa1, mask), asn1(0xa2, integer(saltLength))));
}

export const pssPadding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

export function withExtension(id: string, value: Buffer, critical: boolean | 'false' = false): ForgedCertificate {
  return { extensions: { added: extension(id, value, critical) } };
}

export function alternativeName(value: Buffer): ForgedCertificate {
  return { extensions: { alternativeNames: extension('2.5.29.17', sequence(value)) } };
}

export function points(...values: readonly Buffer[]): ForgedCertificate {
  return { extensions: { points: extension('2.5.29.31', sequence(...values)) } };
}

export function access(method: string, url: string): ForgedCertificate {
  const description = sequence(asn1Oid(method), asn1(0x86, url));
  return { extensions: { access: extension('1.3.6.1.5.5.7.1.1', sequence(description)) } };
}

export function usage(octet: number, unused?: number): ForgedCertificate {
  return { extensions: { keyUsage: extension('2.5.29.15', bits(octet, unused), true) } };
}

export function purposes(critical: boolean, ...ids: readonly string[]): ForgedCertificate {
  const value = sequence(...ids.map((id) => asn1Oid(id)));
  return { extensions: { purposes: extension('2.5.29.37', value, critical) } };
}

export function constraints(...content: readonly Buffer[]): ForgedCertificate {
  return { extensions: { constraints: extension('2.5.29.19', sequence(...content), true) } };
}

export function nameConstraints(...content: readonly Buffer[]): ForgedCertificate {
  return { kind: 'ca', ...withExtension('2.5.29.30', sequence(...content), true) };
}

export function permitted(base: Buffer, ...more: readonly Buffer[]): ForgedCertificate {
  return nameConstraints(asn1(0xa0, sequence(base, ...more)));
}

export function policies(...values: readonly Buffer[]): ForgedCertificate {
  return withExtension('2.5.29.32', sequence(...values));
}

export const policy = asn1Oid('1.3.6.1.4.1.99999.1');
export const cps = (text: string) => sequence(asn1Oid('1.3.6.1.5.5.7.2.1'), asn1(tag.ia5, text));
export const noPurposes = { purposes: undefined };
export const authority = (...parts: readonly Buffer[]) => ({
  extensions: { authorityKey: extension('2.5.29.35', sequence(...parts)) },
});
export const authorityKeyId = asn1(0x80, keyIdentifier(caKey.spki));
