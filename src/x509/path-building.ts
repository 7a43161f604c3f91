/**
 * Finds certification paths from a leaf through a bag of untrusted certificates to a trust anchor (RFC 4158 in spirit), depth
 * first, nothing but certificates with good signatures. A path has at most 10 certificates, a search at most 100 steps, a bag
 * is read up to its 100th certificate: so much is what a hostile bag of cross-certificates can cost.
 */

import type { Certificate } from './certificate.js';
import { DerError } from './der.js';
import type { CertificateSource, PathCertificate } from './path-certificate.js';
import { derOf, describeIssuer, describeSubject, keepPathCertificate } from './path-certificate.js';
import type { PathFailure } from './path-failure.js';
import { pathFailure } from './path-failure.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError, verifySignature } from './signature-algorithms.js';
import type { TrustAnchors } from './trust-anchors.js';

/** The issuer that a certificate is known to be signed by. */
export type KnownSignatures = WeakMap<Certificate, Certificate>;

interface PathSearch {
  readonly leaf: PathCertificate;
  readonly intermediates: readonly CertificateSource[];
  readonly trustAnchors: TrustAnchors;
  /** Certificates valid at this time are tried first. */
  readonly at: Date;
  readonly allowWeakAlgorithms: boolean;
  readonly leafIssuer: Certificate | undefined;
  readonly knownSignatures: KnownSignatures | undefined;
  /** Hears of every branch that ended without reaching an anchor. */
  readonly onDeadEnd: (failure: PathFailure) => void;
}

/** Yields every path found, leaf first and anchor last, the likeliest first; ends when there is no more or after too many steps. */
export function* findPaths(search: PathSearch): Generator<readonly PathCertificate[], void, void> {
  const { leaf, trustAnchors } = search;
  if (trustAnchors.find(leaf.certificate.der)) yield [leaf];
  const verified = new Map<PathCertificate, Map<PathCertificate, PathFailure | undefined>>();
  let bag: readonly PathCertificate[] | undefined;
  let steps = 0;

  function signatureFailure(child: PathCertificate, issuer: PathCertificate): PathFailure | undefined {
    const known = verified.get(child) ?? new Map<PathCertificate, PathFailure | undefined>();
    verified.set(child, known);
    if (!known.has(issuer)) known.set(issuer, findSignatureFailure(child, issuer, search));
    return known.get(issuer);
  }

  function* issuersOf(child: PathCertificate): Generator<PathCertificate, void, void> {
    yield* likeliestFirst(child, trustAnchors.named(child.issuerKey), search.at);
    bag ??= decodeBag(search.intermediates, trustAnchors);
    yield* likeliestFirst(
      child,
      bag.filter(({ subjectKey }) => subjectKey === child.issuerKey),
      search.at,
    );
  }

  function* extend(path: readonly PathCertificate[]): Generator<readonly PathCertificate[], void, void> {
    const child = path.at(-1);
    if (child === undefined) return;
    let hasIssuer = false;
    for (const issuer of issuersOf(child)) {
      const isAnchor = trustAnchors.certificates.includes(issuer);
      if (!isAnchor && path.some((link) => isSameEntity(link, issuer))) continue;
      if (steps === maximumSteps) return search.onDeadEnd(pathFailure('too-complex', 'too many candidate issuers'));
      steps++;
      hasIssuer = true;
      const failure = signatureFailure(child, issuer);
      const longer = [...path, issuer];
      if (failure) search.onDeadEnd(failure);
      else if (isAnchor) yield longer;
      else if (longer.length < maximumLength) yield* extend(longer);
      else search.onDeadEnd(pathFailure('too-complex', `the path is longer than ${maximumLength} certificates`));
    }
    if (!hasIssuer) search.onDeadEnd(unknownIssuer(child));
  }

  yield* extend([leaf]);
}

function findSignatureFailure(
  child: PathCertificate,
  issuer: PathCertificate,
  { leaf, leafIssuer, knownSignatures, allowWeakAlgorithms }: PathSearch,
): PathFailure | undefined {
  if (child === leaf && leafIssuer === issuer.certificate) return undefined;
  if (knownSignatures?.get(child.certificate) === issuer.certificate) return undefined;
  const failure = checkSignature(child, issuer, allowWeakAlgorithms);
  if (!failure && child !== leaf) knownSignatures?.set(child.certificate, issuer.certificate);
  return failure;
}

function checkSignature(
  child: PathCertificate,
  issuer: PathCertificate,
  allowWeakAlgorithms: boolean,
): PathFailure | undefined {
  const { certificate } = child;
  let algorithm: ReturnType<typeof decodeSignatureAlgorithm>;
  try {
    algorithm = decodeSignatureAlgorithm(certificate.signatureAlgorithm);
  } catch (error) {
    if (!(error instanceof UnsupportedAlgorithmError || error instanceof DerError)) throw error;
    return pathFailure('weak-algorithm', `${describeSubject(child)} is signed with an algorithm that is not accepted`);
  }
  const issuerKey = issuer.issuerKeyObject();
  if (!issuerKey || !verifySignature(algorithm, issuerKey.key, certificate.tbs, certificate.signature)) {
    // Another CA, or another key, of the same name: the right issuer is missing, rather than the signature wrong.
    if (keyIdMatch(child, issuer) === 'different') return unknownIssuer(child);
    return pathFailure(
      'bad-signature',
      `the signature of ${describeSubject(child)} is not that of ${describeSubject(issuer)}`,
    );
  }
  if (allowWeakAlgorithms) return undefined;
  if (algorithm.hash === 'sha1') return pathFailure('weak-algorithm', `${describeSubject(child)} is signed with SHA-1`);
  if (issuerKey.isWeak) return pathFailure('weak-algorithm', `the RSA key of ${describeSubject(issuer)} is too short`);
  return undefined;
}

function unknownIssuer(child: PathCertificate): PathFailure {
  return pathFailure(
    'unknown-issuer',
    `no trusted issuer of ${describeSubject(child)} is known: ${describeIssuer(child)}`,
  );
}

/** Key identifiers that match before absent before different ones (4.2.1.1: a hint), then those valid at the time. */
function likeliestFirst(
  child: PathCertificate,
  issuers: readonly PathCertificate[],
  at: Date,
): readonly PathCertificate[] {
  if (issuers.length < 2) return issuers;
  const rank = (issuer: PathCertificate) => {
    const { notBefore, notAfter } = issuer.certificate;
    return keyIdRanks[keyIdMatch(child, issuer)] + (at >= notBefore && at <= notAfter ? 0 : 1);
  };
  return issuers.toSorted((a, b) => rank(a) - rank(b));
}

function keyIdMatch(child: PathCertificate, issuer: PathCertificate): keyof typeof keyIdRanks {
  if (child.authorityKeyId === undefined || issuer.subjectKeyId === undefined) return 'unknown';
  return child.authorityKeyId === issuer.subjectKeyId ? 'same' : 'different';
}

/** RFC 4158 2.4.2: the same name with the same key a second time makes a loop, whatever else differs. */
function isSameEntity(a: PathCertificate, b: PathCertificate): boolean {
  return (
    a.subjectKey === b.subjectKey &&
    Buffer.compare(a.certificate.subjectPublicKeyInfo, b.certificate.subjectPublicKeyInfo) === 0
  );
}

/** Strangers fill the bag: what cannot be read is left out, and so are second copies and anchors. */
function decodeBag(
  intermediates: readonly CertificateSource[],
  trustAnchors: TrustAnchors,
): readonly PathCertificate[] {
  const bag = new Map<string, PathCertificate>();
  for (const source of intermediates.slice(0, maximumIntermediates)) {
    const der = derOf(source);
    const key = Buffer.from(der).toString('latin1');
    if (bag.has(key) || trustAnchors.find(der)) continue;
    try {
      bag.set(key, keepPathCertificate(source));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
    }
  }
  return [...bag.values()];
}

const keyIdRanks = { same: 0, unknown: 2, different: 4 } as const;
const maximumLength = 10;
const maximumSteps = 100;
const maximumIntermediates = 100;
