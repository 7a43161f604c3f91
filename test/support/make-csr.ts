/** Builds and signs PKCS #10 requests, wrong ones included. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Tag } from '../../src/x509/der.js';
import { bitString, oid, sequence, setOf, smallInteger, tlv, utf8String } from '../../src/x509/der-writer.js';
import { type Extension, encodeExtensions } from '../../src/x509/extensions.js';
import { encodeGeneralNames, type GeneralName } from '../../src/x509/general-names.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeSubjectAltName, pkcs9AtChallengePassword, pkcs9AtExtensionRequest } from '../../src/x509/oids.js';
import { parseName } from '../../src/x509/parse-name.js';
import { type HashAlgorithm, signatureAlgorithmFor } from '../../src/x509/signature-algorithms.js';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CsrOptions {
  /** RFC 4514 text, or a DER Name. */
  readonly subject?: string | Uint8Array;
  readonly key?: KeyPair;
  /** Another key than the one in the request. */
  readonly signedBy?: KeyPair;
  readonly hash?: HashAlgorithm;
  readonly alternatives?: readonly GeneralName[];
  readonly extensions?: readonly Extension[];
  readonly challengePassword?: string;
  /** Further attributes: one value (DER) by type (dotted OID). */
  readonly attributes?: readonly (readonly [type: string, value: Uint8Array])[];
  readonly subjectPublicKeyInfo?: Uint8Array;
}

export const deviceKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** DER of a request by `deviceKey` for CN=device-1, unless told otherwise. */
export function makeCsr(options: CsrOptions = {}): Uint8Array {
  const { key = deviceKey, subject = 'CN=device-1', hash = 'sha256', challengePassword, attributes = [] } = options;
  const { signedBy = key } = options;
  const extensions = [...alternativesExtension(options.alternatives), ...(options.extensions ?? [])];
  const all = [
    ...(challengePassword === undefined ? [] : [[pkcs9AtChallengePassword, utf8String(challengePassword)] as const]),
    ...(extensions.length === 0 ? [] : [[pkcs9AtExtensionRequest, encodeExtensions(extensions)] as const]),
    ...attributes,
  ].map(([type, value]) => sequence(oid(type), setOf(value)));
  const info = sequence(
    smallInteger(0),
    typeof subject === 'string' ? encodeName(parseName(subject)) : subject,
    options.subjectPublicKeyInfo ?? spkiOf(key),
    tlv(Tag.context(0), ...all.sort(Buffer.compare)),
  );
  const type = signedBy.privateKey.asymmetricKeyType;
  const algorithm = signatureAlgorithmFor(type === 'rsa' || type === 'ed25519' ? type : 'ec', hash);
  const signature = sign(algorithm.hash, info, signedBy.privateKey);
  return sequence(info, algorithm.identifier, bitString(signature));
}

export function spkiOf({ publicKey }: KeyPair): Uint8Array {
  return Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
}

export function newKey(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function alternativesExtension(names: readonly GeneralName[] = []): Extension[] {
  return names.length === 0 ? [] : [{ id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(names) }];
}
