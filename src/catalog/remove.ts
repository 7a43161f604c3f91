/** Removes an object of the configuration that nothing uses any more. */
import type { Actor } from '../audit/actor.js';
import { createActionRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Statement } from '../store/change.js';
import { grantIn } from '../store/configuration-use.js';
import type { Store } from '../store/store.js';
import { isBuiltInTemplate } from './built-in-templates.js';
import { type CatalogKind, type CatalogObject, divisionOf, nounOf } from './objects.js';
import { referrersTo } from './references.js';
import { readStoredCatalog } from './stored.js';

export interface RemovalDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'configurationUse' | 'caGenerations' | 'commit'>;
  readonly clock: Clock;
}

export interface RemovalPlan {
  /** The version of the stored configuration that it was made against. */
  readonly version: number;
  readonly object: CatalogObject;
  readonly at: Date;
  /** What refuses the removal where it is used by then, and what goes with it. */
  readonly statements: readonly Statement[];
}

/**
 * Finds out whether an object can be removed.
 * @param check throws what refuses the removal before anything is told of what uses the object
 * @throws GatewayError `not-found`, `invalid-state` with what is to be done first
 */
export async function planRemoval(
  kind: CatalogKind,
  name: string,
  dependencies: RemovalDependencies,
  check: (object: CatalogObject) => void = () => undefined,
): Promise<RemovalPlan> {
  const { store, clock } = dependencies;
  const { version, objects } = await readStoredCatalog(store);
  const object: CatalogObject | undefined = objects[kind].get(name);
  const what = `${nounOf(kind)} ${name}`;
  if (object === undefined) throw new GatewayError('not-found', `there is no ${what}`);
  check(object);
  // An operator's own one of a name that a later version has built in is not it.
  if (kind === 'template' && isBuiltInTemplate(name) && (await store.catalog.find({ kind, name })) === undefined) {
    throw inUse(`${what} is built in and stays`);
  }
  const referrers = referrersTo(objects, kind, name).filter((other) => other !== object);
  if (referrers.length > 0) {
    const names = referrers.slice(0, shownReferrers).map((other) => `${nounOf(other.kind)} ${other.name}`);
    const more = referrers.length > names.length ? ` and ${referrers.length - names.length} more` : '';
    throw inUse(`${what} is referred to by ${names.join(', ')}${more}; change or remove that first`);
  }
  const at = clock.now();
  return { version, object, at, statements: await guardsOf(kind, name, at, store) };
}

/**
 * Removes it, with the credentials of an authentication policy.
 * @throws OvertakenError if the configuration was changed since the plan was made; GatewayError `invalid-state` if it is used
 * by now
 */
export async function applyRemoval(
  { version, object, at, statements }: RemovalPlan,
  { store, actor }: RemovalDependencies & { readonly actor: Actor },
): Promise<void> {
  const { kind, name } = object;
  const division = divisionOf(object);
  await store.commit({
    statements: [store.catalog.bumpVersion({ expected: version }), ...statements, store.catalog.remove({ kind, name })],
    audit: [
      createActionRecord(actor, {
        at,
        action: 'catalog.removed',
        subject: '',
        details: {
          ...(division === undefined ? {} : { division }),
          version: version + 1,
          kind,
          name,
          written: object.written,
        },
      }),
    ],
  });
}

const shownReferrers = 10;

function inUse(sentence: string): GatewayError {
  return new GatewayError('invalid-state', sentence);
}

type UsedStore = RemovalDependencies['store'];

async function guardsOf(kind: CatalogKind, name: string, at: Date, store: UsedStore): Promise<readonly Statement[]> {
  switch (kind) {
    case 'division':
      return [...(await noDevices('division', name, store)), ...(await noPeopleOrJobs(name, store))];
    case 'device-group':
      return await noDevices('device group', name, store);
    case 'authentication-policy':
      return [store.credentials.removeByPolicy({ authenticationPolicy: name })];
    case 'template':
      return [];
    case 'profile':
      await requireNoCertificateOfProfile(name, at, store);
      return [];
    case 'certificate-authority':
      await requireNoGeneration(name, store);
      return [];
    case 'policy':
      return await noCertificates(name, at, store);
  }
}

async function noDevices(noun: 'division' | 'device group', name: string, { configurationUse: use }: UsedStore) {
  const isGroup = noun === 'device group';
  const device = isGroup ? await use.deviceOfGroup({ group: name }) : await use.deviceOfDivision({ division: name });
  if (device !== undefined) {
    throw inUse(`devices are in ${noun} ${name}, such as ${device.name}; move them to another one first`);
  }
  return [isGroup ? use.requireNoDeviceOfGroup({ group: name }) : use.requireNoDeviceOfDivision({ division: name })];
}

async function noPeopleOrJobs(division: string, { configurationUse: use }: UsedStore) {
  const grant = grantIn(division);
  const user = await use.userOfGrant({ grant });
  if (user) throw inUse(`user ${user.name} has a role in division ${division}; change its grants first`);
  const key = await use.apiKeyOfGrant({ grant });
  if (key) throw inUse(`API key ${key.name} has a role in division ${division}; revoke it first`);
  const job = await use.jobOfDivision({ division });
  if (job) throw inUse(`jobs are in division ${division}, such as ${job.id}; delete them first`);
  return [
    use.requireNoUserOfGrant({ grant }),
    use.requireNoApiKeyOfGrant({ grant }),
    use.requireNoJobOfDivision({ division }),
  ];
}

async function noCertificates(policy: string, now: Date, { configurationUse: use }: UsedStore) {
  const at = now.getTime();
  const certificate = (await use.validCertificate({ policy, at })) ?? (await use.heldCertificate({ policy, at }));
  if (certificate !== undefined) {
    throw inUse(
      `policy ${policy} has certificates that are in use, such as ${certificate.serialNumber}; disable it (enabled: false) until they have ended`,
    );
  }
  const request = await use.openRequest({ policy });
  if (request !== undefined) {
    throw inUse(`requests wait under policy ${policy}, such as ${request.requestId}; approve or reject them first`);
  }
  return [use.requireNoValidCertificate({ policy, at }), use.requireNoOpenRequest({ policy })];
}

/** No index leads from profiles to certificates: all are looked at, a few at a time, so that others get their turn. */
async function requireNoCertificateOfProfile(profile: string, now: Date, { configurationUse: use }: UsedStore) {
  const at = now.getTime();
  let after = '';
  for (;;) {
    const through = await use.endOfBatch({ after, limit: certificatesAtOnce });
    if (through === undefined) return;
    const certificate = await use.certificateOfProfile({ profile, at, after, through });
    if (certificate !== undefined) {
      throw inUse(
        `profile ${profile} has certificates that are in use, such as ${certificate.serialNumber}; it can be removed when they have ended`,
      );
    }
    after = through;
    await endOfTurn();
  }
}

const certificatesAtOnce = 2000;

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Relying parties go on to ask about what it has signed, be it its own certificate. */
async function requireNoGeneration(name: string, { caGenerations }: UsedStore) {
  const generations = await caGenerations.all();
  if (generations.some(({ ca }) => ca === name)) {
    throw inUse(
      `certificate authority ${name} has issued, and cannot be removed; disable the policies that use it (enabled: false)`,
    );
  }
}
