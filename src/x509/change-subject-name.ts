/** The ChangeSubjectName attribute of a CSR (RFC 6402 2.8, RFC 7030 4.2.2): asks for other names than before. */

import { DerError, DerReader, Tag } from './der.js';
import { decodeGeneralNames, type GeneralName } from './general-names.js';

export const idCmcChangeSubjectName = '1.3.6.1.5.5.7.7.36';

/** The names asked for; the one that is absent is asked to be absent from the certificate too. */
export interface ChangeSubjectName {
  /** DER Name. */
  readonly subject?: Uint8Array;
  readonly subjectAltNames?: readonly GeneralName[];
}

/** Decodes the attribute's value. @throws DerError, also when it has neither field */
export function decodeChangeSubjectName(der: Uint8Array): ChangeSubjectName {
  const fields = DerReader.decode(der, (reader) => reader.each(Tag.sequence, (r) => r.element(Tag.sequence), 2));
  const [first, second] = fields;
  if (first === undefined) throw new DerError('ChangeSubjectName without names', 0);
  if (!isName(first)) {
    if (second !== undefined) throw new DerError('fields of ChangeSubjectName out of order', 0);
    return { subjectAltNames: decodeGeneralNames(first) };
  }
  return second === undefined ? { subject: first } : { subject: first, subjectAltNames: decodeGeneralNames(second) };
}

/** Both fields are optional SEQUENCEs without a tag of their own; a Name holds SETs, or nothing, GeneralNames neither. */
function isName(field: Uint8Array): boolean {
  return DerReader.decode(field, (reader) =>
    reader.sequence((inside) => {
      const tag = inside.tag;
      while (inside.more) inside.element();
      return tag === undefined || tag === Tag.set;
    }),
  );
}
