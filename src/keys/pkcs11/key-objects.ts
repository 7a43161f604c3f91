/** Key objects of a token: how keys are asked for, and the public key of one that is there. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { GeneratedKeyType } from '../../model/key-constraints.js';
import { DerReader } from '../../x509/der.js';
import { oid } from '../../x509/der-writer.js';
import { attribute, keyType, mechanism, objectClass } from './constants.js';
import type { Attribute, Handle, Mechanism, Pkcs11Library } from './library.js';
import { TokenError } from './messages.js';

interface KeyKind {
  readonly generation: number;
  readonly signing: readonly number[];
  readonly keyType: number;
  /** Attributes of the public key that choose the size or the curve. */
  readonly parameters: readonly Attribute[];
}

/** How a token makes keys of a type. RSA keys are to sign both ways. */
export function kindOf(type: GeneratedKeyType): KeyKind {
  switch (type) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return {
        generation: mechanism.rsaKeyPair,
        signing: [mechanism.rsaPkcs],
        keyType: keyType.rsa,
        parameters: [
          { type: attribute.modulusBits, value: Number(type.slice(4)) },
          { type: attribute.publicExponent, value: Buffer.from([1, 0, 1]) },
        ],
      };
    case 'ec-p256':
    case 'ec-p384':
    case 'ec-p521':
      return {
        generation: mechanism.ecKeyPair,
        signing: [mechanism.ecdsa],
        keyType: keyType.ec,
        parameters: [{ type: attribute.ecParameters, value: Buffer.from(oid(curveIds[type])) }],
      };
    case 'ed25519':
      return {
        generation: mechanism.edwardsKeyPair,
        signing: [mechanism.eddsa],
        keyType: keyType.edwards,
        // The name, as PKCS#11 3.0 2.3.1 has it and tokens understand; some give the identifier of RFC 8410 back.
        parameters: [{ type: attribute.ecParameters, value: Buffer.from('\x13\x0cedwards25519', 'latin1') }],
      };
  }
}

/** A key pair that stays on the token, whose private key signs and does nothing else, and never leaves it. */
export function templatesFor(
  kind: KeyKind,
  id: Uint8Array,
  label: string,
): { readonly mechanism: Mechanism; readonly publicTemplate: Attribute[]; readonly privateTemplate: Attribute[] } {
  const common: Attribute[] = [
    { type: attribute.token, value: true },
    { type: attribute.id, value: Buffer.from(id) },
    { type: attribute.label, value: label },
    { type: attribute.keyType, value: kind.keyType },
  ];
  return {
    mechanism: { mechanism: kind.generation },
    publicTemplate: [
      { type: attribute.class, value: objectClass.publicKey },
      ...common,
      { type: attribute.verify, value: true },
      ...kind.parameters,
    ],
    privateTemplate: [
      { type: attribute.class, value: objectClass.privateKey },
      ...common,
      { type: attribute.private, value: true },
      { type: attribute.sensitive, value: true },
      { type: attribute.extractable, value: false },
      { type: attribute.sign, value: true },
      { type: attribute.decrypt, value: false },
      { type: attribute.unwrap, value: false },
      { type: attribute.derive, value: false },
    ],
  };
}

/** Objects of a class with this CKA_ID. */
export function findObjects(library: Pkcs11Library, session: Handle, template: Attribute[], maximum: number): Handle[] {
  library.C_FindObjectsInit(session, template);
  try {
    return library.C_FindObjects(session, maximum);
  } finally {
    library.C_FindObjectsFinal(session);
  }
}

/** The DER SubjectPublicKeyInfo of a public key object. @throws TokenError 'unsupported' */
export function readPublicKey(library: Pkcs11Library, session: Handle, object: Handle): Uint8Array {
  const read = (type: number) => library.C_GetAttributeValue(session, object, [{ type }])[0]?.value ?? Buffer.alloc(0);
  const jwk = jwkOf(read(attribute.keyType)[0] ?? -1, read);
  try {
    return Uint8Array.from(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }));
  } catch {
    throw new TokenError('unsupported', 'the token gives a public key that cannot be read');
  }
}

const curveIds = {
  'ec-p256': '1.2.840.10045.3.1.7',
  'ec-p384': '1.3.132.0.34',
  'ec-p521': '1.3.132.0.35',
} as const;

const coordinates: ReadonlyMap<string, { readonly crv: string; readonly octets: number }> = new Map([
  [curveIds['ec-p256'], { crv: 'P-256', octets: 32 }],
  [curveIds['ec-p384'], { crv: 'P-384', octets: 48 }],
  [curveIds['ec-p521'], { crv: 'P-521', octets: 66 }],
]);

function jwkOf(type: number, read: (attributeType: number) => Buffer): JsonWebKey {
  if (type === keyType.rsa) {
    const [n, e] = [read(attribute.modulus), read(attribute.publicExponent)];
    return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
  }
  const point = read(attribute.ecPoint);
  if (type === keyType.edwards) return { kty: 'OKP', crv: 'Ed25519', x: unwrap(point, 32).toString('base64url') };
  const curve = type === keyType.ec ? coordinates.get(identifierOf(read(attribute.ecParameters))) : undefined;
  if (curve === undefined) throw new TokenError('unsupported', 'the key on the token is of a kind that no CA has');
  const { crv, octets } = curve;
  const [form, ...rest] = unwrap(point, 1 + 2 * octets);
  if (form !== 4) throw new TokenError('unsupported', 'the token gives a public key that cannot be read');
  const [x, y] = [Buffer.from(rest.slice(0, octets)), Buffer.from(rest.slice(octets))];
  return { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') };
}

/** CKA_EC_POINT is an OCTET STRING with the point in it (PKCS#11 2.40 2.3.3); some tokens give the point alone. */
function unwrap(point: Buffer, octets: number): Buffer {
  return point.length === octets ? point : point.subarray(-octets);
}

function identifierOf(parameters: Buffer): string {
  try {
    return DerReader.decode(parameters, (reader) => reader.oid());
  } catch {
    return '';
  }
}
