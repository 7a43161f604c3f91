/** What a kind of public key can be used for (RFC 3279 2.3, RFC 4055 1.2, RFC 8813, RFC 8410 5). */
import type { KeyUsageName } from '../model/certificate-template.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { PublicKeyDescription } from '../x509/public-key.js';

export type KeyKind = 'rsa' | 'rsa-pss' | 'ec' | 'edwards' | 'montgomery';

/** The kind of a key. */
export function keyKindOf(key: PublicKeyDescription): KeyKind {
  if (key.algorithm === 'rsa') return key.pss === true ? 'rsa-pss' : 'rsa';
  if (key.algorithm === 'ec') return 'ec';
  return key.algorithm === 'x25519' || key.algorithm === 'x448' ? 'montgomery' : 'edwards';
}

/** The kind of a key that the gateway is to make. */
export function keyKindOfGenerated(type: GeneratedKeyType): KeyKind {
  if (type.startsWith('rsa')) return 'rsa';
  return type.startsWith('ec') ? 'ec' : 'edwards';
}

/** Those of the usages that a key of this kind can serve, in their order. */
export function fittingKeyUsages(kind: KeyKind, usages: readonly KeyUsageName[]): KeyUsageName[] {
  const fitting = usages.filter((usage) => !unfit[kind].has(usage));
  // encipherOnly and decipherOnly qualify keyAgreement and mean nothing without it (RFC 5280 4.2.1.3).
  return fitting.includes('keyAgreement') ? fitting : fitting.filter((usage) => !qualifiers.has(usage));
}

const qualifiers: ReadonlySet<KeyUsageName> = new Set(['encipherOnly', 'decipherOnly']);
const encipherment: readonly KeyUsageName[] = ['keyEncipherment', 'dataEncipherment'];
const unfit: Readonly<Record<KeyKind, ReadonlySet<KeyUsageName>>> = {
  rsa: new Set(['keyAgreement']),
  'rsa-pss': new Set([...encipherment, 'keyAgreement']),
  ec: new Set(encipherment),
  edwards: new Set([...encipherment, 'keyAgreement']),
  montgomery: new Set([...encipherment, 'digitalSignature', 'nonRepudiation', 'keyCertSign', 'cRLSign']),
};
