/** Validations under way (RFC 8555 7.5.1, 8.2): who makes an attempt, when the next one is due, and what comes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../src/errors.js';
import { after, changed, commitAttempt, commitFailed, commitValidated } from './authorization-outcome.js';
import { readChallenges } from './authorization-state.js';
import type { Challenge, ChallengeResponse, Responded } from './challenge.js';
import type { AcmeContext, Validations } from './context.js';
import { AcmeError, type ProblemType } from './problem.js';
import { createSlots } from './slots.js';
import type { AuthorizationRecord } from './store/authorizations.js';
import type { Validate } from './validation/validate.js';

type Parts = Pick<AcmeContext, 'services' | 'authorizations' | 'orders'> & { readonly validate: Validate };

const retryDelays: readonly number[] = [3_000, 10_000];

/** How long whoever makes an attempt has it to himself, in milliseconds: longer than an attempt takes. */
const leaseMilliseconds = 30_000;

const attemptsAtOnce = 100;
const validationsOfAccount = 50;

/** @param delays milliseconds from an attempt that has failed to the next one; after the last there is none */
export function createValidations(parts: Parts, delays = retryDelays): Validations {
  const { services, authorizations } = parts;
  const slots = createSlots(attemptsAtOnce);
  /** Those that this process works on, by account. */
  const ofAccount = new Map<string, number>();
  /** Those of them that wait for their next attempt, by authorization. */
  const waiting = new Map<string, NodeJS.Timeout>();

  async function begin(responded: Responded, response: ChallengeResponse): Promise<void> {
    const settled = (challenge: Challenge) => ({ ...challenge, response: challenge.response ?? response });
    const started = await start(responded, response.network, settled);
    if (started === undefined) return;
    const moment = new AbortController();
    const { signal } = moment;
    await Promise.race([started.end, sleep(300, undefined, { signal, ref: false }).catch(() => undefined)]);
    moment.abort();
  }

  async function resume(record: AuthorizationRecord): Promise<void> {
    const challenge = readChallenges(record.challenges).find(({ status }) => status === 'processing');
    if (challenge?.response === undefined) return;
    await start({ record, type: challenge.type }, challenge.response.network, (same) => same);
  }

  /** Claims an attempt and begins it; undefined where another one was first. */
  async function start(
    responded: Responded,
    network: string,
    change: (challenge: Challenge) => Challenge,
  ): Promise<Started | undefined> {
    const { id, accountId } = responded.record;
    const timer = waiting.get(id);
    // The place of one that waits is taken over.
    if (timer === undefined) enter(accountId, network);
    clearTimeout(timer);
    waiting.delete(id);
    try {
      const claimed = await claim(responded, change);
      return { end: work({ ...responded, record: claimed }, network) };
    } catch (error) {
      leave(accountId);
      if (isOvertaken(error)) return undefined;
      throw error;
    }
  }

  async function claim(
    responded: Responded,
    change: (challenge: Challenge) => Challenge,
  ): Promise<AuthorizationRecord> {
    const progress = {
      ...changed(responded, (challenge) => ({ ...change(challenge), status: 'processing', isUnderWay: true })),
      validateAt: services.clock.now().getTime() + leaseMilliseconds,
    };
    await services.commit([authorizations.proceed(progress)]);
    return after(responded.record, progress);
  }

  /** Never rejects: what cannot be committed now is due again when its lease has ended. */
  async function work(responded: Responded, network: string): Promise<void> {
    const { accountId } = responded.record;
    try {
      const next = await slots.run(network, async () => await attempt(await renewed(responded)));
      if (next === undefined) leave(accountId);
      else wait(next, network);
    } catch (err) {
      leave(accountId);
      if (!isOvertaken(err)) services.log.error({ err, authorization: responded.record.id }, 'a validation failed');
    }
  }

  /** Who had to queue for long may no longer be the only one: its lease is renewed, or has been lost. */
  async function renewed(responded: Responded): Promise<Responded> {
    const left = (responded.record.validateAt ?? 0) - services.clock.now().getTime();
    if (left > leaseMilliseconds / 2) return responded;
    return { ...responded, record: await claim(responded, (challenge) => challenge) };
  }

  /** Makes an attempt; returns what to try again, and after how many milliseconds. */
  async function attempt(responded: Responded): Promise<Retry | undefined> {
    const challenge = readChallenges(responded.record.challenges).find(({ type }) => type === responded.type);
    if (challenge === undefined) throw new TypeError(`the authorization has no challenge ${responded.type}`);
    const problem = await validateChallenge(responded, challenge);
    if (problem === undefined) {
      await commitValidated(responded, services.policy(responded.record.policy).acme, parts);
      return undefined;
    }
    const delay = finalProblems.has(problem.type) ? undefined : delays[challenge.attempts];
    if (delay === undefined) {
      await commitFailed(responded, problem, parts);
      return undefined;
    }
    const record = await commitAttempt(responded, problem, services.clock.now().getTime() + delay, parts);
    return { responded: { ...responded, record }, delay };
  }

  async function validateChallenge({ record }: Responded, challenge: Challenge): Promise<AcmeError | undefined> {
    if (record.expiresAt <= services.clock.now().getTime()) {
      return new AcmeError('rejectedIdentifier', 'the authorization has expired; make a new order');
    }
    try {
      await parts.validate(taskOf(record, challenge, services.policy(record.policy).acme));
      return undefined;
    } catch (error) {
      if (error instanceof AcmeError) return error;
      services.log.error({ err: error, authorization: record.id }, 'an attempt at validation failed');
      return new AcmeError('serverInternal', 'the gateway failed to make the attempt', { cause: error });
    }
  }

  function wait({ responded, delay }: Retry, network: string): void {
    const { id } = responded.record;
    const timer = setTimeout(() => {
      start(responded, network, (challenge) => challenge).catch(() => undefined);
    }, delay);
    // Whoever starts next finds what is due.
    timer.unref();
    waiting.set(id, timer);
  }

  function enter(accountId: string, network: string): void {
    const count = ofAccount.get(accountId) ?? 0;
    if (count >= validationsOfAccount || slots.isBusy(network)) {
      throw new AcmeError('rateLimited', 'too many validations are under way; wait for them to end and try again', {
        retryAfterSeconds: 10,
      });
    }
    ofAccount.set(accountId, count + 1);
  }

  function leave(accountId: string): void {
    const left = (ofAccount.get(accountId) ?? 0) - 1;
    if (left > 0) ofAccount.set(accountId, left);
    else ofAccount.delete(accountId);
  }

  return { begin, resume };
}

interface Started {
  /** Of the attempt; never rejects. */
  readonly end: Promise<void>;
}

interface Retry {
  readonly responded: Responded;
  readonly delay: number;
}

/** What another attempt would find no different. */
const finalProblems: ReadonlySet<ProblemType> = new Set(['rejectedIdentifier', 'caa']);

type Task = Parameters<Validate>[0];

function taskOf(record: AuthorizationRecord, { type, token, response }: Challenge, settings: Task['settings']): Task {
  if (type === 'device-attest-01' || response === undefined) throw new TypeError(`no attempt is made at ${type}`);
  const { keyAuthorization, accountUrl } = response;
  const { identifierType, identifierValue, isWildcard } = record;
  return {
    challenge: type,
    identifier: { type: identifierType, value: identifierValue },
    isWildcard: isWildcard === 1,
    token,
    keyAuthorization,
    accountUrl,
    settings,
  };
}

function isOvertaken(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'invalid-state';
}
