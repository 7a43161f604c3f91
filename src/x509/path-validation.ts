/** Certification path validation (RFC 5280 6.1, RFC 9618): is this certificate, by way of those, good under these trust anchors? */

import type { Certificate } from './certificate.js';
import { DerError } from './der.js';
import { findPaths, type KnownSignatures } from './path-building.js';
import type { CertificateSource, PathCertificate } from './path-certificate.js';
import { decodePathCertificate, describeSubject } from './path-certificate.js';
import type { PathFailure, PathFailureCode } from './path-failure.js';
import { pathFailure } from './path-failure.js';
import type { ProcessingInputs } from './path-processing.js';
import { processPath } from './path-processing.js';
import type { TrustAnchors } from './trust-anchors.js';

export interface PathRequest extends ProcessingInputs {
  /** The certificate in question. */
  readonly certificate: CertificateSource;
  /** Untrusted, in any order; more than 100 are not looked at. */
  readonly intermediates: readonly CertificateSource[];
  readonly trustAnchors: TrustAnchors;
  /** Accepts SHA-1 signatures and RSA issuers below 2048 bits. */
  readonly allowWeakAlgorithms?: boolean;
  /** Who is known to have signed the certificate in question, so that it need not be verified. */
  readonly leafIssuer?: Certificate;
  /** Other signatures that are not verified again, whatever their algorithms; those that prove good are added. */
  readonly knownSignatures?: KnownSignatures;
  /**
   * Asked for every certificate of a path that is otherwise good, the anchor excepted, issuers first. What it throws fails the
   * validation as a whole.
   */
  readonly isRevoked?: (certificate: Certificate, issuer: Certificate) => boolean | Promise<boolean>;
}

interface ValidPath {
  readonly ok: true;
  /** Leaf first, trust anchor last; the leaf alone when it is itself a trust anchor. */
  readonly path: readonly Certificate[];
  /** The user-constrained-policy-set (RFC 9618 5.5): dotted OIDs, anyPolicy where nothing narrowed it. */
  readonly policies: readonly string[];
}

export type PathResult = ValidPath | PathFailure;

/**
 * Validates a certificate: tries the paths there are until one is good, and otherwise says what was wrong with the likeliest.
 * It never throws because of what the certificates contain.
 * @throws DerError for initialNameConstraints that cannot be read
 */
export async function validatePath(request: PathRequest): Promise<PathResult> {
  const leaf = decodeLeaf(request.certificate);
  if ('ok' in leaf) return leaf;
  let refused: PathFailure | undefined;
  let deadEnd: PathFailure | undefined;
  const paths = findPaths({
    leaf,
    intermediates: request.intermediates,
    trustAnchors: request.trustAnchors,
    at: request.at,
    allowWeakAlgorithms: request.allowWeakAlgorithms ?? false,
    leafIssuer: request.leafIssuer,
    knownSignatures: request.knownSignatures,
    onDeadEnd: (failure) => {
      deadEnd = moreTelling(deadEnd, failure);
    },
  });
  for (const path of paths) {
    const processed = processPath(path, request);
    const failure = processed.ok ? await findRevoked(path, request.isRevoked) : processed;
    if (processed.ok && !failure) {
      return { ok: true, path: path.map(({ certificate }) => certificate), policies: processed.policies };
    }
    refused ??= failure;
  }
  // A path that reached an anchor says more than branches that did not.
  return refused ?? deadEnd ?? pathFailure('unknown-issuer', 'no path to a trust anchor was found');
}

function decodeLeaf(source: CertificateSource): PathCertificate | PathFailure {
  try {
    return decodePathCertificate(source);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return pathFailure('malformed', `the certificate cannot be read: ${error.message}`);
  }
}

async function findRevoked(
  path: readonly PathCertificate[],
  isRevoked: PathRequest['isRevoked'],
): Promise<PathFailure | undefined> {
  if (!isRevoked) return undefined;
  for (let i = Math.max(0, path.length - 2); i >= 0; i--) {
    const link = path[i];
    const issuer = path[i + 1] ?? link;
    if (!link || !issuer) continue;
    if (await isRevoked(link.certificate, issuer.certificate)) {
      return pathFailure('revoked', `${describeSubject(link)} is revoked`);
    }
  }
  return undefined;
}

function moreTelling(known: PathFailure | undefined, found: PathFailure): PathFailure {
  return known && deadEndRanks.indexOf(known.code) >= deadEndRanks.indexOf(found.code) ? known : found;
}

// Whoever asks wants to hear that the search was cut short before they hear that a signature is wrong, and so on down.
const deadEndRanks: readonly PathFailureCode[] = ['unknown-issuer', 'bad-signature', 'weak-algorithm', 'too-complex'];
