/**
 * Processes one given certification path (RFC 5280 6.1.2-6.1.5). Signatures and the chaining of names, 6.1.3 (a)(1) and (4), are
 * path-building.ts's, which offers no path without them; revocation, (3), is path-validation.ts's.
 */

import { extension } from './certificate.js';
import type { PolicyInputs, PolicyProcessing } from './certificate-policies.js';
import { createPolicyProcessing } from './certificate-policies.js';
import { DerError } from './der.js';
import {
  type BasicConstraints,
  decodeBasicConstraints,
  decodeExtKeyUsage,
  decodeKeyUsage,
  findExtension,
} from './extensions.js';
import { decodeGeneralNames } from './general-names.js';
import type { NameConstraints } from './name-constraints.js';
import { checkNameConstraints, constrainedNames, decodeNameConstraints } from './name-constraints.js';
import {
  anyExtendedKeyUsage,
  idCeBasicConstraints,
  idCeCertificatePolicies,
  idCeExtKeyUsage,
  idCeInhibitAnyPolicy,
  idCeKeyUsage,
  idCeNameConstraints,
  idCePolicyConstraints,
  idCePolicyMappings,
  idCeSubjectAltName,
} from './oids.js';
import type { PathCertificate } from './path-certificate.js';
import { describeSubject } from './path-certificate.js';
import type { PathFailure } from './path-failure.js';
import { pathFailure } from './path-failure.js';

export interface ProcessingInputs extends PolicyInputs {
  readonly at: Date;
  /** Dotted OIDs, of which extended key usages must allow one, the same all along the path (anyExtendedKeyUsage allows all). */
  readonly keyPurposes?: readonly string[];
  /** Accepts critical extensions of the leaf that are not processed here: for its issuer, who knows what they mean. */
  readonly allowUnknownLeafExtensions?: boolean;
  /** initial-permitted-subtrees and initial-excluded-subtrees: the DER value of a name constraints extension. */
  readonly initialNameConstraints?: Uint8Array;
}

/**
 * Processes a path, leaf first and trust anchor last; a path of one is a leaf that is itself the trust anchor.
 * Of the anchor itself are honoured, beyond what the RFC asks: validity, basic constraints, key usage, extended key usage, name
 * constraints and critical extensions. Extended key usages bind every certificate of the path that has them.
 * @throws DerError for initialNameConstraints that cannot be read
 */
export function processPath(
  path: readonly PathCertificate[],
  inputs: ProcessingInputs,
): PathFailure | { readonly ok: true; readonly policies: readonly string[] } {
  const { initialNameConstraints } = inputs;
  const length = Math.max(1, path.length - 1);
  const state: State = {
    inputs,
    policies: createPolicyProcessing(length, inputs),
    constraints: initialNameConstraints ? [decodeNameConstraints(initialNameConstraints)] : [],
    pathLength: length,
    purposes: inputs.keyPurposes,
  };
  for (let i = path.length - 1; i >= 0; i--) {
    const link = path[i];
    if (link === undefined) continue;
    const failure = processCertificate(link, { isLeaf: i === 0, isAnchor: i === length }, state);
    if (failure) return failure;
  }
  const policies = path[0] && state.policies.finish(path[0].certificate);
  if (policies) return { ok: true, policies };
  return pathFailure('policy', 'no acceptable certificate policy is valid for the path');
}

// RFC 5280 4.2: the extensions that may be critical because they are processed, here or in certificate-policies.ts.
const processedExtensions: ReadonlySet<string> = new Set([
  idCeKeyUsage,
  idCeSubjectAltName,
  idCeBasicConstraints,
  idCeNameConstraints,
  idCeCertificatePolicies,
  idCePolicyMappings,
  idCePolicyConstraints,
  idCeExtKeyUsage,
  idCeInhibitAnyPolicy,
]);

interface State {
  readonly inputs: ProcessingInputs;
  readonly policies: PolicyProcessing;
  /** Of every certificate above. */
  readonly constraints: NameConstraints[];
  /** max_path_length */
  pathLength: number;
  /** Those of the wanted ones that every certificate above allows. */
  purposes: readonly string[] | undefined;
}

function processCertificate(
  link: PathCertificate,
  role: { readonly isLeaf: boolean; readonly isAnchor: boolean },
  state: State,
): PathFailure | undefined {
  try {
    return (
      checkCertificate(link, role.isLeaf, state.inputs) ??
      checkPurposes(link, state) ??
      (role.isAnchor ? undefined : enter(link, role.isLeaf, state)) ??
      (role.isLeaf ? undefined : leave(link, role.isAnchor, state))
    );
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return pathFailure('malformed', `an extension of ${describeSubject(link)} cannot be read: ${error.message}`);
  }
}

/** 6.1.3 (b)-(f). */
function enter(link: PathCertificate, isLeaf: boolean, { policies, constraints }: State): PathFailure | undefined {
  // Self-issued ones are spared so that a constrained CA can roll its key over (4.2.1.10).
  const nameProblem = isLeaf || !link.isSelfIssued ? checkNames(link, constraints) : undefined;
  if (nameProblem !== undefined) return pathFailure('name-constraints', `${describeSubject(link)}: ${nameProblem}`);
  return policyFailure(link, policies.enter(link.certificate, link.isSelfIssued, isLeaf));
}

/** 6.1.4; the policies of the anchor are the caller's to name (6.1.1), not its certificate's. */
function leave(link: PathCertificate, isAnchor: boolean, state: State): PathFailure | undefined {
  const failure = checkIssuer(link, isAnchor, state);
  if (failure || isAnchor) return failure;
  return policyFailure(link, state.policies.leave(link.certificate, link.isSelfIssued));
}

/** What holds for every certificate of the path: validity and critical extensions. */
function checkCertificate(
  link: PathCertificate,
  isLeaf: boolean,
  { at, allowUnknownLeafExtensions = false }: ProcessingInputs,
): PathFailure | undefined {
  const { notBefore, notAfter, extensions } = link.certificate;
  if (at.getTime() < notBefore.getTime()) {
    return pathFailure('not-yet-valid', `${describeSubject(link)} is valid from ${notBefore.toISOString()}`);
  }
  // Not "beyond is expired": an invalid Date compares false with everything and must not pass.
  if (!(at.getTime() <= notAfter.getTime())) {
    return pathFailure('expired', `${describeSubject(link)} was valid until ${notAfter.toISOString()}`);
  }
  if (isLeaf && allowUnknownLeafExtensions) return undefined;
  const unknown = extensions.find(({ id, critical }) => critical && !processedExtensions.has(id));
  if (unknown === undefined) return undefined;
  return pathFailure('critical-extension', `${describeSubject(link)} has the critical extension ${unknown.id}`);
}

/** 4.2.1.12 */
function checkPurposes(link: PathCertificate, state: State): PathFailure | undefined {
  const usage = extension(link.certificate, idCeExtKeyUsage);
  if (state.purposes === undefined || !usage) return undefined;
  const allowed = decodeExtKeyUsage(usage);
  if (allowed.includes(anyExtendedKeyUsage)) return undefined;
  const left = state.purposes.filter((purpose) => allowed.includes(purpose));
  if (left.length === 0)
    return pathFailure('key-purpose', `${describeSubject(link)} is not for the purpose ${state.purposes.join(' or ')}`);
  state.purposes = left;
  return undefined;
}

/** 6.1.3 (b), (c). A critical subjectAltName must be readable even where nothing constrains it. */
function checkNames({ certificate }: PathCertificate, constraints: readonly NameConstraints[]): string | undefined {
  const altNames = findExtension(certificate.extensions, idCeSubjectAltName);
  if (constraints.length === 0 && !altNames?.critical) return undefined;
  const names = constrainedNames(certificate.subject, altNames ? decodeGeneralNames(altNames.value) : []);
  return checkNameConstraints(names, constraints);
}

/** 6.1.4 (g) and (k)-(n). Versions 1 and 2 have no basic constraints and so are no issuers, not even as trust anchors. */
function checkIssuer(link: PathCertificate, isAnchor: boolean, state: State): PathFailure | undefined {
  const { certificate } = link;
  const basicConstraints = extension(certificate, idCeBasicConstraints);
  const { ca, pathLength }: BasicConstraints = basicConstraints
    ? decodeBasicConstraints(basicConstraints)
    : { ca: false };
  if (!ca) return pathFailure('basic-constraints', `${describeSubject(link)} is no CA`);
  if (!isAnchor && !link.isSelfIssued) {
    if (state.pathLength === 0) return pathFailure('path-length', `${describeSubject(link)} makes the path too long`);
    state.pathLength--;
  }
  state.pathLength = Math.min(state.pathLength, pathLength ?? state.pathLength);
  const keyUsage = extension(certificate, idCeKeyUsage);
  if (keyUsage && !decodeKeyUsage(keyUsage).includes('keyCertSign')) {
    return pathFailure('key-usage', `${describeSubject(link)} may not sign certificates`);
  }
  const nameConstraints = extension(certificate, idCeNameConstraints);
  if (nameConstraints) state.constraints.push(decodeNameConstraints(nameConstraints));
  return undefined;
}

function policyFailure(link: PathCertificate, problem: string | undefined): PathFailure | undefined {
  return problem === undefined ? undefined : pathFailure('policy', `${describeSubject(link)}: ${problem}`);
}
