/** certReqTemplate (RFC 9810 5.3.19.16, RFC 9483 4.3.3): what the policy wants in requests, and which keys it takes. */

import type { RequestOutline, WantedName } from '../../src/policy-view.js';
import { attributeByName } from '../../src/x509/attribute-types.js';
import { tlv } from '../../src/x509/der-writer.js';
import {
  type Extension,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  keyUsages,
} from '../../src/x509/extensions.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../src/x509/oids.js';
import { encodeCertReqTemplate, type KeySpec } from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { idItCertReqTemplate } from './asn1/oids.js';
import { keyAlgorithms } from './general-information.js';
import { type CmpRequest, outlineFor } from './request.js';

/** By the profile that the requester would get: the one that certProfile names, or that of an ir without it. */
export async function certReqTemplate(request: CmpRequest): Promise<InfoTypeAndValue> {
  const outline = outlineFor(request);
  const template = { subject: subjectOf(outline.subject), extensions: extensionsOf(outline) };
  return { id: idItCertReqTemplate, value: encodeCertReqTemplate({ template, keySpec: keySpecOf(outline) }) };
}

/** An empty value is for the client to fill in. */
function subjectOf(wanted: readonly WantedName[]): Uint8Array {
  return encodeName(
    wanted.flatMap(({ name, value = '' }) => {
      const attribute = attributeByName(name);
      return attribute ? [[{ type: attribute.oid, value }]] : [];
    }),
  );
}

function extensionsOf({
  subjectAltNames,
  keyUsages: usages,
  extendedKeyUsages,
  extensions,
  ca,
}: RequestOutline): Extension[] {
  const names = subjectAltNames.flatMap(({ name }) => generalNameTags.get(name) ?? []);
  return [
    ...(ca ? [{ id: idCeBasicConstraints, critical: true, value: encodeBasicConstraints({ ca }) }] : []),
    ...(names.length > 0
      ? [{ id: idCeSubjectAltName, critical: false, value: tlv(0x30, ...names.map((tag) => tlv(tag))) }]
      : []),
    { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(keyUsages.filter((usage) => usages.includes(usage))) },
    ...(extendedKeyUsages.length > 0
      ? [{ id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage(extendedKeyUsages) }]
      : []),
    ...extensions.map(({ id }) => ({ id, critical: false, value: new Uint8Array() })),
  ];
}

/** IMPLICIT tags of GeneralName (RFC 5280 4.2.1.6); those of other kinds have no empty value. */
const generalNameTags: ReadonlyMap<string, number> = new Map([
  ['email', 0x81],
  ['dns', 0x82],
  ['uri', 0x86],
  ['ip', 0x87],
]);

/** RFC 9483 4.3.3: RSA by its length, all others by their algorithm. */
function keySpecOf({ keys }: RequestOutline): KeySpec[] {
  const { rsa, ...others } = keys;
  return [
    ...keyAlgorithms(others).map((algorithm): KeySpec => ({ type: 'algId', algorithm })),
    ...(rsa ? [{ type: 'rsaKeyLen', bits: rsa.minimumBits } as const] : []),
  ];
}
