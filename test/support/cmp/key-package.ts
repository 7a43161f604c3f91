/** Takes a centrally made key out of its SignedData (RFC 9483 4.1.6) and checks every MUST on the way. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, X509Certificate } from 'node:crypto';
import { type BaseBlock, fromBER } from 'asn1js';
import { implicit, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { octetsOf, oidOf, originalOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { keyOf } from '../scep-identifiers.js';
import { insideOf, isContext } from './blocks.js';
import { contentIds, digestIds } from './identifiers.js';
import { isNamedBy, recipientIdOf } from './open-envelope.js';
import { isSignedWith, signatureDigest } from './signatures.js';

export interface KeyPackage {
  readonly privateKey: KeyObject;
  /** Those of the SignedData, the signer's first. */
  readonly certificates: readonly X509Certificate[];
}

/** @param der SignedData without a ContentInfo. @throws Error for whatever the profile forbids */
export function openKeyPackage(der: Uint8Array): KeyPackage {
  const { offset, result } = fromBER(der);
  if (offset !== der.length) throw new Error('no SignedData');
  const [version, digests, encapsulated, ...more] = partsOf(result);
  const [contentType] = partsOf(encapsulated);
  const content = octetsOf(insideOf(partsOf(encapsulated), 0));
  const certificates = more
    .filter((block) => isContext(block, 0))
    .flatMap(partsOf)
    .map((block) => new X509Certificate(originalOf(block)));
  const [signerInfo, second] = partsOf(more.at(-1));
  if (signerInfo === undefined || second !== undefined) throw new Error('not one signer');
  demand(smallIntegerOf(version) === 3, 'version 3 of SignedData');
  demand(oidOf(contentType) === contentIds.keyPackage, 'a key package');
  demand(partsOf(digests).length === 1, 'one digest algorithm');
  checkSigner(partsOf(signerInfo), content, partsOf(digests)[0], certificates[0]);
  return { privateKey: readKey(content), certificates };
}

function checkSigner(
  parts: readonly BaseBlock[],
  content: Buffer,
  digestOfAll: BaseBlock | undefined,
  certificate: X509Certificate | undefined,
): void {
  const [version, sid, digestAlgorithm, attributes, signatureAlgorithm, signature] = parts;
  if (digestAlgorithm === undefined || attributes === undefined || certificate === undefined || !digestOfAll)
    throw new Error('no signed attributes, or no certificates');
  const digestId = oidOf(partsOf(digestAlgorithm)[0]);
  const digest = keyOf(digestIds, (id) => id === digestId);
  if (digest === undefined || signatureAlgorithm === undefined) throw new Error(`digest ${digestId}`);
  const identifier = originalOf(signatureAlgorithm);
  demand(smallIntegerOf(version) === 3, 'version 3 of SignerInfo');
  demand(recipientIdOf(sid).subjectKeyId !== undefined, 'a signer named by its key');
  demand(isNamedBy(certificate, recipientIdOf(sid)), "the signer's certificate first");
  demand(originalOf(digestOfAll).equals(originalOf(digestAlgorithm)), 'the same digest twice');
  demand((signatureDigest(identifier) ?? digest) === digest, "the signature's own digest");
  const values = new Map(partsOf(attributes).map((one) => [oidOf(partsOf(one)[0]), partsOf(partsOf(one)[1])[0]]));
  demand(oidOf(values.get(contentIds.contentType)) === contentIds.keyPackage, 'its contentType');
  demand(octetsOf(values.get(contentIds.messageDigest)).equals(hash(digest, content, 'buffer')), 'its messageDigest');
  // What is signed is a SET OF; in its place it has the tag [0] (RFC 5652 5.4).
  const signed = Buffer.concat([Buffer.of(0x31), originalOf(attributes).subarray(1)]);
  demand(isSignedWith(identifier, certificate.publicKey, signed, octetsOf(signature)), 'a right signature');
  demand(certificate.keyUsage?.includes('1.3.6.1.5.5.7.3.32') ?? false, 'the extended key usage cmKGA');
}

/** AsymmetricKeyPackage (RFC 5958) with one key of version 2, whose public key belongs to it. */
function readKey(content: Buffer): KeyObject {
  const [key, second] = partsOf(fromBER(content).result);
  if (key === undefined || second !== undefined) throw new Error('not one key');
  const [version, algorithm, privateKey, ...more] = partsOf(key);
  if (algorithm === undefined || privateKey === undefined) throw new Error('no key');
  demand(smallIntegerOf(version) === 1, 'version 2 of OneAsymmetricKey');
  // OpenSSL 3.0 reads version 1 alone.
  const pkcs8 = sequence(smallInteger(0), originalOf(algorithm), originalOf(privateKey));
  const object = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const publicKey = more.find((block) => isContext(block, 1));
  const spki = createPublicKey(object).export({ type: 'spki', format: 'der' });
  const [, bits] = partsOf(fromBER(spki).result);
  if (publicKey === undefined || bits === undefined) throw new Error('no public key');
  demand(originalOf(publicKey).equals(implicit(1, originalOf(bits))), 'the public key of the private one');
  return object;
}

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(`a key package without ${what}`);
}
