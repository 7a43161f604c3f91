/** Writes structures of a TPM (TPM 2.0 Library, part 2), wrong ones included. */
import { createHash, type KeyObject } from 'node:crypto';

export const attributes = {
  fixedTpm: 0x2,
  fixedParent: 0x10,
  sensitiveDataOrigin: 0x20,
  userWithAuth: 0x40,
  restricted: 0x1_0000,
  decrypt: 0x2_0000,
  sign: 0x4_0000,
} as const;

/** Of a key that signs, was made in its TPM, and stays there. */
export const heldSigningKey =
  attributes.fixedTpm |
  attributes.fixedParent |
  attributes.sensitiveDataOrigin |
  attributes.userWithAuth |
  attributes.sign;

export const tpmHash = { sha1: 0x4, sha256: 0xb, sha384: 0xc, sha512: 0xd } as const;
export type TpmHash = keyof typeof tpmHash;

export interface PublicAreaParts {
  readonly nameHash?: TpmHash;
  readonly attributes?: number;
  readonly symmetric?: Uint8Array;
  readonly scheme?: Uint8Array;
  readonly derivation?: Uint8Array;
  readonly keyBits?: number;
  readonly exponent?: number;
  /** Whether coordinates are without the zeros in front. */
  readonly isStripped?: boolean;
}

const none = number(2, 0x10);
const curves: Readonly<Record<string, number>> = { 'P-256': 3, 'P-384': 4, 'P-521': 5, secp256k1: 0x20 };

/** TPMT_PUBLIC of a key. */
export function publicArea(key: KeyObject, parts: PublicAreaParts = {}): Uint8Array {
  const { nameHash = 'sha256', attributes: flags = heldSigningKey, symmetric = none, scheme = none } = parts;
  const { kty, crv = '', x = '', y = '', n = '' } = key.export({ format: 'jwk' });
  const begin = (type: number) => [number(2, type), number(2, tpmHash[nameHash]), number(4, flags), sized(Buffer.of())];
  if (kty === 'RSA') {
    const modulus = Buffer.from(n, 'base64url');
    const { keyBits = modulus.length * 8, exponent = 0 } = parts;
    return Buffer.concat([...begin(1), symmetric, scheme, number(2, keyBits), number(4, exponent), sized(modulus)]);
  }
  const coordinates = [x, y].map((each) => {
    const octets = Buffer.from(each, 'base64url');
    return sized(parts.isStripped ? octets.subarray(octets.findIndex((octet) => octet > 0)) : octets);
  });
  const curve = number(2, curves[crv] ?? 0);
  return Buffer.concat([...begin(0x23), symmetric, scheme, curve, parts.derivation ?? none, ...coordinates]);
}

/** The name of an object: the number of its hash, and that of its public area. */
export function nameOf(area: Uint8Array, nameHash: TpmHash = 'sha256'): Uint8Array {
  return Buffer.concat([number(2, tpmHash[nameHash]), createHash(nameHash).update(area).digest()]);
}

export interface AttestParts {
  readonly magic?: number;
  readonly type?: number;
  readonly extraData: Uint8Array;
  readonly name: Uint8Array;
}

/** TPMS_ATTEST of a certification. */
export function attest({ magic = 0xff544347, type = 0x8017, extraData, name }: AttestParts): Uint8Array {
  const signer = sized(nameOf(Buffer.from('signer')));
  const clockAndFirmware = Buffer.alloc(25, 1);
  const qualifiedName = sized(nameOf(Buffer.from('parent')));
  return Buffer.concat([
    number(4, magic),
    number(2, type),
    signer,
    sized(extraData),
    clockAndFirmware,
    sized(name),
    qualifiedName,
  ]);
}

/** TPMT_SIGNATURE of a signature as X.509 has it. */
export function tpmSignature(scheme: 'rsassa' | 'rsapss' | 'ecdsa', hash: TpmHash, signature: Uint8Array): Uint8Array {
  const begin = [number(2, { rsassa: 0x14, rsapss: 0x16, ecdsa: 0x18 }[scheme]), number(2, tpmHash[hash])];
  if (scheme !== 'ecdsa') return Buffer.concat([...begin, sized(signature)]);
  const rLength = signature[3] ?? 0;
  const r = signature.subarray(4, 4 + rLength);
  const s = signature.subarray(6 + rLength);
  return Buffer.concat([...begin, sized(r), sized(s)]);
}

/** A TPM2B. */
export function sized(content: Uint8Array): Uint8Array {
  return Buffer.concat([number(2, content.length), content]);
}

export function number(octets: 2 | 4, value: number): Uint8Array {
  const out = Buffer.alloc(octets);
  out.writeUIntBE(value, 0, octets);
  return out;
}
