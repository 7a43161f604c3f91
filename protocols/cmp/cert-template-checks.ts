/** What a certTemplate has to be before the policy sees it (RFC 4211 section 5, RFC 9483 4.1.1). */

import { GatewayError } from '../../src/errors.js';
import { decoding } from '../../src/x509/decoding.js';
import { sequence } from '../../src/x509/der-writer.js';
import {
  decodeBasicConstraints,
  decodeExtKeyUsage,
  decodeKeyUsage,
  type Extension,
  findExtension,
} from '../../src/x509/extensions.js';
import { decodeName } from '../../src/x509/names.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../src/x509/oids.js';
import type { CertTemplate } from './asn1/cert-template.js';
import { CmpError } from './errors.js';

/** The names and extensions that a request asks for, from a CertTemplate or a PKCS #10. */
export interface Wishes {
  /** DER Name. */
  readonly subject?: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

/** Returns the subject, which may be empty or missing beside alternative names. @throws GatewayError */
export function checkWishes(wishes: Wishes): Uint8Array {
  const subject = requireSubject(wishes);
  checkExtensions(wishes.extensions);
  return subject;
}

/** Returns the subject, which may be empty or missing beside alternative names. @throws GatewayError */
export function requireSubject({ subject = sequence(), extensions }: Wishes): Uint8Array {
  const isNameless = decoding('the subject', () => decodeName(subject)).length === 0;
  if (isNameless && findExtension(extensions, idCeSubjectAltName) === undefined) {
    throw new CmpError('badCertTemplate', 'a request without a subject needs a subjectAltName');
  }
  return subject;
}

/** RFC 4211 section 5, before a CA can assign anything. Unique identifiers are in no certificate (RFC 5280 4.1.2.8). @throws CmpError */
export function requireAssignable({ version, issuerUID, subjectUID }: CertTemplate): void {
  if (version !== undefined && version !== 2) {
    throw new CmpError('badCertTemplate', `the version in the certTemplate is ${version} instead of 2, which is v3`);
  }
  if (issuerUID !== undefined || subjectUID !== undefined) {
    throw new CmpError('badCertTemplate', 'the certTemplate must have neither issuerUID nor subjectUID');
  }
}

/** Whether they can be read and do not contradict each other; whether they are granted is for the core to say. */
function checkExtensions(extensions: readonly Extension[]): void {
  const read = <T>(id: string, decode: (value: Uint8Array) => T): T | undefined => {
    const value = findExtension(extensions, id)?.value;
    return value && contradictory(() => decode(value));
  };
  const constraints = read(idCeBasicConstraints, decodeBasicConstraints);
  const usages = read(idCeKeyUsage, decodeKeyUsage);
  read(idCeExtKeyUsage, decodeExtKeyUsage);
  if (constraints === undefined || constraints.ca) return;
  if (constraints.pathLength !== undefined || usages?.includes('keyCertSign')) {
    throw new CmpError('badCertTemplate', 'what is no CA has neither a path length nor the key usage keyCertSign');
  }
}

/** An extension that is no such extension is a bad template, not a bad message. */
function contradictory<T>(decode: () => T): T {
  try {
    return decoding('an extension of the certTemplate', decode);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'malformed-request') {
      throw new CmpError('badCertTemplate', error.message);
    }
    throw error;
  }
}
