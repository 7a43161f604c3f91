/** Challenges as authorizations keep them (RFC 8555 7.1.5, 8). */
import type { AcmeChallenge } from '../../src/model/acme.js';
import type { ProblemDocument } from './problem.js';
import type { AuthorizationRecord } from './store/authorizations.js';

export interface Challenge {
  readonly type: AcmeChallenge;
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** How often it was tried. */
  readonly attempts: number;
  /** Whether an attempt is being made, by whoever has put off `validateAt` for it; else a processing one waits for its next. */
  readonly isUnderWay?: boolean;
  /** What is validated is settled when the client responds (RFC 8555 8.3). */
  readonly response?: ChallengeResponse;
  /** RFC 3339. */
  readonly validated?: string;
  /** What the last attempt came to. */
  readonly error?: ProblemDocument;
}

export interface ChallengeResponse {
  /** RFC 8555 8.1, by the key that the account had then. */
  readonly keyAuthorization: string;
  readonly accountUrl: string;
  /** Where the account was opened from: its validations wait for one another. */
  readonly network: string;
}

/** An authorization as read, and which of its challenges was responded to. */
export interface Responded {
  readonly record: AuthorizationRecord;
  readonly type: AcmeChallenge;
}
