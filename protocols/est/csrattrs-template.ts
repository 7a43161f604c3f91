/** CertificationRequestInfoTemplate (RFC 9908 3.4 and appendix A): a PKCS #10 request with blanks. */

import type { WantedName } from '../../src/policy-view.js';
import { attributeByName } from '../../src/x509/attribute-types.js';
import { Tag } from '../../src/x509/der.js';
import {
  bitString,
  boolean,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  tlv,
  unsignedInteger,
} from '../../src/x509/der-writer.js';
import { encodeExtensions } from '../../src/x509/extensions.js';
import { encodeAttribute } from '../../src/x509/names.js';
import {
  idEcPublicKey,
  idEd448,
  idEd25519,
  pkcs9AtChallengePassword,
  pkcs9AtExtensionRequest,
  rsaEncryption,
  secp256r1,
  secp384r1,
  secp521r1,
} from '../../src/x509/oids.js';
import { isComplete, type WantedExtension } from './wanted-extensions.js';
import type { WantedKey } from './wanted-key.js';

export const idAaCertificationRequestInfoTemplate = '1.2.840.113549.1.9.16.2.61';
export const idAaExtensionReqTemplate = '1.2.840.113549.1.9.16.2.62';

export interface RequestTemplate {
  /** Those that are required or have a value come into the template, in this order. */
  readonly subject: readonly WantedName[];
  readonly key: WantedKey | undefined;
  readonly extensions: readonly WantedExtension[];
  /** Whether the request must have a challengePassword (RFC 7030 3.5). */
  readonly demandsLinking: boolean;
}

/** Encodes the template as the attribute that holds it. */
export function encodeRequestTemplate(template: RequestTemplate): Uint8Array {
  return sequence(oid(idAaCertificationRequestInfoTemplate), setOf(encodeTemplate(template)));
}

function encodeTemplate({ subject, key, extensions, demandsLinking }: RequestTemplate): Uint8Array {
  return sequence(
    smallInteger(0),
    encodeSubject(subject),
    key === undefined ? undefined : encodeKey(key),
    tlv(Tag.context(1), ...attributes(extensions, demandsLinking)),
  );
}

/** NameTemplate: an attribute without value is for the client to fill in. Absent when nothing is wanted. */
function encodeSubject(subject: readonly WantedName[]): Uint8Array | undefined {
  const rdns = subject
    .filter(({ required, value }) => required || value !== undefined)
    .map(({ name, value }) => {
      const type = attributeByName(name)?.oid;
      if (type === undefined) return undefined;
      return setOf(value === undefined ? sequence(oid(type)) : encodeAttribute({ type, value }));
    })
    .filter((rdn) => rdn !== undefined);
  return rdns.length === 0 ? undefined : sequence(...rdns);
}

/** SubjectPublicKeyInfoTemplate: a key in it only says how long an RSA modulus has to be. */
function encodeKey(key: WantedKey): Uint8Array {
  if (key.algorithm === 'rsa') {
    return tlv(Tag.context(0), sequence(oid(rsaEncryption), nullValue), bitString(placeholderKey(key.bits)));
  }
  if (key.algorithm === 'ec') return tlv(Tag.context(0), sequence(oid(idEcPublicKey), oid(curveOids[key.curve])));
  return tlv(Tag.context(0), sequence(oid(key.algorithm === 'ed25519' ? idEd25519 : idEd448)));
}

const curveOids = { 'P-256': secp256r1, 'P-384': secp384r1, 'P-521': secp521r1 } as const;

/** An RSAPublicKey whose modulus, of that many bits, is no product of primes that anyone uses: 2^(bits-1) + 1. */
function placeholderKey(bits: number): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(bits / 8));
  modulus[0] = 1 << ((bits - 1) % 8);
  modulus[modulus.length - 1] = (modulus[modulus.length - 1] ?? 0) | 1;
  return sequence(unsignedInteger(modulus), smallInteger(65537));
}

/** RFC 9908 3.4: extensionReqTemplate only where a value is missing, otherwise extensionRequest; never both. */
function attributes(extensions: readonly WantedExtension[], demandsLinking: boolean): Uint8Array[] {
  const wanted: Uint8Array[] = [];
  // No value can stand for one that differs with each connection: the empty set is that of RFC 9908 3.2.
  if (demandsLinking) wanted.push(sequence(oid(pkcs9AtChallengePassword), setOf()));
  if (extensions.length === 0) return wanted;
  const complete = extensions.filter(isComplete);
  wanted.push(
    complete.length === extensions.length
      ? sequence(oid(pkcs9AtExtensionRequest), setOf(encodeExtensions(complete)))
      : sequence(oid(idAaExtensionReqTemplate), setOf(sequence(...extensions.map(encodeExtensionTemplate)))),
  );
  return wanted.sort((a, b) => Buffer.compare(a, b));
}

function encodeExtensionTemplate({ id, critical, value, partialValue }: WantedExtension): Uint8Array {
  const known = value ?? partialValue;
  return sequence(oid(id), critical ? boolean(true) : undefined, known === undefined ? undefined : octetString(known));
}
