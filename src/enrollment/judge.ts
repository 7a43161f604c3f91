/** Puts a request before the policy engine; makes the key in between where the gateway is to make it. */
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { decide, type PolicyDecision } from '../policy/decide.js';
import type { Trace } from '../policy/decision.js';
import type { Facts } from '../policy/facts.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import { loadFacts } from './facts.js';
import { type MadeKey, makeKey } from './generated-key.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';
import type { EnrollmentServices } from './services.js';

export interface Case extends Pick<Facts, 'policy' | 'group' | 'isGroupNamed' | 'usage' | 'profile'> {
  readonly identity: Identity;
  /** The generation that issues, where that is not the CA's current one. */
  readonly generation?: string;
  /** What a generated key is to be encrypted with: its registered values count, beside the requester's own. */
  readonly keyWrapKey?: UsedCredential;
  readonly request: Pick<EnrollmentRequest, 'changesNames' | 'generateKey' | 'newKeyOnly' | 'requested'> & {
    readonly operation: DecidedOperation;
  };
  /** Whether a person has approved it. */
  readonly approved: boolean;
  readonly now: Date;
}

export type Approval = Extract<PolicyDecision, { outcome: 'approved' }>;

export interface Judgement {
  readonly facts: Facts;
  readonly decision: Approval | Extract<PolicyDecision, { outcome: 'pending' }>;
  readonly madeKey?: MadeKey;
}

/**
 * @param makeKeyOf makes the key that the gateway is to make
 * @param onTrace is told the trace before a denial is thrown, for its record, and what it was decided by.
 * @throws GatewayError with the code and reason of a denial.
 */
export async function judge(
  matter: Case,
  services: EnrollmentServices,
  onTrace: (trace: Trace, facts: Facts) => void,
  makeKeyOf: (type: GeneratedKeyType) => Promise<MadeKey> = makeKey,
): Promise<Judgement> {
  const { request, policy } = matter;
  const first = await consider(matter, request.requested, services);
  onTrace(first.decision.trace, first.facts);
  if (first.decision.outcome !== 'key-needed') return { facts: first.facts, decision: granted(first.decision) };

  const madeKey = await makeKeyOf(request.generateKey?.type ?? policy.generatedKey);
  const second = await consider(
    matter,
    { ...request.requested, subjectPublicKeyInfo: madeKey.subjectPublicKeyInfo },
    services,
  );
  onTrace(second.decision.trace, second.facts);
  return { facts: second.facts, decision: granted(second.decision), madeKey };
}

async function consider(
  matter: Case,
  requested: RequestedCertificate,
  services: EnrollmentServices,
): Promise<{ facts: Facts; decision: PolicyDecision }> {
  const { request, identity, keyWrapKey, now } = matter;
  const facts = await loadFacts({ ...matter, requested, operation: request.operation }, services);
  const decision = decide({
    requested,
    operation: request.operation,
    identity: keyWrapKey ? { ...identity, credentials: [...identity.credentials, keyWrapKey] } : identity,
    facts,
    now,
    changesNames: request.changesNames === true,
    gatewayMadeKey: request.generateKey !== undefined,
    newKeyOnly: request.newKeyOnly === true,
  });
  return { facts, decision };
}

function granted(decision: PolicyDecision): Judgement['decision'] {
  switch (decision.outcome) {
    case 'denied':
      throw new GatewayError(decision.code, decision.reason);
    case 'key-needed':
      throw new GatewayError('internal', 'the gateway failed to make a key');
    default:
      return decision;
  }
}
