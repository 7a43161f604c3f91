/** Attributes of a subject: what may be their text, their DER, and how a Name is read as a list of them. */
import { type AttributeType, attributeByOid, attributeTypes } from '../x509/attribute-types.js';
import { isStringTag } from '../x509/character-strings.js';
import { Tag } from '../x509/der.js';
import { isIa5String, isPrintableString, oid, sequence, setOf, utf8String } from '../x509/der-writer.js';
import { decodeName, encodeAttribute } from '../x509/names.js';
import type { NameValue } from './name-rule.js';
import { hasUnsafeCharacters } from './safe-text.js';

export interface SubjectAttribute extends NameValue {
  /** The ASN.1 tag of its string. */
  readonly tag: number;
}

/** The attributes of a DER Name in order; RDNs of several are taken apart. @throws DerError */
export function readSubject(der: Uint8Array): SubjectAttribute[] {
  const attributes: SubjectAttribute[] = [];
  for (const rdn of decodeName(der)) {
    for (const { type, value, tag } of rdn) {
      const attribute = { key: type, label: attributeLabel(type), text: value, tag };
      attributes.push(isStringTag(tag) ? attribute : { ...attribute, problem: 'is no character string' });
    }
  }
  return attributes;
}

/** What messages call an attribute of this type. */
export function attributeLabel(type: string): string {
  return labels.get(type) ?? `subject attribute ${type}`;
}

/** What is wrong with an attribute's text, to stand after its name; undefined if nothing (RFC 5280 A.1, X.520). */
export function attributeProblem({ oid, maximumLength, stringType }: AttributeType, text: string): string | undefined {
  if (text.trim() === '') return 'is empty';
  if (hasUnsafeCharacters(text)) return 'has control or invisible characters';
  const longest = Math.min(maximumLength ?? longestAttribute, longestAttribute);
  // Bounds count characters; the number of UTF-16 units is never below it.
  if (text.length > longest && [...text].length > longest) return `is longer than ${longest} characters`;
  if (oid === countryName && !/^[A-Za-z]{2}$/.test(text)) return 'is no country code of two letters';
  if (stringType === 'printable' && !isPrintableString(text)) return 'has characters outside PrintableString';
  if (stringType === 'ia5' && !isIa5String(text)) return 'has characters outside ASCII';
  return undefined;
}

/** What is wrong with an attribute as it is encoded, to stand after its name (RFC 5280 4.1.2.4, A.1); undefined if nothing. */
export function encodedProblem({ key, text, tag, problem }: SubjectAttribute): string | undefined {
  if (problem !== undefined) return `has an attribute ${key} that ${problem}`;
  const type = attributeByOid(key);
  if (type === undefined) return undefined;
  const isWrong =
    !stringTags[type.stringType].includes(tag) || (tag === Tag.printableString && !isPrintableString(text));
  if (isWrong) return `has a ${type.name} of a string type that certificates do not have`;
  const wrong = attributeProblem(type, text);
  return wrong && `has a ${type.name} that ${wrong}`;
}

/**
 * Encodes an RDN of one attribute. A UTF8String stays one where RFC 5280 4.1.2.4 leaves the choice, since some clients
 * compare names byte by byte; any other string type becomes PrintableString or UTF8String.
 */
export function encodeRdn(type: AttributeType, text: string, tag?: number): Uint8Array {
  const keepsUtf8 = tag === Tag.utf8String && type.stringType === 'directory';
  return setOf(
    keepsUtf8 ? sequence(oid(type.oid), utf8String(text)) : encodeAttribute({ type: type.oid, value: text }),
  );
}

// RFC 5280 has 32768 for names of people; 256 is what userId may have, and all that is worth matching.
const longestAttribute = 256;
const countryName = '2.5.4.6';
const directoryTags: readonly number[] = [Tag.printableString, Tag.utf8String];
const stringTags: Readonly<Record<AttributeType['stringType'], readonly number[]>> = {
  directory: directoryTags,
  printable: [Tag.printableString],
  ia5: [Tag.ia5String],
  ia5OrDirectory: [Tag.ia5String, ...directoryTags],
};
const labels = new Map([...attributeTypes.values()].map((type) => [type.oid, `subject attribute ${type.name}`]));
