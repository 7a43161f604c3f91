/** Checks of what `gatehouse doctor` finds in the database: key, clock, audit log, CAs and CRLs. */
import type { Catalog } from '../catalog/catalog.js';
import { describeSource } from '../keys/kek-source.js';
import { reopenKeyEncryptionKey } from '../keys/key-encryption-key.js';
import { kekSourceOf, type Settings } from '../settings.js';
import { type AuthorityState, readAuthorityStates } from '../status/authority-states.js';
import type { Store } from '../store/store.js';
import { countOf } from './amount.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { createProgress } from './progress.js';
import { verifyAuditLog } from './verify-audit-log.js';

export async function checkKey(store: Store, settings: Settings): Promise<Finding> {
  const check = 'key-encryption key';
  try {
    const source = kekSourceOf(settings);
    await reopenKeyEncryptionKey({ store, source });
    return ok(check, `${describeSource(source)} is the one of this database`);
  } catch (error) {
    return problem(check, messageOf(error), 'the gateway does not start before that is put right');
  }
}

/** Whether the clock is where it was when the gateway last wrote, or later. */
export async function checkClock({ audit }: Store, now: number): Promise<Finding> {
  const check = 'clock';
  const said = new Date(now).toISOString();
  const [last] = await audit.list({ limit: 1 });
  if (last !== undefined && last.at > now + clockToleranceMilliseconds) {
    return problem(
      check,
      `it is ${said}, before the last audit event (${new Date(last.at).toISOString()})`,
      'set the clock, and have it kept by NTP: certificates would not be valid yet, or too long',
    );
  }
  return ok(check, `${said}, not before what was last recorded`);
}

export async function checkAuditLog(store: Store): Promise<Finding> {
  const check = 'audit log';
  try {
    const { verified } = await verifyAuditLog(store, createProgress());
    return ok(check, `${countOf(verified, 'event')}, chain intact`);
  } catch (error) {
    return problem(check, messageOf(error), 'find out who had access to the database, and compare it with a backup');
  }
}

/** One finding for each generation that something is to be done about; one for all if there is none. */
export async function checkAuthorities(store: Store, catalog: Catalog, now: number): Promise<readonly Finding[]> {
  const states = await readAuthorityStates(store, catalog, now);
  // That an earlier generation has ended is no news; under one that has, nothing is valid, and no CRL is made any more.
  const alive = states.filter(({ state, end }) => state === 'current' || end !== 'past');
  const missing = [...catalog.certificateAuthorities.keys()].filter((name) => !states.some(({ ca }) => ca === name));
  const found = [
    ...missing.map((name) =>
      problem('CA certificates', `${name} has no key and certificate yet`, 'start the gateway, which makes them'),
    ),
    ...alive.flatMap(findEnd),
    ...alive.filter(({ end }) => end !== 'past').flatMap(findStaleCrl),
  ];
  if (states.length === 0 && missing.length === 0) {
    return [warning('CA certificates', 'there is no CA', 'apply a configuration: gatehouse apply -f <file>')];
  }
  return [
    ...found,
    ...(found.some(({ check }) => check === 'CA certificates')
      ? []
      : [ok('CA certificates', `${countOf(alive.length, 'generation')}, none near its end`)]),
    ...(found.some(({ check }) => check === 'CRLs') ? [] : [ok('CRLs', 'all in time')]),
  ];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const clockToleranceMilliseconds = 60_000;

function findEnd({ id, state, end, notAfter }: AuthorityState): Finding[] {
  if (state !== 'current' || end === 'far') return [];
  const until = notAfter.toISOString();
  return end === 'past'
    ? [
        problem(
          'CA certificates',
          `${id} has ended at ${until}`,
          'nothing that it issues is trusted: move its policies to another CA (issuingCa)',
        ),
      ]
    : [
        warning(
          'CA certificates',
          `${id} ends at ${until}`,
          'plan its successor now: a new CA, and policies that name it as issuingCa',
        ),
      ];
}

function findStaleCrl({ id, crls }: AuthorityState): Finding[] {
  if (crls.length === 0) return [problem('CRLs', `${id} has no CRL`, 'start the gateway, which makes it')];
  const name = (partition: number) => `the CRL of ${id}, partition ${partition},`;
  const ended = crls
    .filter(({ freshness }) => freshness === 'past')
    .map(({ partition, nextUpdate }) =>
      problem(
        'CRLs',
        `${name(partition)} has ended at ${nextUpdate.toISOString()}`,
        'start the gateway, or look at its log: whoever checks revocation refuses certificates now',
      ),
    );
  const late = crls
    .filter(({ freshness }) => freshness === 'late')
    .map(({ partition, thisUpdate }) =>
      warning(
        'CRLs',
        `${name(partition)} is of ${thisUpdate.toISOString()} and overdue`,
        'a running gateway renews it: look whether it runs, and at its log',
      ),
    );
  return [...ended, ...late];
}
