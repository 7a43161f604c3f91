/** Makes certificates for path tests with asn1js, so with none of our own encoders; whatever is wrong can be made as well. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  Boolean as Asn1Boolean,
  Set as Asn1Set,
  type BaseBlock,
  BitString,
  Constructed,
  fromBER,
  GeneralizedTime,
  IA5String,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  PrintableString,
  Sequence,
  Utf8String,
} from 'asn1js';

export interface TestExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface TestCertificate {
  /** RFC 4514-like, but in encoded order: `O=Acme,CN=x`; attributes CN, O, OU, C, E. */
  readonly subject: string;
  /** Default: the subject of whoever signs. */
  readonly issuer?: string;
  /** Keys are named; the same name is the same key. `rsa…` makes RSA keys (`rsa1024…` short ones), all else P-256. */
  readonly key?: string;
  /** DER, of a key that is elsewhere: in place of `key`. */
  readonly subjectPublicKeyInfo?: Uint8Array;
  readonly signer?: string;
  readonly version?: 1 | 3;
  readonly hash?: 'sha1' | 'sha256';
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly extensions?: readonly TestExtension[];
  readonly isTampered?: boolean;
}

/** DER of one certificate. */
export function makeCertificate(spec: TestCertificate): Uint8Array {
  const signer = testKey(spec.signer ?? spec.key ?? spec.subject);
  const hash = spec.hash ?? 'sha256';
  const isRsa = signer.privateKey.asymmetricKeyType === 'rsa';
  const algorithm = algorithmIdentifier(isRsa, hash);
  const extensions = spec.extensions ?? [];
  const tbs = new Sequence({
    value: [
      ...(spec.version === 1 ? [] : [tagged(0, new Integer({ value: 2 }))]),
      new Integer({ value: serial++ }),
      algorithm,
      name(spec.issuer ?? spec.subject),
      new Sequence({
        value: [time(spec.notBefore ?? '2026-01-01T00:00:00Z'), time(spec.notAfter ?? '2036-01-01T00:00:00Z')],
      }),
      name(spec.subject),
      fromBER(spec.subjectPublicKeyInfo ?? testKey(spec.key ?? spec.subject).spki).result,
      ...(extensions.length === 0 ? [] : [tagged(3, new Sequence({ value: extensions.map(extensionBlock) }))]),
    ],
  });
  const signature = sign(hash, Buffer.from(tbs.toBER()), signer.privateKey);
  if (spec.isTampered) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return der(new Sequence({ value: [tbs, algorithm, new BitString({ valueHex: buffer(signature) })] }));
}

/** The private key of a name. */
export function privateKeyOf(keyName: string): KeyObject {
  return testKey(keyName).privateKey;
}

/** Root first. Each certificate is issued by the one before it, the first by itself, unless it says otherwise. */
export function makeChain(specs: readonly TestCertificate[]): Uint8Array[] {
  return specs.map((spec, i) => {
    const parent = specs[i - 1] ?? spec;
    return makeCertificate({ issuer: parent.subject, signer: parent.key ?? parent.subject, ...spec });
  });
}

export function ca(subject: string, ...more: readonly TestExtension[]): TestCertificate {
  return { subject, extensions: withDefaults([basicConstraints(true), keyUsage('keyCertSign', 'cRLSign')], more) };
}

export function leaf(subject: string, ...more: readonly TestExtension[]): TestCertificate {
  return { subject, extensions: more };
}

export function basicConstraints(isCa: boolean, pathLength?: number): TestExtension {
  const length = pathLength === undefined ? [] : [new Integer({ value: pathLength })];
  return extension(
    '2.5.29.19',
    true,
    new Sequence({ value: [...(isCa ? [new Asn1Boolean({ value: true })] : []), ...length] }),
  );
}

const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;

export function keyUsage(...usages: readonly (keyof typeof keyUsageBits)[]): TestExtension {
  const octet = usages.reduce((bits, usage) => bits | (0x80 >> keyUsageBits[usage]), 0);
  const unusedBits = Math.clz32(octet & -octet) === 32 ? 0 : 31 - Math.clz32(octet & -octet);
  return extension('2.5.29.15', true, new BitString({ valueHex: Uint8Array.of(octet).buffer, unusedBits }));
}

export function extendedKeyUsage(...purposes: readonly string[]): TestExtension {
  return extension('2.5.29.37', false, new Sequence({ value: purposes.map(objectId) }));
}

export function policies(...ids: readonly string[]): TestExtension {
  return extension(
    '2.5.29.32',
    false,
    new Sequence({ value: ids.map((id) => new Sequence({ value: [objectId(id)] })) }),
  );
}

export function policyMappings(...pairs: readonly (readonly [string, string])[]): TestExtension {
  const value = pairs.map(([from, to]) => new Sequence({ value: [objectId(from), objectId(to)] }));
  return extension('2.5.29.33', true, new Sequence({ value }));
}

export function policyConstraints(limits: { requireExplicit?: number; inhibitMapping?: number }): TestExtension {
  const { requireExplicit, inhibitMapping } = limits;
  const value = [
    ...(requireExplicit === undefined ? [] : [primitive(0, Uint8Array.of(requireExplicit))]),
    ...(inhibitMapping === undefined ? [] : [primitive(1, Uint8Array.of(inhibitMapping))]),
  ];
  return extension('2.5.29.36', true, new Sequence({ value }));
}

export function inhibitAnyPolicy(skipCerts: number): TestExtension {
  return extension('2.5.29.54', true, new Integer({ value: skipCerts }));
}

/** Names as `dns:x`, `email:x`, `uri:x`, `ip:hex`, `dir:O=…`, `rid:hex`, `other:oid=text`, `x400:hex`. */
export function nameConstraints(subtrees: {
  permitted?: readonly string[];
  excluded?: readonly string[];
  distance?: readonly BaseBlock[];
}): TestExtension {
  const list = (number: number, names: readonly string[] | undefined) => {
    if (!names) return [];
    const value = names.map((text) => new Sequence({ value: [generalName(text), ...(subtrees.distance ?? [])] }));
    return [new Constructed({ idBlock: { tagClass: 3, tagNumber: number }, value })];
  };
  const value = [...list(0, subtrees.permitted), ...list(1, subtrees.excluded)];
  return extension('2.5.29.30', true, new Sequence({ value }));
}

export function subjectAltName(...names: readonly string[]): TestExtension {
  return extension('2.5.29.17', false, new Sequence({ value: names.map(generalName) }));
}

export function subjectKeyId(hex: string): TestExtension {
  return extension('2.5.29.14', false, new OctetString({ valueHex: buffer(Buffer.from(hex, 'hex')) }));
}

export function authorityKeyId(hex: string): TestExtension {
  return extension('2.5.29.35', false, new Sequence({ value: [primitive(0, Buffer.from(hex, 'hex'))] }));
}

export function unknownExtension(critical: boolean): TestExtension {
  return { id: '1.3.6.1.4.1.55555.1', critical, value: Uint8Array.of(5, 0) };
}

/** An IMPLICIT context-specific value. */
export function primitive(number: number, content: Uint8Array): BaseBlock {
  return new Primitive({ idBlock: { tagClass: 3, tagNumber: number }, valueHex: buffer(content) });
}

interface TestKey {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
}

const keys = new Map<string, TestKey>();
let serial = 1000;

function testKey(keyName: string): TestKey {
  const known = keys.get(keyName);
  if (known) return known;
  const { privateKey, publicKey } = keyName.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: keyName.startsWith('rsa1024') ? 1024 : 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const made = { privateKey, spki: Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })) };
  keys.set(keyName, made);
  return made;
}

function withDefaults(defaults: readonly TestExtension[], more: readonly TestExtension[]): readonly TestExtension[] {
  return [...defaults.filter(({ id }) => more.every((given) => given.id !== id)), ...more];
}

function algorithmIdentifier(isRsa: boolean, hash: 'sha1' | 'sha256'): Sequence {
  const ecdsa = hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2';
  const rsa = hash === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11';
  if (!isRsa) return new Sequence({ value: [objectId(ecdsa)] });
  return new Sequence({ value: [objectId(rsa), fromBER(Uint8Array.of(5, 0)).result] });
}

function extension(id: string, critical: boolean, value: BaseBlock): TestExtension {
  return { id, critical, value: der(value) };
}

function extensionBlock({ id, critical, value }: TestExtension): Sequence {
  const flag = critical ? [new Asn1Boolean({ value: true })] : [];
  return new Sequence({ value: [objectId(id), ...flag, new OctetString({ valueHex: buffer(value) })] });
}

const attributeIds: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  C: '2.5.4.6',
  E: '1.2.840.113549.1.9.1',
};

function name(text: string): Sequence {
  const rdns = text === '' ? [] : text.split(',');
  return new Sequence({
    value: rdns.map((rdn) => {
      const [type = '', value = ''] = rdn.split('=');
      const string =
        type === 'E'
          ? new IA5String({ value })
          : type === 'C'
            ? new PrintableString({ value })
            : new Utf8String({ value });
      return new Asn1Set({ value: [new Sequence({ value: [objectId(attributeIds[type] ?? type), string] })] });
    }),
  });
}

function generalName(text: string): BaseBlock {
  const [kind = '', value = ''] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  const bytes = () => Buffer.from(value, 'hex');
  switch (kind) {
    case 'email':
      return primitive(1, Buffer.from(value));
    case 'dns':
      return primitive(2, Buffer.from(value));
    case 'x400':
      return new Constructed({
        idBlock: { tagClass: 3, tagNumber: 3 },
        value: [new OctetString({ valueHex: buffer(bytes()) })],
      });
    case 'dir':
      return tagged(4, name(value));
    case 'uri':
      return primitive(6, Buffer.from(value));
    case 'ip':
      return primitive(7, bytes());
    case 'rid':
      return primitive(8, bytes());
    case 'other': {
      const [id = '', content = ''] = value.split('=');
      const block = [objectId(id), tagged(0, new Utf8String({ value: content }))];
      return new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: block });
    }
    default:
      throw new Error(`no such kind of name: ${text}`);
  }
}

function tagged(number: number, value: BaseBlock): Constructed {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber: number }, value: [value] });
}

function objectId(value: string): ObjectIdentifier {
  return new ObjectIdentifier({ value });
}

function time(iso: string): BaseBlock {
  const digits = iso.replace(/[-:T]/g, '');
  if (Number(iso.slice(0, 4)) >= 2050) return new GeneralizedTime({ valueDate: new Date(iso) });
  return new Primitive({ idBlock: { tagClass: 1, tagNumber: 23 }, valueHex: buffer(Buffer.from(digits.slice(2))) });
}

function der(block: BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER());
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
