/** The next generation of a CA takes over: at once, or at a set time. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { findUnfit } from '../ca/authority.js';
import type { SigningGeneration } from '../ca/generations.js';
import { GatewayError, isRefusal } from '../errors.js';
import type { AuditRecord, Statement } from '../store/change.js';
import { recordingRefusals, refused } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

interface Activation {
  readonly ca: string;
  /** At once where absent or past. */
  readonly at?: Date | undefined;
  /** Until when what earlier generations have issued is to be replaced: planned as soon as the next one issues. */
  readonly replaceBy?: Date | undefined;
  readonly actor: Actor;
}

/**
 * Makes the next generation of a CA the one that issues. The one that issued until then verifies and signs CRLs until its end.
 * Its CRL is published before, which also shows that its key can be used.
 * @returns when it issues
 * @throws GatewayError 'not-found'; 'invalid-state' where none is staged, or it may not issue then; 'unavailable' of its key
 */
export function activateNext({ ca, at, replaceBy, actor }: Activation, services: AuthorityServices): Promise<Date> {
  return recordingRefusals({ act: 'activate', subject: ca, actor }, services, async () => {
    requireConfig(ca, services);
    const { generations, clock, store } = services;
    await generations.reload();
    const now = clock.now();
    const when = at !== undefined && at > now ? at : now;
    if (replaceBy !== undefined && replaceBy <= when) {
      throw new GatewayError(
        'invalid-state',
        'certificates cannot be replaced before the next generation issues: give more time',
      );
    }
    const next = await requireReady(ca, when, services);
    const scheduled = store.caGenerations.schedule({
      id: next.id,
      activateAt: when.getTime(),
      replaceBy: replaceBy?.getTime() ?? null,
    });
    if (when <= now) {
      await takeOver(next, actor, services, [scheduled]);
      return now;
    }
    const details = { ca, activateAt: when.toISOString(), replaceBy, ...byActor(actor) };
    await store.commit({
      statements: [scheduled],
      audit: [createAuditRecord({ at: now, action: 'ca.activated', outcome: 'pending', subject: next.id, details })],
    });
    await generations.reload();
    return when;
  });
}

/**
 * Activates those whose time has come: of several processes one. What may not issue then is not tried again; where a key is away, it is
 * at the next call.
 * @throws GatewayError 'unavailable' of a key, when the others are done
 */
export async function activateDue(services: AuthorityServices): Promise<void> {
  const { generations, clock } = services;
  await generations.refresh();
  const now = clock.now();
  const failures: unknown[] = [];
  for (const { id, ca, state, activateAt } of generations.all()) {
    if (state !== 'next' || activateAt === undefined || activateAt > now) continue;
    try {
      await takeOver(await requireReady(ca, now, services), gatewayItself, services);
    } catch (error) {
      if (isRefusal(error)) await giveUp(id, error, services);
      else failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Unless another process was first, or it was dropped meanwhile. */
async function giveUp(id: string, error: GatewayError, services: AuthorityServices): Promise<void> {
  const { generations, store, log, clock } = services;
  await generations.reload();
  if (generations.find(id)?.activateAt === undefined) return;
  log.error({ err: error, generation: id }, 'a CA generation could not be activated at its time');
  await store.commit({
    statements: [store.caGenerations.schedule({ id, activateAt: null, replaceBy: null })],
    audit: [refused({ act: 'activate', subject: id, actor: gatewayItself }, error, clock.now())],
  });
  await generations.reload();
}

/** What makes `next` the generation that issues, in the place of the one that does now. */
export function takeOverStatements(
  next: SigningGeneration,
  { store, generations }: Pick<AuthorityServices, 'store' | 'generations'>,
): readonly Statement[] {
  const { setState } = store.caGenerations;
  const current = generations.findCurrent(next.ca);
  return [
    ...(current === undefined ? [] : [setState({ id: current.id, from: 'current', to: 'previous' })]),
    setState({ id: next.id, from: 'next', to: 'current' }),
  ];
}

export function takenOver(next: SigningGeneration, actor: Actor, at: Date): AuditRecord {
  const details = { ca: next.ca, ...byActor(actor) };
  return createAuditRecord({ at, action: 'ca.activated', outcome: 'success', subject: next.id, details });
}

async function takeOver(
  next: SigningGeneration,
  actor: Actor,
  services: AuthorityServices,
  before: readonly Statement[] = [],
): Promise<void> {
  const { store, generations, clock } = services;
  await store.commit({
    statements: [...before, ...takeOverStatements(next, services)],
    audit: [takenOver(next, actor, clock.now())],
  });
  await generations.reload();
}

/** The next generation, whose key signs, and whose CRL is there. */
async function requireReady(
  ca: string,
  at: Date,
  { generations, crls }: AuthorityServices,
): Promise<SigningGeneration> {
  const next = generations.findNext(ca);
  if (next === undefined) throw new GatewayError('invalid-state', `CA ${ca} has no next generation: stage one first`);
  if (!next.online) throw new GatewayError('invalid-state', `the key of ${next.id} is not in the gateway`);
  const unfit = findUnfit(next, generations, at);
  if (unfit !== undefined) throw new GatewayError('invalid-state', `${next.id} could not issue then: ${unfit}`);
  await crls.publish(next.id, 0);
  return next;
}

/** Who does what was settled before, at its time. */
export const gatewayItself: Actor = { name: 'gateway', person: 'gateway' };
