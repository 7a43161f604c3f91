/**
 * Proof that who registers an authentication CA has its key: it signs a challenge, or issues a certificate whose common name is the
 * challenge. Challenges are not kept: each carries its end and a keyed hash that binds it to its authentication policy.
 */
import { constants, createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.js';
import { type Certificate, decodeCertificate } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { decodeName, namesEqual } from '../x509/names.js';
import { idAtCommonName } from '../x509/oids.js';
import { fromPem } from '../x509/pem.js';
import { describePublicKey, importPublicKey, type KeyAlgorithm, UnsupportedKeyError } from '../x509/public-key.js';
import {
  decodeSignatureAlgorithm,
  type SignatureScheme,
  UnsupportedAlgorithmError,
  verifySignature,
} from '../x509/signature-algorithms.js';

export const proofAlgorithms = [
  'rsa-sha256',
  'rsa-sha384',
  'rsa-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ecdsa-sha512',
  'ed25519',
  'ed448',
] as const;
export type ProofAlgorithm = (typeof proofAlgorithms)[number];

export type CaProof = { readonly challenge: string } & (SignedChallenge | CertifiedChallenge);

/** Over the octets of the challenge's text, in base64; with SHA-256 and RSA's PKCS #1 v1.5 where no algorithm is named. */
interface SignedChallenge {
  readonly signature: string;
  readonly algorithm?: ProofAlgorithm | undefined;
}

interface CertifiedChallenge {
  /** PEM, issued by the CA; its common name is the challenge. */
  readonly certificate: string;
}

interface Challenge {
  readonly challenge: string;
  readonly expiresAt: Date;
}

/** @param key for this purpose alone */
export function createProofChallenge(authenticationPolicy: string, key: KeyObject, now: Date): Challenge {
  const expires = Math.floor(now.getTime() / 1000) + lifetimeSeconds;
  const head = Buffer.alloc(timeBytes + randomLength);
  head.writeUIntBE(expires, 0, timeBytes);
  randomBytes(randomLength).copy(head, timeBytes);
  const challenge = Buffer.concat([head, tagOf(head, authenticationPolicy, key)]).toString('hex');
  return { challenge, expiresAt: new Date(expires * 1000) };
}

/**
 * @param ca DER
 * @throws GatewayError `invalid-proof-of-possession`, `stale-message` for a challenge that has expired
 */
export function verifyCaProof(
  { authenticationPolicy, ca, proof }: { authenticationPolicy: string; ca: Uint8Array; proof: CaProof },
  key: KeyObject,
  now: Date,
): void {
  requireChallenge(proof.challenge, authenticationPolicy, key, now);
  try {
    const certificate = decodeCertificate(ca);
    const isProved = 'certificate' in proof ? hasIssued(certificate, proof) : hasSigned(certificate, proof);
    if (isProved) return;
  } catch (cause) {
    const isUnreadable =
      cause instanceof DerError ||
      cause instanceof SyntaxError ||
      cause instanceof UnsupportedKeyError ||
      cause instanceof UnsupportedAlgorithmError;
    if (!isUnreadable) throw cause;
    throw new GatewayError('invalid-proof-of-possession', 'the proof cannot be read', { cause });
  }
  throw new GatewayError(
    'invalid-proof-of-possession',
    'certificate' in proof
      ? 'proof.certificate has to be issued by the CA, with the challenge as its only common name'
      : "proof.signature is none of the CA's key over the challenge",
  );
}

/** Time enough for people who keep a CA under lock and key. */
const lifetimeSeconds = 7 * 86_400;
// 64 characters in hex: as many as a common name may have (RFC 5280 appendix A.1).
const timeBytes = 5;
const randomLength = 11;
const tagBytes = 16;

function requireChallenge(text: string, authenticationPolicy: string, key: KeyObject, now: Date): void {
  const octets = Buffer.from(text, 'hex');
  const head = octets.subarray(0, timeBytes + randomLength);
  const tag = octets.subarray(timeBytes + randomLength);
  const isOurs = tag.length === tagBytes && timingSafeEqual(tag, tagOf(head, authenticationPolicy, key));
  if (!isOurs || octets.toString('hex') !== text) {
    throw new GatewayError(
      'invalid-proof-of-possession',
      'proof.challenge is none that was made for this authentication policy; ask for one',
    );
  }
  if (head.readUIntBE(0, timeBytes) * 1000 <= now.getTime()) {
    throw new GatewayError('stale-message', 'proof.challenge has expired; ask for another one');
  }
}

function tagOf(head: Uint8Array, authenticationPolicy: string, key: KeyObject): Uint8Array {
  return createHmac('sha256', key).update(head).update(authenticationPolicy, 'utf8').digest().subarray(0, tagBytes);
}

function hasSigned(
  { subjectPublicKeyInfo }: Certificate,
  { challenge, signature, algorithm }: CaProof & SignedChallenge,
): boolean {
  const scheme = schemeOf(algorithm ?? usualAlgorithm(subjectPublicKeyInfo));
  const data = Buffer.from(challenge, 'utf8');
  return verifySignature(scheme, importPublicKey(subjectPublicKeyInfo), data, Buffer.from(signature, 'base64'));
}

function hasIssued(ca: Certificate, { challenge, certificate }: CaProof & CertifiedChallenge): boolean {
  const [der, ...others] = fromPem(certificate, 'CERTIFICATE');
  if (der === undefined || others.length > 0) return false;
  const issued = decodeCertificate(der);
  const names = decodeName(issued.subject)
    .flat()
    .filter(({ type }) => type === idAtCommonName);
  const algorithm = decodeSignatureAlgorithm(issued.signatureAlgorithm);
  return (
    names.length === 1 &&
    names[0]?.value === challenge &&
    namesEqual(issued.issuer, ca.subject) &&
    algorithm.hash !== 'sha1' &&
    verifySignature(algorithm, importPublicKey(ca.subjectPublicKeyInfo), issued.tbs, issued.signature)
  );
}

function usualAlgorithm(subjectPublicKeyInfo: Uint8Array): ProofAlgorithm {
  const key = describePublicKey(subjectPublicKeyInfo);
  if (key.algorithm === 'rsa') return key.pss ? 'rsa-pss-sha256' : 'rsa-sha256';
  if (key.algorithm === 'ec') return 'ecdsa-sha256';
  return key.algorithm === 'ed448' ? 'ed448' : 'ed25519';
}

function schemeOf(algorithm: ProofAlgorithm): SignatureScheme {
  if (algorithm === 'ed25519' || algorithm === 'ed448') return { key: algorithm };
  const parts = algorithm.split('-');
  const key: KeyAlgorithm = algorithm.startsWith('rsa') ? 'rsa' : 'ec';
  const pss = { saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  return { key, hash: parts.at(-1) ?? '', ...(parts.includes('pss') ? { pss } : {}) };
}
