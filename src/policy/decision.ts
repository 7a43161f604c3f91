/** What a decision consists of on the way: what goes in, what each rule says, and the trace. */
import type { ErrorCode } from '../errors.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import type { Facts } from './facts.js';
import type { Identity } from './identity.js';

/** What a decision is made of; nothing else enters it. */
export interface DecisionInput {
  readonly requested: RequestedCertificate;
  readonly operation: 'enroll' | 'reenroll';
  readonly identity: Identity;
  readonly facts: Facts;
  readonly now: Date;
  /** Whether re-enrollment asks for other names by ChangeSubjectName (RFC 6402 2.8). */
  readonly changesNames?: boolean;
  /** Whether the gateway makes the key pair; taken for granted when no public key is given. */
  readonly gatewayMadeKey?: boolean;
  /** Whether the key may be in no other certificate that is not revoked, be it the requester's own. */
  readonly newKeyOnly?: boolean;
}

/** One rule that ran: what it saw and what it said. */
export interface TraceEntry {
  readonly rule: string;
  readonly outcome: 'ok' | 'changed' | 'denied' | 'pending';
  /** One sentence for people; no secrets. */
  readonly said: string;
}

export type Trace = readonly TraceEntry[];

/** A certificate that an approved issuance replaces: to be revoked (superseded) in the same commit. */
export interface RevokedByIssuance {
  readonly issuerId: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

/** What one rule answers. `modified`: what differs from the wishes, one sentence each, for the requester. */
export type Verdict =
  | { readonly outcome: 'ok'; readonly said: string }
  | { readonly outcome: 'changed'; readonly said: string; readonly modified: readonly string[] }
  | Denial;

export interface Denial {
  readonly outcome: 'denied';
  readonly code: ErrorCode;
  /** One plain sentence without a full stop, safe for the client. */
  readonly said: string;
}

/** A rule that has nothing against the request. */
export function ok(said: string): Verdict {
  return { outcome: 'ok', said };
}

/** `changed` when something differs from the wishes, else `ok`. */
export function okOrChanged(said: string, modified: readonly string[]): Verdict {
  return modified.length === 0 ? ok(said) : { outcome: 'changed', said: modified.join('; '), modified };
}

/** What a client is told of a denial: the rule's own words, and which it was. */
export function reasonOf(rule: string, said: string): string {
  return `${said} (rule ${rule})`;
}

/** A refusal; the sentence goes to the client as well. */
export function denied(code: ErrorCode, said: string): Denial {
  return { outcome: 'denied', code, said };
}
