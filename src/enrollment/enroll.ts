/** The one enrollment flow: who is it, may it, sign, commit, answer. There is no second way to a certificate. */
import { wrongPasscode } from '../authentication/passcode.js';
import type { AskWebhook } from '../authentication/secret.js';
import { type ErrorCode, GatewayError, OvertakenError } from '../errors.js';
import type { CertificateUsage, Policy } from '../model/policy.js';
import type { Trace } from '../policy/decision.js';
import type { Identity } from '../policy/identity.js';
import { selectProfile } from '../policy/select-profile.js';
import { authenticateRequest } from './authenticate-request.js';
import { createChallengeCheck } from './challenge-check.js';
import { findRecipient } from './generated-key.js';
import { issue } from './issue.js';
import { judge } from './judge.js';
import { identityFor } from './on-behalf.js';
import { recordRefusal } from './record.js';
import { recordPending } from './record-pending.js';
import { deliver, pendingResult } from './recorded-result.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';
import type { EnrollmentResult } from './result.js';
import type { EnrollmentServices } from './services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';
import { conversationKey, findAnswer, type RecordedAnswer, transactionKey } from './transaction.js';
import { requireNotSupplanted } from './updates.js';

/** What is known of a request on its way; for the refusal's record as well. */
interface Progress {
  target?: EnrollmentTarget;
  identity?: Identity;
  /** The key of its transaction, once nothing was found to be recorded under it. */
  newKey?: string;
  /** The id of the device on record that it is about. */
  device?: string;
  /** What the request turned out to be. */
  operation?: DecidedOperation;
  trace?: Trace;
}

/** How often a request starts over when a parallel one changed what it had read. */
const maximumAttempts = 4;

/**
 * Enrolls or re-enrolls. What it returns is committed.
 * @throws GatewayError for every refusal, after its audit event is committed.
 */
export async function enroll(request: EnrollmentRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  const progress: Progress = {};
  const askWebhook = createChallengeCheck(request, services);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptEnrollment(request, progress, askWebhook, services);
      } catch (error) {
        if (!isOvertaken(error) && !(await isAnsweredMeanwhile(progress, services))) throw error;
        if (attempt === maximumAttempts) throw new OvertakenError({ cause: error });
      }
    }
  } catch (error) {
    await recordRefusal(request, progress, error, services);
    throw error;
  }
}

/** A parallel request was first: reading again shows what it did. */
function isOvertaken(error: unknown): boolean {
  return error instanceof OvertakenError || (error instanceof GatewayError && overtaking.has(error.code));
}

/**
 * A request that is new when it is looked up, and judged by what its own repeat commits a moment later, is refused for it:
 * its key is in use, its limit reached. What is recorded by then is its answer.
 */
async function isAnsweredMeanwhile({ newKey }: Progress, { store, clock }: EnrollmentServices): Promise<boolean> {
  return newKey !== undefined && (await findAnswer(newKey, store, clock.now())).state !== 'none';
}

/** It had the same transaction, or superseded the same certificate. */
const overtaking: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['duplicate-transaction', 'already-revoked']);

async function attemptEnrollment(
  request: EnrollmentRequest,
  progress: Progress,
  askWebhook: AskWebhook,
  services: EnrollmentServices,
): Promise<EnrollmentResult> {
  const now = services.clock.now();
  const target = findTarget(services.catalog(), request.label);
  progress.target = target;
  delete progress.newKey;
  requireMethod(target.resolved, request.protocol);

  // Whose a conversation's messages are, the key that signs them proves: what is on record for it needs no credentials,
  // which may be used up by now.
  const holder = request.conversation?.holder;
  const known = holder === undefined ? undefined : await lookUp(request, target, holder, progress, services);
  const knownResult = known && (await answered(request, known.answer, target, services));
  if (knownResult) return knownResult;

  // What is renewed for another device does not authenticate the request.
  const asked = request.onBehalfOf ? ({ ...request, operation: 'enroll' } as const) : request;
  const authenticated = await authenticateRequest({ ...asked, askWebhook }, target, now, services);
  const { isUsedUp } = authenticated;
  progress.identity = authenticated.identity;
  const identity = await identityFor(request, authenticated.identity, target, services);
  progress.identity = identity;
  const { key, answer } = known ?? (await lookUp(request, target, identity.requester, progress, services));
  const result = known ? undefined : await answered(request, answer, target, services);
  if (result) return result;
  // The repeat that is to get another key has an update of its own under way.
  if ((request.protocol === 'cmp' || request.onBehalfOf) && answer.state !== 'issued')
    await requireNotSupplanted(identity.issuedCertificate, services);
  if (answer.state === 'none') {
    if (isUsedUp) throw usedUp(request);
    limitRate(target.resolved.policy, services);
  }

  const delivery =
    request.generateKey?.recipient &&
    (await findRecipient(
      request.generateKey.recipient,
      {
        authentication: target.resolved.authentication,
        remoteAddress: request.remoteAddress,
        isRepeat: answer.state === 'issued',
      },
      services,
    ));
  const { usage, profile } = selectProfile(identity, target.resolved, request);
  const judged = { ...request, operation: decideOperation(request.operation, identity, usage, now) };
  progress.operation = judged.operation;
  const { decision, facts, madeKey } = await judge(
    {
      ...target,
      policy: target.resolved.policy,
      usage,
      profile,
      identity,
      request: judged,
      approved: answer.state !== 'none',
      now,
      ...(delivery?.credential ? { keyWrapKey: delivery.credential } : {}),
    },
    services,
    (trace, { device }) => {
      progress.trace = trace;
      if (device) progress.device = device.id;
    },
  );
  const conversation = request.conversation && conversationKey(request.conversation, target);
  if (decision.outcome === 'pending') {
    return await recordPending(
      {
        request: judged,
        target,
        identity,
        device: facts.device?.id,
        key,
        conversation,
        answer,
        now,
        trace: decision.trace,
      },
      services,
    );
  }
  return await issue(
    {
      request: judged,
      identity,
      facts,
      decision,
      answer,
      now,
      ...(key === undefined ? {} : { key }),
      ...(conversation === undefined ? {} : { conversation }),
      ...(madeKey ? { madeKey } : {}),
      ...(delivery ? { delivery } : {}),
    },
    services,
  );
}

interface Recorded {
  readonly key: string | undefined;
  readonly answer: RecordedAnswer;
}

/** What is recorded for the owner's transaction, if the message belongs to one. */
async function lookUp(
  { transactionId }: EnrollmentRequest,
  target: EnrollmentTarget,
  owner: string,
  progress: Progress,
  { store, clock }: EnrollmentServices,
): Promise<Recorded> {
  if (transactionId === undefined) return { key: undefined, answer: { state: 'none', expiredBy: 0 } };
  const key = transactionKey(transactionId, target, owner);
  const answer = await findAnswer(key, store, clock.now());
  if (answer.state === 'none') progress.newKey = key;
  return { key, answer };
}

/** The recorded answer as a result; undefined where the request has to be judged. */
async function answered(
  request: EnrollmentRequest,
  answer: RecordedAnswer,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<EnrollmentResult | undefined> {
  if (answer.state === 'pending') return pendingResult(answer.transaction, target);
  // A key that was made here is not kept: the repeat of such a request gets a new key and certificate.
  if (answer.state === 'issued' && !request.generateKey) return await deliver(answer, services);
  return undefined;
}

/**
 * A certificate that opens nothing but its own successor re-enrolls, whatever the message calls it: otherwise the holder
 * of one device's certificate could ask for another device's names. With a passcode beside it a request may be a first one.
 */
export function decideOperation(
  operation: EnrollmentRequest['operation'],
  { issuedCertificate, credentials }: Identity,
  usage: CertificateUsage,
  now: Date,
): DecidedOperation {
  if (operation === 'reenroll') return operation;
  const isSuccessor = issuedCertificate?.usage === usage;
  if (isSuccessor && (operation === 'either' || credentials.length === 0)) return 'reenroll';
  // Only re-enrollment has a time of grace.
  if (issuedCertificate && issuedCertificate.notAfter < now)
    throw new GatewayError('revoked-requester', 'the certificate that authenticates the request has expired');
  return 'enroll';
}

function usedUp({ credentials }: EnrollmentRequest): GatewayError {
  const password = credentials.find((credential) => credential.kind === 'password');
  const reason = 'the credential is used up';
  return password ? wrongPasscode(password.username, reason) : new GatewayError('bad-secret', reason);
}

function limitRate({ name, limits }: Policy, { enrollments }: EnrollmentServices): void {
  if (limits.perMinute === undefined) return;
  if (enrollments.count(name) >= limits.perMinute) {
    throw new GatewayError('rate-limited', `policy ${name} takes ${limits.perMinute} enrollments a minute; try again`, {
      retryAfterSeconds: enrollments.secondsLeft(name),
    });
  }
  enrollments.add(name);
}
