/** A rule for names, compiled: one subject attribute or one type of subject alternative name. */
import type { CredentialField, DeviceField } from './source-field.js';

export type ValueSource =
  | { readonly from: 'fixed'; readonly value: string }
  | { readonly from: 'request' }
  | { readonly from: 'device'; readonly field: DeviceField }
  | { readonly from: 'credential'; readonly field: CredentialField };

export interface NameRule {
  /** What it is about: the attribute's dotted OID, or the alternative name's type (`otherName:<OID>`). */
  readonly key: string;
  /** For messages: `subject attribute commonName`, `subject alternative name dns`. */
  readonly label: string;
  readonly source: ValueSource;
  readonly required: boolean;
  readonly pattern?: { readonly text: string; readonly expression: RegExp };
  /** How many values a request may give. */
  readonly maximum: number;
  /** The text in its usual form (DNS names in lower case …), in which it is compared, matched and encoded. */
  readonly normalize: (text: string) => string;
  /** What is wrong with a normalized value, to stand after the label and the value; undefined if nothing. */
  readonly problem: (text: string) => string | undefined;
}

/** A name that was asked for, or that stands in a certificate. */
export interface NameValue {
  /** As in NameRule. */
  readonly key: string;
  /** As in NameRule. */
  readonly label: string;
  /** As received; for what is no text, a form that can be matched and shown. */
  readonly text: string;
  /** Set where the value cannot stand in a certificate, whatever the rule: what is wrong with it. */
  readonly problem?: string;
  /** Set where `text` only stands for a value that is no text, so that no pattern can be about it. */
  readonly isBinary?: true;
}
