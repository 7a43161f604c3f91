/** Challenges as authorizations keep them (RFC 8555 7.1.5, 8). */
import type { AcmeChallenge } from '../../src/model/acme.js';
import type { ProblemDocument } from './problem.js';

export interface Challenge {
  readonly type: AcmeChallenge;
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** How often it was tried. */
  readonly attempts: number;
  /** RFC 3339. */
  readonly validated?: string;
  /** What the last attempt came to. */
  readonly error?: ProblemDocument;
}
