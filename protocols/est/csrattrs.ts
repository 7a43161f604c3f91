/** csrattrs: what a policy wants to find in requests, as a list for old clients and as a template for new ones (RFC 9908). */

import type { PolicyView } from '../../src/policy-view.js';
import { attributeByName } from '../../src/x509/attribute-types.js';
import { DerReader } from '../../src/x509/der.js';
import { oid, sequence, setOf, smallInteger } from '../../src/x509/der-writer.js';
import { encodeExtension } from '../../src/x509/extensions.js';
import {
  idEcPublicKey,
  idEd448,
  idEd25519,
  pkcs9AtChallengePassword,
  pkcs9AtExtensionRequest,
  rsaEncryption,
  secp256r1,
  secp384r1,
  secp521r1,
} from '../../src/x509/oids.js';
import { type HashAlgorithm, signatureAlgorithmFor } from '../../src/x509/signature-algorithms.js';
import { encodeRequestTemplate } from './csrattrs-template.js';
import { isComplete, type WantedExtension, wantedExtensions } from './wanted-extensions.js';
import { type WantedKey, wantedKey } from './wanted-key.js';

/**
 * Encodes CsrAttrs (RFC 8951 4); undefined when the policy wants nothing in particular. Clients that know templates use
 * the template alone (RFC 9908 4), the others ignore it.
 */
export function encodeCsrAttributes(policy: PolicyView): Uint8Array | undefined {
  const key = wantedKey(policy.keys);
  const extensions = wantedExtensions(policy);
  const demandsLinking = policy.est.challengePassword === 'require';
  const list = [
    demandsLinking ? oid(pkcs9AtChallengePassword) : undefined,
    key === undefined ? undefined : keyAttribute(key),
    ...requiredAttributes(policy).map(oid),
    ...extensions.filter((extension) => !isComplete(extension)).map(({ id }) => oid(id)),
    extensionRequest(extensions.filter(isComplete)),
    key === undefined ? undefined : signatureAlgorithm(key, policy.requestHashes),
  ].filter((entry) => entry !== undefined);
  if (list.length === 0) return undefined;
  return sequence(...list, encodeRequestTemplate({ subject: policy.subject, key, extensions, demandsLinking }));
}

/** The type and, in the one value, its curve or size (RFC 9908 3.2). The Edwards curves have neither. */
function keyAttribute(key: WantedKey): Uint8Array {
  if (key.algorithm === 'rsa') return sequence(oid(rsaEncryption), setOf(smallInteger(key.bits)));
  if (key.algorithm === 'ec') return sequence(oid(idEcPublicKey), setOf(oid(curveOids[key.curve])));
  return sequence(oid(key.algorithm === 'ed25519' ? idEd25519 : idEd448), setOf());
}

const curveOids = { 'P-256': secp256r1, 'P-384': secp384r1, 'P-521': secp521r1 } as const;

/** Dotted OIDs of the subject attributes that the client has to give. */
function requiredAttributes({ subject }: PolicyView): string[] {
  return subject
    .filter(({ required, value }) => required && value === undefined)
    .map(({ name }) => attributeByName(name)?.oid)
    .filter((id) => id !== undefined);
}

/** An Extension has a value, so those without are named by their OID alone. */
function extensionRequest(extensions: readonly (WantedExtension & { value: Uint8Array })[]): Uint8Array | undefined {
  if (extensions.length === 0) return undefined;
  return sequence(oid(pkcs9AtExtensionRequest), setOf(sequence(...extensions.map(encodeExtension))));
}

/** The OID of the signature algorithm; a hash of the key's own strength where the policy takes it. */
function signatureAlgorithm(key: WantedKey, hashes: readonly string[]): Uint8Array | undefined {
  const fitting = key.algorithm === 'ec' ? curveHashes[key.curve] : 'sha256';
  const hash = [fitting, ...secureHashes].find((candidate) => hashes.includes(candidate));
  const hashesItself = key.algorithm === 'ed25519' || key.algorithm === 'ed448';
  if (hash === undefined && !hashesItself) return undefined;
  const { identifier } = signatureAlgorithmFor(key.algorithm, hash ?? fitting);
  return DerReader.decode(identifier, (reader) =>
    reader.sequence((algorithm) => {
      const id = algorithm.element();
      if (algorithm.more) algorithm.element();
      return id;
    }),
  );
}

const curveHashes = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
const secureHashes: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];
