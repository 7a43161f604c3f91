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
  readonly actor: Actor;
}

/**
 * Makes the next generation of a CA the one that issues. The one that issued until then verifies and signs CRLs until its end.
 * Its CRL is published before, which also shows that its key can be used.
 * @returns when it issues
 * @throws GatewayError 'not-found'; 'invalid-state' where none is staged, or it may not issue then; 'unavailable' of its key
 */
export function activateNext({ ca, at, actor }: Activation, services: AuthorityServices): Promise<Date> {
  return recordingRefusals({ act: 'activate', subject: ca, actor }, services, async () => {
    requireConfig(ca, services);
    const { generations, clock, store } = services;
    await generations.reload();
    const now = clock.now();
    const when = at !== undefined && at > now ? at : now;
    const next = await requireReady(ca, when, services);
    if (when <= now) {
      await takeOver(next, actor, services);
      return now;
    }
    const details = { ca, activateAt: when.toISOString(), ...byActor(actor) };
    await store.commit({
      statements: [store.caGenerations.schedule({ id: next.id, activateAt: when.getTime() })],
      audit: [createAuditRecord({ at: now, action: 'ca.activated', outcome: 'pending', subject: next.id, details })],
    });
    await generations.reload();
    return when;
  });
}

/** Activates those whose time has come: of several processes one. What may not issue then is not tried again. */
export async function activateDue(services: AuthorityServices): Promise<void> {
  const { generations, clock } = services;
  await generations.refresh();
  const now = clock.now();
  for (const { id, ca, state, activateAt } of generations.all()) {
    if (state !== 'next' || activateAt === undefined || activateAt > now) continue;
    try {
      await takeOver(await requireReady(ca, now, services), gateway, services);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await giveUp(id, error, services);
    }
  }
}

/** Unless another process was first, or it was dropped meanwhile. */
async function giveUp(id: string, error: GatewayError, services: AuthorityServices): Promise<void> {
  const { generations, store, log, clock } = services;
  await generations.reload();
  if (generations.find(id)?.activateAt === undefined) return;
  log.error({ err: error, generation: id }, 'a CA generation could not be activated at its time');
  await store.commit({
    statements: [store.caGenerations.schedule({ id, activateAt: null })],
    audit: [refused({ act: 'activate', subject: id, actor: gateway }, error, clock.now())],
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

async function takeOver(next: SigningGeneration, actor: Actor, services: AuthorityServices): Promise<void> {
  const { store, generations, clock } = services;
  await store.commit({
    statements: takeOverStatements(next, services),
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

const gateway: Actor = { name: 'gateway', person: 'gateway' };
