/** Compromised devices: all that somebody who has one could act with is ended at once. */
import { type Actor, byActor } from '../audit/actor.js';
import { createActionRecord, createProtocolAuditRecord } from '../audit/audit-record.js';
import { rejectedLifetimeMilliseconds } from '../enrollment/approve.js';
import { isInvalidityDate } from '../enrollment/revocation-reason.js';
import { GatewayError, HttpError, OvertakenError } from '../errors.js';
import type { DeviceState } from '../model/device.js';
import { quote } from '../policy/safe-text.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord, Change, Statement } from '../store/change.js';
import type { CompromiseRecord } from '../store/compromise-repository.js';
import type { DeviceRecord } from '../store/device-record.js';
import { compromisesOf } from './compromised-certificates.js';
import { deviceEvent } from './device-event.js';
import type { DeviceChange } from './device-state.js';
import { requireDevice } from './find-device.js';
import { whileOvertaken } from './overtaken.js';
import { hasTies, type TiesOfDevice, type TiesServices, tiesOfDevice } from './ties-of-device.js';

export interface DeviceCompromise extends DeviceChange {
  /** Since when its keys are suspected (RFC 5280 5.3.2): not in the future. */
  readonly since?: Date;
}

/** What was ended. */
export interface CompromisedDevice {
  /** Their CRLs are due. */
  readonly certificates: readonly CertificateRecord[];
  readonly credentialCount: number;
  readonly accountCount: number;
  readonly requestCount: number;
  /** Keys that jobs have made for it, and that nobody has come for. */
  readonly keyCount: number;
}

/**
 * Suspends the device unless it is retired, and ends in commits of a hundred: its certificates (keyCompromise; those that are
 * held, expired or revoked for another reason too, so that no key of it is ever certified again), the credentials bound to it,
 * what protocols know of it, its requests that wait, and the keys that jobs have made for it. The first part is one commit with
 * the change of the state; from then on the device gets nothing more. What a crash interrupts, {@link finishCompromises} goes on with; beside the
 * gateway, what protocols know of the device is left to that as well.
 * @throws GatewayError `not-found`, and `invalid-state` where nothing is left to end; HttpError 422 for a time that is no invalidity date
 */
export async function compromiseDevice(
  compromise: DeviceCompromise,
  services: TiesServices,
): Promise<CompromisedDevice> {
  const { id, since, actor } = compromise;
  const now = services.clock.now();
  if (since !== undefined && !isInvalidityDate(since, now))
    throw new HttpError(422, 'malformed-request', 'since is in the future, or before the year 0');
  const wanted = {
    deviceId: id,
    since: since?.getTime() ?? null,
    actor: JSON.stringify(actor),
    step: 1,
    touchedAt: now.getTime(),
  };
  const parts = await endAll(wanted, services);
  if (parts.length === 0) {
    const { name, state } = await requireDevice(id, services);
    throw new GatewayError(
      'invalid-state',
      `device ${quote(name)} is ${state} already, and nothing is left that it could act with`,
    );
  }
  return {
    certificates: parts.flatMap(({ certificates }) => certificates),
    credentialCount: sum(parts, ({ credentials }) => credentials),
    accountCount: sum(parts, ({ protocols }) => protocols.events),
    requestCount: sum(parts, ({ requests }) => requests),
    keyCount: sum(parts, ({ keys }) => keys),
  };
}

/** Goes on with what a crash, or the command line, has left. To be called every second. */
export async function finishCompromises(
  services: TiesServices & { readonly log: { error(details: object, message: string): void } },
): Promise<readonly CertificateRecord[]> {
  const before = services.clock.now().getTime() - quietMilliseconds;
  const finished: CertificateRecord[] = [];
  for (const left of await services.store.compromises.left({ before, limit: finishedAtOnce })) {
    try {
      if ((await services.store.devices.findById({ id: left.deviceId })) === undefined) {
        // It never had a certificate, and was deleted.
        await services.store.commit({ statements: [services.store.compromises.end(left)], audit: [] });
        continue;
      }
      for (const { certificates } of await endAll(left, services)) finished.push(...certificates);
    } catch (err) {
      services.log.error(
        { err, device: left.deviceId },
        'a compromised device could not be dealt with; it is tried again',
      );
      await postpone(left, services);
    }
  }
  return finished;
}

/** Lets those behind it have their turn first; who has done a part of it meanwhile has put it behind them already. */
async function postpone({ deviceId, step }: CompromiseRecord, { store, clock }: TiesServices): Promise<void> {
  const touched = store.compromises.goOn({ deviceId, step, touchedAt: clock.now().getTime() });
  await store.commit({ statements: [touched], audit: [] }).catch((error) => {
    if (!(error instanceof GatewayError && error.code === 'unavailable')) throw error;
  });
}

/** Who works on one needs less for the next part of it. */
const quietMilliseconds = 10_000;
const finishedAtOnce = 20;

/** Returns the parts that this call has done: others may work on the same device. */
async function endAll(wanted: CompromiseRecord, services: TiesServices): Promise<readonly TiesOfDevice[]> {
  const parts: TiesOfDevice[] = [];
  for (;;) {
    const part = await whileOvertaken(() => endFurther(wanted, services));
    if (part === undefined) return parts;
    parts.push(part);
  }
}

/** Undefined when there is nothing left to do. */
async function endFurther(wanted: CompromiseRecord, services: TiesServices): Promise<TiesOfDevice | undefined> {
  const { store, clock } = services;
  const device = await requireDevice(wanted.deviceId, services);
  const begun = await store.compromises.find({ deviceId: device.id });
  const isFirst = begun === undefined;
  const isActive = device.state !== 'suspended' && device.state !== 'retired';
  // The first part is to be there soon; and what comes next may leave other requests.
  const ties = await tiesOfDevice(device, { withRequests: !(isFirst && isActive) }, services);
  if (!hasTies(ties) && !(isFirst && isActive)) {
    if (begun !== undefined) await leave(begun, services);
    return undefined;
  }
  const at = clock.now();
  const act = begun ?? wanted;
  const actor: Actor = JSON.parse(act.actor);
  const to: DeviceState = isActive ? 'suspended' : device.state;
  const change = await changeOf(ties, device, { act, actor, at }, services);
  const committed = store.commit({
    statements: [
      isFirst
        ? store.compromises.begin({ ...wanted, touchedAt: at.getTime() })
        : store.compromises.goOn({ deviceId: device.id, step: act.step, touchedAt: at.getTime() }),
      // Also where it stays what it is: who resumes it at the same time is to look again.
      store.devices.setState({ id: device.id, from: device.state, to, at: at.getTime() }),
      ...change.statements,
    ],
    audit: [eventOf(ties, device, { act, actor, at, to }), ...change.audit],
  });
  await committed.catch((cause) => {
    // Somebody has decided one of the requests meanwhile.
    throw cause instanceof GatewayError && cause.code === 'invalid-state' ? new OvertakenError({ cause }) : cause;
  });
  return ties;
}

/** What protocols know of the device is ended by the gateway: beside it, that is told that somebody should. */
async function leave(
  { deviceId, step, touchedAt }: CompromiseRecord,
  { store, protocols }: TiesServices,
): Promise<void> {
  if (protocols !== undefined) {
    await store.commit({ statements: [store.compromises.end({ deviceId, step })], audit: [] });
  } else if (touchedAt > 0) {
    await store.commit({ statements: [store.compromises.goOn({ deviceId, step, touchedAt: 0 })], audit: [] });
  }
}

interface Occasion {
  readonly act: CompromiseRecord;
  readonly actor: Actor;
  readonly at: Date;
}

function eventOf(
  { certificates, credentials, protocols, requests, keys }: TiesOfDevice,
  device: DeviceRecord,
  { act, actor, at, to }: Occasion & { readonly to: DeviceState },
): AuditRecord {
  const { state } = device;
  return deviceEvent(
    'device.compromised',
    device,
    { actor, at },
    {
      ...(state === to ? {} : { from: state, to }),
      ...(act.since === null ? {} : { since: new Date(act.since) }),
      certificates: certificates.length,
      credentials: credentials.length,
      accounts: protocols.events.length,
      requests: requests.length,
      keys: keys.map(({ jobId, row }) => ({ job: jobId, row })),
    },
  );
}

async function changeOf(
  ties: TiesOfDevice,
  device: DeviceRecord,
  occasion: Occasion,
  { store }: TiesServices,
): Promise<Change> {
  const { act, actor, at } = occasion;
  const cause = { at, actor, device, ...(act.since === null ? {} : { since: new Date(act.since) }) };
  const parts = [
    compromisesOf(ties.certificates, cause, { store }),
    await endOfCredentials(ties, device, occasion, { store }),
    withdrawals(ties, device, occasion, { store }),
  ];
  return {
    statements: [
      ...parts.flatMap(({ statements }) => statements),
      ...ties.protocols.statements,
      ...ties.keys.flatMap((key) => store.jobArchives.destroyRowKey(key)),
    ],
    audit: [
      ...parts.flatMap(({ audit }) => audit),
      ...ties.protocols.events.map(({ details, ...event }) =>
        createProtocolAuditRecord({
          ...event,
          at,
          device: device.id,
          details: { ...byActor(actor), because, ...details },
        }),
      ),
    ],
  };
}

const because = 'the device is compromised';

async function endOfCredentials(
  { credentials }: TiesOfDevice,
  { id: device, division, name }: DeviceRecord,
  { actor, at }: Occasion,
  { store }: Pick<TiesServices, 'store'>,
): Promise<Change> {
  // The snapshot of the configuration has the authentication CAs.
  const isConfiguration = credentials.some(({ kind }) => kind === 'authentication-ca');
  const bump: Statement[] = isConfiguration
    ? [store.catalog.bumpVersion({ expected: await store.catalog.version() })]
    : [];
  return {
    statements: [...bump, ...credentials.map(({ id }) => store.credentials.endCredential({ id, at: at.getTime() }))],
    audit: credentials.map(({ authenticationPolicy, kind, name: credential }) =>
      createActionRecord(actor, {
        at,
        action: 'credential.revoked',
        subject: '',
        device,
        details: { division, authenticationPolicy, name: credential, kind, device: name, because },
      }),
    ),
  };
}

function withdrawals(
  { requests }: TiesOfDevice,
  { id: device, division, name }: DeviceRecord,
  { actor, at }: Occasion,
  { store }: Pick<TiesServices, 'store'>,
): Change {
  return {
    statements: requests.map(({ key, requestId, state }) =>
      store.enrollmentTransactions.moveState({
        key,
        requestId,
        from: state,
        to: 'rejected',
        at: at.getTime(),
        expiresAt: at.getTime() + rejectedLifetimeMilliseconds,
        decidedBy: actor.name,
        reason: because,
      }),
    ),
    audit: requests.map(({ requestId, protocol, policy }) =>
      createActionRecord(actor, {
        at,
        action: 'request.withdrawn',
        subject: requestId,
        device,
        details: { division, device: name, protocol, policy, because },
      }),
    ),
  };
}

function sum(parts: readonly TiesOfDevice[], of: (part: TiesOfDevice) => readonly unknown[]): number {
  return parts.reduce((total, part) => total + of(part).length, 0);
}
