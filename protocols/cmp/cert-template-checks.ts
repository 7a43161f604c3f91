/** What a certTemplate has to be before the policy sees it (RFC 4211 section 5, RFC 9483 4.1.1). */

import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/protocol.js';
import { sequence } from '../../src/x509/der-writer.js';
import {
  type BasicConstraints,
  decodeBasicConstraints,
  decodeExtKeyUsage,
  decodeKeyUsage,
  type Extension,
  findExtension,
} from '../../src/x509/extensions.js';
import { decodeName } from '../../src/x509/names.js';
import {
  idCeBasicConstraints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeSubjectAltName,
  idKpCmcCa,
  idKpCmcRa,
  idKpCmKga,
} from '../../src/x509/oids.js';
import { CmpError, decoding } from './errors.js';

/** The names and extensions that a request asks for, from a CertTemplate or a PKCS #10. */
export interface Wishes {
  /** DER Name. */
  readonly subject?: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

/** Returns the subject, which may be empty or missing beside alternative names. @throws GatewayError */
export function checkWishes(wishes: Wishes, policy: PolicyView): Uint8Array {
  const subject = requireSubject(wishes);
  checkConstraints(wishes.extensions, policy);
  checkPurposes(wishes.extensions, policy);
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

function checkConstraints(extensions: readonly Extension[], policy: PolicyView): void {
  const value = findExtension(extensions, idCeBasicConstraints)?.value;
  const constraints: BasicConstraints | undefined = value && contradictory(() => decodeBasicConstraints(value));
  if (constraints === undefined) return;
  if (constraints.ca) {
    if (policy.keyUsages.includes('keyCertSign')) return;
    throw new GatewayError('forbidden', `policy ${policy.name} makes no CA certificates`);
  }
  const usage = findExtension(extensions, idCeKeyUsage)?.value;
  const signsCertificates = usage !== undefined && contradictory(() => decodeKeyUsage(usage)).includes('keyCertSign');
  if (constraints.pathLength !== undefined || signsCertificates) {
    throw new CmpError('badCertTemplate', 'what is no CA has neither a path length nor the key usage keyCertSign');
  }
}

/** RFC 9480 2.2: purposes that give power over the certificates and keys of others. */
const powers: ReadonlyMap<string, string> = new Map([
  [idKpCmcCa, 'cmcCA'],
  [idKpCmcRa, 'cmcRA'],
  [idKpCmKga, 'cmKGA'],
]);

function checkPurposes(extensions: readonly Extension[], policy: PolicyView): void {
  const value = findExtension(extensions, idCeExtKeyUsage)?.value;
  if (value === undefined) return;
  const asked = contradictory(() => decodeExtKeyUsage(value));
  const power = asked.find((id) => powers.has(id) && !policy.extendedKeyUsages.includes(id));
  if (power === undefined) return;
  throw new GatewayError('forbidden', `policy ${policy.name} gives nobody the extended key usage ${powers.get(power)}`);
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
