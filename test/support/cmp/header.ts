/** PKIHeader (RFC 9810 5.1.1) as a client makes it, with any field wrong or left out. */
import {
  explicit,
  generalizedTime,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { type InfoType, infoTypes } from './identifiers.js';

/** InfoTypeAndValue, AttributeTypeAndValue */
export interface TypedValue {
  /** A name, or an object identifier in dotted digits. */
  readonly type: InfoType | (string & {});
  /** DER. */
  readonly value?: Uint8Array;
}

/** Its fields; names are RFC 4514 text for a directoryName, or a DER GeneralName. */
export interface HeaderFields {
  readonly pvno: number;
  readonly sender: string | Uint8Array;
  readonly recipient: string | Uint8Array;
  readonly messageTime?: Date;
  /** DER AlgorithmIdentifier. */
  readonly protectionAlg?: Uint8Array;
  readonly senderKid?: Uint8Array;
  readonly recipKid?: Uint8Array;
  readonly transactionId?: Uint8Array;
  readonly senderNonce?: Uint8Array;
  readonly recipNonce?: Uint8Array;
  readonly freeText?: readonly string[];
  readonly generalInfo?: readonly TypedValue[];
}
export type HeaderField = keyof HeaderFields;

/** DER. A raw value (DER) takes the place of a field's own, inside of its tag. */
export function encodeHeader(
  fields: HeaderFields,
  omit: readonly string[] = [],
  raw: Partial<Record<HeaderField, Uint8Array>> = {},
): Uint8Array {
  const { messageTime, freeText, generalInfo = [] } = fields;
  const own: Record<HeaderField, Uint8Array | undefined> = {
    pvno: smallInteger(fields.pvno),
    sender: generalName(fields.sender),
    recipient: generalName(fields.recipient),
    messageTime: messageTime && generalizedTime(messageTime),
    protectionAlg: fields.protectionAlg,
    senderKid: octets(fields.senderKid),
    recipKid: octets(fields.recipKid),
    transactionId: octets(fields.transactionId),
    senderNonce: octets(fields.senderNonce),
    recipNonce: octets(fields.recipNonce),
    freeText: freeText && sequence(...freeText.map(utf8String)),
    generalInfo: generalInfo.length === 0 ? undefined : sequence(...generalInfo.map(encodeInfo)),
  };
  const value = (field: HeaderField) => (omit.includes(field) ? undefined : (raw[field] ?? own[field]));
  const tagged = taggedFields.map((field, number) => {
    const content = value(field);
    return content && explicit(number, content);
  });
  return sequence(value('pvno'), value('sender'), value('recipient'), ...tagged);
}

/** In the order of their tags. */
const taggedFields = [
  'messageTime',
  'protectionAlg',
  'senderKid',
  'recipKid',
  'transactionId',
  'senderNonce',
  'recipNonce',
  'freeText',
  'generalInfo',
] as const satisfies readonly HeaderField[];

export function encodeInfo({ type, value }: TypedValue): Uint8Array {
  return sequence(oid(Object.entries(infoTypes).find(([name]) => name === type)?.[1] ?? type), value);
}

/** DER GeneralName: a directoryName of RFC 4514 text, or what is one already. */
export function generalName(name: string | Uint8Array): Uint8Array {
  return typeof name === 'string' ? explicit(4, distinguishedName(name)) : name;
}

/** DER Name of RFC 4514 text, or what is one already. */
export function distinguishedName(name: string | Uint8Array): Uint8Array {
  return typeof name === 'string' ? encodeName(parseName(name)) : name;
}

export const implicitConfirm: TypedValue = { type: 'implicitConfirm', value: nullValue };

/** RFC 9810 5.1.1.4 */
export function certProfile(...names: readonly string[]): TypedValue {
  return { type: 'certProfile', value: sequence(...names.map(utf8String)) };
}

function octets(value: Uint8Array | undefined): Uint8Array | undefined {
  return value && octetString(value);
}
