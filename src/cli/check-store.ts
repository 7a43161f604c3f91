/** Checks of what `gatehouse doctor` finds in the database: key, clock, audit log, CAs and CRLs. */
import type { Catalog } from '../catalog/catalog.js';
import { describeSource } from '../keys/kek-source.js';
import { reopenKeyEncryptionKey } from '../keys/key-encryption-key.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
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
  const missing = [...catalog.certificateAuthorities.values()].filter(
    ({ name }) => !states.some(({ ca }) => ca === name),
  );
  const isForeign = ({ ca, online, crls }: AuthorityState) =>
    !online && crls.length === 0 && catalog.certificateAuthorities.get(ca)?.key === 'external';
  const found = [
    ...missing.map((config) => problem('CA certificates', ...describeMissing(config, states))),
    ...alive.flatMap((each) => findEnd(each, states)),
    ...(await findWaiting(store, catalog, states)),
    ...alive.filter((state) => state.end !== 'past' && !isForeign(state)).flatMap(findStaleCrl),
    ...(await findUnsigned(store, alive)),
    ...findUnfitIssuers(catalog, states),
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

/** What is so, and what is to be done. */
function describeMissing(
  { name, key, parent }: CertificateAuthorityConfig,
  states: readonly AuthorityState[],
): [string, string] {
  if (key === 'external')
    return [`${name} is not here yet`, `gatehouse ca import ${name}, or gatehouse ca certificate import ${name}`];
  const isCertifiedHere =
    parent === undefined || states.some(({ ca, state, online }) => ca === parent && state === 'current' && online);
  if (isCertifiedHere) return [`${name} has no key and certificate yet`, 'start the gateway, which makes them'];
  return [
    `${name} waits to be certified by ${parent}, whose key is not here`,
    `gatehouse ca request ${name}, and then gatehouse ca sign ${parent}, or gatehouse ca certificate import ${name}`,
  ];
}

/** Next keys that wait for a CA whose key is not here; of a CA that has none yet, it is said that it is missing. */
async function findWaiting(
  { caRequests }: Store,
  { certificateAuthorities }: Catalog,
  states: readonly AuthorityState[],
): Promise<Finding[]> {
  const waiting = (await caRequests.all({})).filter((request) => states.some(({ ca }) => ca === request.ca));
  return waiting.map(({ ca, number }) => {
    const parent = certificateAuthorities.get(ca)?.parent ?? 'the CA above it';
    return warning(
      'CA certificates',
      `${ca}-${number} waits to be certified by ${parent}`,
      `gatehouse ca sign ${parent} --key <file>, or gatehouse ca certificate import ${ca}; gatehouse ca drop-next ${ca} if it is not wanted any more`,
    );
  });
}

/** What an offline CA has not put on its CRL yet: revocations, or all of it since a backup was restored. */
async function findUnsigned({ crls }: Store, alive: readonly AuthorityState[]): Promise<Finding[]> {
  const changed = await crls.changed({});
  const waiting = alive.filter(({ id, online }) => !online && changed.some(({ issuerId }) => issuerId === id));
  return waiting.map(({ id, ca }) =>
    problem(
      'CRLs',
      `the CRL of ${id} is older than a revocation, or than a backup that was restored`,
      `bring its key: gatehouse ca sign ${ca} --key <file>`,
    ),
  );
}

/** CAs of policies that issue nothing. */
function findUnfitIssuers({ policies }: Catalog, states: readonly AuthorityState[]): Finding[] {
  const needed = new Set([...policies.values()].map(({ policy }) => policy.issuingCa));
  return [...needed].flatMap((name) => {
    const current = states.find(({ ca, state }) => ca === name && state === 'current');
    const isRevoked = current === undefined && states.some(({ ca, revoked }) => ca === name && revoked);
    if (isRevoked) {
      return [
        problem(
          'CA certificates',
          `${name} is revoked, and policies issue by it`,
          `gatehouse ca stage ${name}, and gatehouse ca activate ${name}`,
        ),
      ];
    }
    if (current === undefined || current.online) return [];
    return [
      problem(
        'CA certificates',
        `the key of ${current.id} is not here, and policies issue by it`,
        'give them another issuingCa',
      ),
    ];
  });
}

function findEnd({ id, ca, state, end, notAfter }: AuthorityState, states: readonly AuthorityState[]): Finding[] {
  if (state !== 'current' || end === 'far') return [];
  const until = notAfter.toISOString();
  const isStaged = states.some((other) => other.ca === ca && other.state === 'next');
  const next = isStaged
    ? `gatehouse ca activate ${ca}`
    : `gatehouse ca stage ${ca}, or gatehouse ca request ${ca} below a CA whose key is not here; then gatehouse ca activate ${ca}`;
  return end === 'past'
    ? [problem('CA certificates', `${id} has ended at ${until}`, `nothing that it issues is trusted: ${next}`)]
    : [warning('CA certificates', `${id} ends at ${until}`, `let its next generation follow in time: ${next}`)];
}

function findStaleCrl({ id, ca, online, crls }: AuthorityState): Finding[] {
  const sign = `bring its key: gatehouse ca sign ${ca} --key <file>`;
  if (crls.length === 0)
    return [problem('CRLs', `${id} has no CRL`, online ? 'start the gateway, which makes it' : sign)];
  const name = (partition: number) => `the CRL of ${id}, partition ${partition},`;
  const ended = crls
    .filter(({ freshness }) => freshness === 'past')
    .map(({ partition, nextUpdate }) =>
      problem(
        'CRLs',
        `${name(partition)} has ended at ${nextUpdate.toISOString()}`,
        `${online ? 'start the gateway, or look at its log' : sign}: whoever checks revocation refuses certificates now`,
      ),
    );
  const late = crls
    .filter(({ freshness }) => freshness === 'late')
    .map(({ partition, thisUpdate, nextUpdate }) =>
      !online
        ? warning('CRLs', `${name(partition)} ends at ${nextUpdate.toISOString()}`, sign)
        : warning(
            'CRLs',
            `${name(partition)} is of ${thisUpdate.toISOString()} and overdue`,
            'a running gateway renews it: look whether it runs, and at its log',
          ),
    );
  return [...ended, ...late];
}
