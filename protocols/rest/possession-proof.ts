/**
 * Requests that bring a public key: the proof is a signature by its private key over the lines of {@link possessionText}, which
 * name everything that a certificate could come of. As with PKCS #10, it belongs to no connection: who may ask, credentials say.
 */
import { createHash } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { decodingKey } from '../../src/x509/decoding.js';
import { describePublicKey, importDescribedKey, type PublicKeyDescription } from '../../src/x509/public-key.js';
import {
  type SignatureAlgorithm,
  signatureAlgorithmFor,
  verifySignature,
} from '../../src/x509/signature-algorithms.js';
import { alternativeNames, readPublicKeyPem } from '../../src/x509/written-request.js';
import type { PublicKeyRequest } from './requests.js';

/** Where a request was sent: a proof is good there only. */
export interface Place {
  readonly operation: 'enroll' | 'renew';
  /** As in the URL. */
  readonly label: string;
}

/** @throws GatewayError `invalid-proof-of-possession`, `unacceptable-key`, `malformed-request` */
export function readProvenKey(
  request: PublicKeyRequest,
  place: Place,
): Pick<RequestedCertificate, 'subjectPublicKeyInfo' | 'requestHash'> {
  const subjectPublicKeyInfo = readPublicKeyPem('publicKey', request.publicKey);
  return decodingKey('the public key', () => {
    const description = describePublicKey(subjectPublicKeyInfo);
    const algorithm = algorithmFor(description);
    const key = importDescribedKey(subjectPublicKeyInfo, description);
    const text = Buffer.from(possessionText(request, subjectPublicKeyInfo, place));
    if (!verifySignature(algorithm, key, text, Buffer.from(request.proof, 'base64'))) {
      throw new GatewayError(
        'invalid-proof-of-possession',
        'the proof is not the signature by this key over the lines that this request makes',
      );
    }
    const { hash } = algorithm;
    return { subjectPublicKeyInfo, ...(hash === undefined ? {} : { requestHash: hash }) };
  });
}

/** What is signed, in UTF-8; each line ends with a line feed. The first one keeps it apart from whatever else keys sign. */
export function possessionText(
  request: Omit<PublicKeyRequest, 'publicKey' | 'proof'>,
  subjectPublicKeyInfo: Uint8Array,
  { operation, label }: Place,
): string {
  const { subject = '', profile, notAfter } = request;
  return [
    'gatehouse possession proof 1',
    operation,
    label,
    `key:${createHash('sha256').update(subjectPublicKeyInfo).digest('hex')}`,
    `subject:${subject}`,
    ...alternativeNames(request).map(({ type, value }) => `${type}:${value}`),
    ...(profile === undefined ? [] : [`profile:${profile}`]),
    ...(notAfter === undefined ? [] : [`notAfter:${notAfter}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** ECDSA with the hash of the curve's strength, RSA with PKCS #1 v1.5 and SHA-256, EdDSA. */
function algorithmFor(key: PublicKeyDescription): SignatureAlgorithm {
  switch (key.algorithm) {
    case 'ec':
      return signatureAlgorithmFor('ec', hashes[key.curve]);
    case 'x25519':
    case 'x448':
      throw new GatewayError('unacceptable-key', 'the public key is of a kind that signs no proof of possession');
    default:
      return signatureAlgorithmFor(key.algorithm, 'sha256');
  }
}

const hashes = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
