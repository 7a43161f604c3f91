/** Decides whether a request becomes a certificate, and which one: pure, synchronous, with the trace of every rule. */
import type { ErrorCode } from '../errors.js';
import type { CertificateUsage } from '../model/policy.js';
import { DerError } from '../x509/der.js';
import { encodeBasicConstraints, encodeExtension } from '../x509/extensions.js';
import { idCeBasicConstraints } from '../x509/oids.js';
import { UnsupportedKeyError } from '../x509/public-key.js';
import { keyUsageExtension } from './compile-usages.js';
import {
  type DecisionInput,
  type Denial,
  denied,
  type RevokedByIssuance,
  reasonOf,
  type Trace,
  type TraceEntry,
  type Verdict,
} from './decision.js';
import { type Draft, readDraft } from './draft.js';
import type { Facts } from './facts.js';
import { decideBasicConstraints } from './rules/basic-constraints.js';
import { checkDevice } from './rules/device.js';
import { checkDuplicates, checkLimits } from './rules/duplicates.js';
import { decideExtensions } from './rules/extensions.js';
import { checkIssuerConstraints } from './rules/issuer-constraints.js';
import { checkKey, checkKeyReuse } from './rules/key.js';
import { decideNameConstraints } from './rules/name-constraints.js';
import { checkPolicy } from './rules/policy.js';
import { checkProvedIdentifiers } from './rules/proved-identifiers.js';
import { checkRegisteredValues } from './rules/registered-values.js';
import { checkRenewal, checkSameNames } from './rules/renewal.js';
import { checkRequestHash } from './rules/request-hash.js';
import { decideSubject } from './rules/subject.js';
import { decideSubjectAltNames } from './rules/subject-alt-names.js';
import { decideExtendedKeyUsage, decideKeyUsage } from './rules/usages.js';
import { decideValidity } from './rules/validity.js';

export type PolicyDecision = { readonly trace: Trace } & (
  | {
      readonly outcome: 'approved';
      readonly issuance: ApprovedIssuance;
      /** What differs from the wishes, in sentences. */
      readonly modified: readonly string[];
      /** What the new certificate replaces, by the policy's rule for duplicates. */
      readonly revokes: readonly RevokedByIssuance[];
    }
  | { readonly outcome: 'pending' }
  /** All rules pass that can be asked without the key: the gateway is to make it, and to decide again with it. */
  | { readonly outcome: 'key-needed' }
  | { readonly outcome: 'denied'; readonly code: ErrorCode; readonly reason: string }
);

interface IssuanceContent {
  readonly issuerId: string;
  readonly profile: string;
  readonly usage: CertificateUsage;
  readonly subject: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Uint8Array[];
  readonly isCa: boolean;
  readonly locations: 'all' | 'none';
  readonly subjectKeyIdentifier?: Uint8Array;
}

const decided = Symbol('decided');

/** What may be signed. Only this file can make one; `ca/authority.ts` signs nothing else. */
class Approved {
  readonly #approved = true;
  readonly issuerId: string;
  /** The profile's name. */
  readonly profile: string;
  readonly usage: CertificateUsage;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly notBefore: Date;
  /** The last second of validity (RFC 5280 4.1.2.5). */
  readonly notAfter: Date;
  /** Each a whole DER Extension; without SKI, AKI, CRL distribution points and AIA, which the CA adds. */
  readonly extensions: readonly Uint8Array[];
  readonly isCa: boolean;
  /** Whether the CA adds CRL distribution points and AIA. None is for its own OCSP responders alone (RFC 5019 2.2.2). */
  readonly locations: 'all' | 'none';
  /** Of the subject's key; undefined for the usual one, which is reckoned from the key. */
  readonly subjectKeyIdentifier: Uint8Array | undefined;

  constructor(proof: symbol, content: IssuanceContent) {
    // The class can be reached through an instance, its constructor used by nobody else all the same.
    if (proof !== decided) throw new TypeError('only a decision makes an approval');
    this.issuerId = content.issuerId;
    this.profile = content.profile;
    this.usage = content.usage;
    this.subject = content.subject;
    this.subjectPublicKeyInfo = content.subjectPublicKeyInfo;
    this.notBefore = content.notBefore;
    this.notAfter = content.notAfter;
    this.extensions = Object.freeze([...content.extensions]);
    this.isCa = content.isCa;
    this.locations = content.locations;
    this.subjectKeyIdentifier = content.subjectKeyIdentifier;
    Object.freeze(this);
  }

  static isApproved(value: unknown): value is Approved {
    return typeof value === 'object' && value !== null && #approved in value && value.#approved;
  }
}
export type ApprovedIssuance = Approved;

/** Whether this is an approval made here; a spread copy or an object of the same shape is not. */
export function isApproved(value: unknown): value is ApprovedIssuance {
  return Approved.isApproved(value);
}

/** A CA certificate of the embedded hierarchy, as the operator has configured it, or of a foreign CA that the operator certifies. */
interface CertificateAuthorityContent {
  /** The generation that signs: the parent's, or the CA's own for a self-signed root. */
  readonly issuerId: string;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Unlimited, if absent. */
  readonly pathLength?: number;
  /** What else is configured, each a whole DER Extension. */
  readonly extensions?: readonly Uint8Array[];
  /** What certificates of the subject name as their issuer's key (RFC 5280 4.2.1.2); reckoned from the key, if absent. */
  readonly subjectKeyIdentifier?: Uint8Array;
  /** That of the hierarchy's own CAs, if absent. */
  readonly usage?: 'intermediate';
}

/** Decides. Never throws for what a requester can send: what cannot be read is denied as `malformed-request`. */
export function decide(input: DecisionInput): PolicyDecision {
  const trace: TraceEntry[] = [];
  const modified: string[] = [];
  let rule = 'request';
  try {
    const draft = readDraft(input);
    for (const [name, check] of rules) {
      rule = name;
      const verdict = check(draft);
      if (verdict.outcome === 'denied') return refuse(rule, verdict, trace);
      trace.push({ rule, outcome: verdict.outcome, said: verdict.said });
      if (verdict.outcome === 'changed') modified.push(...verdict.modified);
    }
    return conclude(draft, trace, modified);
  } catch (error) {
    return refuse(rule, unreadable(error), trace);
  }
}

/** Approves a CA certificate: the operator's configuration, or act, is the approval. */
export function approveCertificateAuthority({
  pathLength,
  extensions = [],
  usage,
  ...content
}: CertificateAuthorityContent): ApprovedIssuance {
  const constraints = encodeBasicConstraints({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) });
  return new Approved(decided, {
    ...content,
    profile: 'certificate-authority',
    usage: usage ?? 'service',
    extensions: [
      encodeExtension({ id: idCeBasicConstraints, critical: true, value: constraints }),
      // digitalSignature is for the SCEP next-CA bundle (RFC 8894 2.1.2, 4.7.1).
      keyUsageExtension(['digitalSignature', 'keyCertSign', 'cRLSign']),
      ...extensions,
    ],
    isCa: true,
    locations: 'all',
  });
}

/**
 * Every rule, in the order in which it runs; the first refusal ends the decision. First whether the requester may at
 * all, then the key, then what the certificate says, last what depends on that. Names come before what compares them.
 */
const rules: readonly (readonly [name: string, check: (draft: Draft) => Verdict])[] = [
  ['policy', checkPolicy],
  ['device', checkDevice],
  ['renewal', checkRenewal],
  ['request-hash', checkRequestHash],
  ['key', checkKey],
  ['same-names', checkSameNames],
  ['subject', decideSubject],
  ['subject-alt-names', decideSubjectAltNames],
  ['issuer-constraints', checkIssuerConstraints],
  ['registered-values', checkRegisteredValues],
  ['proved-identifiers', checkProvedIdentifiers],
  ['key-reuse', checkKeyReuse],
  ['basic-constraints', decideBasicConstraints],
  ['name-constraints', decideNameConstraints],
  ['key-usage', decideKeyUsage],
  ['extended-key-usage', decideExtendedKeyUsage],
  ['extensions', decideExtensions],
  ['validity', decideValidity],
  ['duplicates', checkDuplicates],
  ['limits', checkLimits],
];

function refuse(rule: string, { code, said }: Denial, trace: TraceEntry[]): PolicyDecision {
  trace.push({ rule, outcome: 'denied', said });
  return { trace, outcome: 'denied', code, reason: reasonOf(rule, said) };
}

/** What reading the requester's bytes may throw, as a denial; anything else is a fault of ours. */
function unreadable(error: unknown): Denial {
  if (error instanceof DerError) return denied('malformed-request', `the request cannot be read: ${error.message}`);
  if (error instanceof UnsupportedKeyError) return denied('unacceptable-key', error.message);
  throw error;
}

/** All rules have passed: what is left is people's approval, and the key if the gateway is to make it. */
function conclude(draft: Draft, trace: TraceEntry[], modified: readonly string[]): PolicyDecision {
  const approval = approvalNeeded(draft.facts);
  trace.push(approval);
  if (approval.outcome === 'pending') return { trace, outcome: 'pending' };
  const { subjectPublicKeyInfo } = draft.requested;
  if (subjectPublicKeyInfo === undefined) return { trace, outcome: 'key-needed' };
  const issuance = new Approved(decided, {
    issuerId: draft.facts.issuer.id,
    profile: draft.facts.profile.name,
    usage: draft.facts.usage,
    subject: draft.subject,
    subjectPublicKeyInfo: Uint8Array.from(subjectPublicKeyInfo),
    notBefore: draft.notBefore,
    notAfter: draft.notAfter,
    extensions: draft.extensions,
    isCa: draft.isCa,
    locations: draft.facts.profile.locations ?? 'all',
  });
  return { trace, outcome: 'approved', issuance, modified, revokes: draft.revokes };
}

function approvalNeeded({ policy, approved, usage }: Facts): TraceEntry {
  const rule = 'approval';
  if (usage === 'service') return { rule, outcome: 'ok', said: 'the gateway needs no approval for itself' };
  if (policy.approval === 'automatic') return { rule, outcome: 'ok', said: `policy ${policy.name} approves by itself` };
  if (approved) return { rule, outcome: 'ok', said: 'approved by people' };
  const by = policy.approval === 'manual' ? 'a person' : 'two people';
  return { rule, outcome: 'pending', said: `policy ${policy.name} wants the approval of ${by}` };
}
