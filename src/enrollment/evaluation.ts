/** A dry run: the question, and its answer. */
import type { ErrorCode } from '../errors.js';
import type { CertificateUsage } from '../model/policy.js';
import type { Method } from '../model/protocol-name.js';
import type { Trace } from '../policy/decision.js';
import type { CertificateDescription } from '../x509/describe-certificate.js';
import type { CertificateWish } from './certificate-wish.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';
import type { WouldBeCaller } from './would-be-caller.js';

export interface EvaluationQuestion {
  /** `<policy>` or `<policy>~<group>`. */
  readonly label: string;
  readonly protocol: Method;
  /** As in an enrollment request. */
  readonly operation: EnrollmentRequest['operation'];
  readonly wish: CertificateWish;
  readonly notAfter?: Date;
  /** The name of the certificate profile that the caller would choose. */
  readonly profileHint?: string;
  readonly caller: WouldBeCaller;
  /** When it would be; now, if absent. What is on record is taken as it is now. */
  readonly at?: Date;
  /** Only certificates of these are there for who asks; those of all, if absent. */
  readonly divisions?: ReadonlySet<string>;
}

export interface Evaluation {
  /** `refused-before`: before the policy's rules were asked, such as by a closed method or a credential that is used up. */
  readonly outcome: 'approved' | 'pending' | 'denied' | 'refused-before';
  /** Of a refusal. Who shows a wrong secret is told less than this reason. */
  readonly code?: ErrorCode;
  readonly reason?: string;
  /** Every step and rule that ran, the last of a refusal being the one that refused. */
  readonly trace: Trace;
  /** As far as it came to be known. */
  readonly requester?: string;
  readonly operation?: DecidedOperation;
  readonly profile?: string;
  readonly usage?: CertificateUsage;
  /** The device's name, and whether it would be registered by this. */
  readonly device?: string;
  readonly isNewDevice?: boolean;
  /** Where it is approved, or would be by people. A key that the gateway makes is another one then. */
  readonly certificate?: CertificateDescription;
  /** What differs from the wishes, in sentences. */
  readonly modified: readonly string[];
  /** The ids of the certificates that it would take the place of. */
  readonly revokes: readonly string[];
}
