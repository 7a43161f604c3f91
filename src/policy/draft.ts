/** A decision in the making: the request as read once for all rules, and what the rules have settled so far. */
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { type Certificate, decodeCertificate } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { findExtension } from '../x509/extensions.js';
import type { GeneralName } from '../x509/general-names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import { describePublicKey, type PublicKeyDescription } from '../x509/public-key.js';
import { type AlternativeName, readAlternativeNames } from './alternative-name.js';
import type { DecisionInput, RevokedByIssuance } from './decision.js';
import type { Facts } from './facts.js';
import type { Identity } from './identity.js';
import { type KeyKind, keyKindOf, keyKindOfGenerated } from './key-kind.js';
import type { NameValue } from './name-rule.js';
import { readSubject, type SubjectAttribute } from './subject-attribute.js';

interface Names {
  readonly subject: readonly SubjectAttribute[];
  readonly alternativeNames: readonly AlternativeName[];
}

/** What names are judged by. */
export interface NamesMatter {
  readonly identity: Identity;
  readonly facts: Pick<Facts, 'profile' | 'group' | 'device' | 'deviceName'>;
  /** The names asked for. */
  readonly wishes: Names;
  /** They are asked about before there is a request: other names, and which device this is, may come with that. */
  readonly isPartial: boolean;
}

export interface Draft extends NamesMatter {
  readonly requested: RequestedCertificate;
  readonly operation: DecisionInput['operation'];
  readonly facts: Facts;
  readonly now: Date;
  readonly changesNames: boolean;
  readonly isGatewayMadeKey: boolean;
  readonly isNewKeyOnly: boolean;
  /** Undefined as long as the gateway has not made it. */
  readonly key: PublicKeyDescription | undefined;
  readonly keyKind: KeyKind;
  /** The certificate that a re-enrollment replaces, with its names. */
  readonly replaced: { readonly certificate: Certificate; readonly names: Names } | undefined;

  // What follows, the rules fill in, in the order of decide's list.
  /** DER Name. */
  subject: Uint8Array;
  subjectIsEmpty: boolean;
  alternativeNames: readonly GeneralName[];
  /** Those of the names that are the request's own words. */
  copied: { subject: readonly NameValue[]; alternativeNames: readonly GeneralName[] };
  isCa: boolean;
  /** Each a whole DER Extension. */
  extensions: Uint8Array[];
  notBefore: Date;
  notAfter: Date;
  revokes: readonly RevokedByIssuance[];
}

/** Reads a request. @throws DerError for what cannot be read, UnsupportedKeyError */
export function readDraft(input: DecisionInput): Draft {
  const { requested, operation, identity, facts, now } = input;
  const { subjectPublicKeyInfo, subject, extensions } = requested;
  requireUnique(extensions);
  const key = subjectPublicKeyInfo === undefined ? undefined : describePublicKey(subjectPublicKeyInfo);
  return {
    requested,
    operation,
    identity,
    facts,
    now,
    changesNames: input.changesNames === true,
    isGatewayMadeKey: input.gatewayMadeKey ?? key === undefined,
    isNewKeyOnly: input.newKeyOnly === true,
    wishes: readNames(subject, extensions),
    isPartial: false,
    key,
    keyKind: key === undefined ? keyKindOfGenerated(facts.policy.generatedKey) : keyKindOf(key),
    replaced: operation === 'reenroll' && facts.replaces ? readReplaced(facts.replaces.der) : undefined,
    subject: emptyName,
    subjectIsEmpty: true,
    alternativeNames: [],
    copied: { subject: [], alternativeNames: [] },
    isCa: false,
    extensions: [],
    notBefore: now,
    notAfter: now,
    revokes: [],
  };
}

interface HasExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function readReplaced(der: Uint8Array): NonNullable<Draft['replaced']> {
  const certificate = decodeCertificate(der);
  return { certificate, names: readNames(certificate.subject, certificate.extensions) };
}

function readNames(subject: Uint8Array, extensions: readonly HasExtension[]): Names {
  const value = findExtension(extensions, idCeSubjectAltName)?.value;
  return { subject: readSubject(subject), alternativeNames: value === undefined ? [] : readAlternativeNames(value) };
}

/** RFC 5280 4.2: no extension twice. Which of two would be meant is not ours to guess. */
function requireUnique(extensions: readonly HasExtension[]): void {
  for (let i = 1; i < extensions.length; i++) {
    for (let j = 0; j < i; j++) {
      if (extensions[i]?.id === extensions[j]?.id) throw new DerError(`extension ${extensions[i]?.id} twice`, 0);
    }
  }
}

const emptyName = Uint8Array.of(0x30, 0);
