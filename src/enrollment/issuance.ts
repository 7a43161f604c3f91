/** An approved request on its way to a certificate. */
import type { Method } from '../model/protocol-name.js';
import type { Facts } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import type { AuditRecord } from '../store/change.js';
import type { KeyDelivery, MadeKey } from './generated-key.js';
import type { Approval } from './judge.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';
import type { RecordedAnswer } from './transaction.js';

export interface Issuance {
  readonly request: Pick<
    EnrollmentRequest,
    | 'requestId'
    | 'job'
    | 'remoteAddress'
    | 'accompanying'
    | 'replayableUntil'
    | 'confirmWithin'
    | 'renews'
    | 'supplants'
    | 'newKeyOnly'
  > & {
    readonly protocol: Method | 'gateway';
    readonly operation: DecidedOperation;
  };
  readonly identity: Identity;
  readonly facts: Facts;
  readonly decision: Approval;
  /** The transaction's key, if it has one, and what was recorded under it before. */
  readonly key?: string;
  /** The key of the conversation that it belongs to. */
  readonly conversation?: string;
  readonly answer: RecordedAnswer;
  /** The event of the approval that it rests on. @param certificate its id */
  readonly approval?: (certificate: string) => AuditRecord;
  readonly now: Date;
  readonly madeKey?: MadeKey;
  readonly delivery?: KeyDelivery;
}
