/** The extensions that csrattrs asks for: with their values where the policy fixes them, partly filled in where it can. */

import type { PolicyView, WantedName } from '../../src/policy-view.js';
import { Tag } from '../../src/x509/der.js';
import { explicit, sequence, tlv } from '../../src/x509/der-writer.js';
import {
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  type KeyUsage,
  keyUsages,
} from '../../src/x509/extensions.js';
import { encodeGeneralName } from '../../src/x509/general-names.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../src/x509/oids.js';
import { parseName } from '../../src/x509/parse-name.js';
import { type WantedKey, wantedKey } from './wanted-key.js';

export interface WantedExtension {
  /** Dotted OID. */
  readonly id: string;
  readonly critical: boolean;
  /** DER, to be used as it is. */
  readonly value?: Uint8Array;
  /** DER with empty names for the client to fill in (RFC 9908 3.4). */
  readonly partialValue?: Uint8Array;
}

/** In the order of the example of RFC 9908 3.4: subjectAltName, keyUsage, extKeyUsage; basicConstraints of a CA before, the policy's own after. */
export function wantedExtensions(policy: PolicyView): WantedExtension[] {
  const { subjectAltNames, extendedKeyUsages, extensions, ca } = policy;
  const unfit = unfitUsages[wantedKey(policy.keys)?.algorithm ?? 'rsa'];
  const usages = keyUsages.filter((usage) => policy.keyUsages.includes(usage) && !unfit.includes(usage));
  return [
    // Without a path length: it gets the longest that it may have.
    ca ? { id: idCeBasicConstraints, critical: true, value: encodeBasicConstraints({ ca }) } : undefined,
    wantedAlternatives(subjectAltNames),
    usages.length === 0 ? undefined : { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) },
    extendedKeyUsages.length === 0
      ? undefined
      : { id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage(extendedKeyUsages) },
    ...extensions.filter(({ required }) => required).map(({ id }) => ({ id, critical: false })),
  ].filter((extension) => extension !== undefined);
}

/** What a key of the kind that csrattrs names cannot serve (RFC 3279 2.3.1, RFC 8813 3, RFC 8410 5): never to be asked for. */
const unfitUsages: Readonly<Record<WantedKey['algorithm'], readonly KeyUsage[]>> = {
  rsa: ['keyAgreement'],
  ec: ['keyEncipherment', 'dataEncipherment'],
  ed25519: ['keyEncipherment', 'dataEncipherment', 'keyAgreement'],
  ed448: ['keyEncipherment', 'dataEncipherment', 'keyAgreement'],
};

export function isComplete(extension: WantedExtension): extension is WantedExtension & { value: Uint8Array } {
  return extension.value !== undefined;
}

/**
 * RFC 9908 3.4 has an empty iPAddress and an empty directoryName stand for names to be filled in; the forms that are text
 * follow its example. Where a form has no such stand-in, the client has to find the value by itself.
 */
function wantedAlternatives(wanted: readonly WantedName[]): WantedExtension | undefined {
  const names = wanted.filter(({ required, value }) => required || value !== undefined);
  if (names.length === 0) return undefined;
  const extension = { id: idCeSubjectAltName, critical: false };
  const encoded = names.map(({ name, value }) => (value === undefined ? standIns.get(name) : encodeFixed(name, value)));
  const complete = encoded.filter((name) => name !== undefined);
  if (complete.length < encoded.length) return extension;
  const general = sequence(...complete);
  return names.every(({ value }) => value !== undefined)
    ? { ...extension, value: general }
    : { ...extension, partialValue: general };
}

const standIns: ReadonlyMap<string, Uint8Array> = new Map([
  ['email', tlv(Tag.contextPrimitive(1))],
  ['dns', tlv(Tag.contextPrimitive(2))],
  ['directoryName', explicit(4, sequence())],
  ['uri', tlv(Tag.contextPrimitive(6))],
  ['ip', tlv(Tag.contextPrimitive(7))],
]);

function encodeFixed(type: string, value: string): Uint8Array | undefined {
  switch (type) {
    case 'dns':
    case 'email':
    case 'uri':
    case 'ip':
    case 'registeredId':
      return encodeGeneralName({ type, value });
    case 'directoryName':
      return encodeGeneralName({ type, value: encodeName(parseName(value)) });
    default:
      return undefined;
  }
}
