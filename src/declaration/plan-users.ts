/** What becomes of the users of a document. */
import type { StoredUser, UserDeclaration } from '../access/declare-user.js';
import { readGrants } from '../access/grants.js';
import { readUserCertificate } from '../access/user-certificates.js';
import { differencesBetween } from '../catalog/differences.js';
import type { DocumentUser } from '../catalog/document.js';
import type { CatalogObjects, JsonObject, Path } from '../catalog/objects.js';
import type { PlanProblem, StepOutline } from '../catalog/wanted.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Store } from '../store/store.js';
import { type Certificate, fingerprint } from '../x509/certificate.js';

export interface UserStep extends StepOutline {
  readonly kind: 'user';
  readonly user: UserDeclaration;
  /** What there is of it already. */
  readonly stored?: StoredUser;
}

interface Services {
  readonly store: Pick<Store, 'users'>;
  readonly clock: Clock;
}

/** Plans the users that are wanted; what is wrong with them goes to the problems. */
export async function planUsers(
  users: readonly DocumentUser[],
  outcome: CatalogObjects,
  { store, clock }: Services,
  problems: PlanProblem[],
): Promise<UserStep[]> {
  const steps: UserStep[] = [];
  const owners: Owners = { wanted: new Map(), released: new Set() };
  const added: AddedCertificate[] = [];
  for (const { config, path } of users) {
    config.grants.forEach(({ division }, index) => {
      if (division === undefined || outcome.division.has(division)) return;
      problems.push({ path: [...path, 'grants', index, 'division'], message: `there is no division "${division}"` });
    });
    const stored = await findStored(config.name, store);
    const { certificates: texts, ...rest } = config;
    const certificates = texts?.flatMap((pem, index) => {
      const place = [...path, 'certificates', index];
      const certificate = readCertificate(pem, place, problems);
      if (certificate) added.push({ certificate, path: place, user: config.name });
      return certificate ?? [];
    });
    const user: UserDeclaration = { ...rest, ...(certificates ? { certificates } : {}) };
    for (const each of (certificates && stored?.certificates) ?? []) owners.released.add(each.fingerprint);
    steps.push(planUser(user, stored));
  }
  for (const certificate of added) await checkOwner(certificate, owners, { store, clock }, problems);
  return steps;
}

async function findStored(name: string, { users }: Services['store']): Promise<StoredUser | undefined> {
  const record = await users.findByName({ name });
  return record && { record, certificates: await users.certificatesOf({ userId: record.id }) };
}

function planUser(user: UserDeclaration, stored: StoredUser | undefined): UserStep {
  const outline = { kind: 'user', name: user.name, user } as const;
  if (stored === undefined) {
    const hasMeans = user.certificates !== undefined && user.certificates.length > 0;
    const note = 'it has no means to authenticate yet; give it a password, an API key or a certificate';
    return { ...outline, action: 'create', differences: [], ...(hasMeans ? {} : { note }) };
  }
  const differences = differencesBetween(showStored(stored), showWanted(user, stored));
  return { ...outline, stored, action: differences.length === 0 ? 'unchanged' : 'change', differences };
}

function showStored({ record, certificates }: StoredUser): JsonObject {
  const { displayName, grants, enabled } = record;
  return {
    ...(displayName === null ? {} : { displayName }),
    grants: readGrants(grants).map(showGrant),
    enabled: enabled === 1,
    certificates: certificates.map((each) => `SHA-256 ${each.fingerprint}`).sort(),
  };
}

function showWanted({ displayName, grants, enabled, certificates }: UserDeclaration, stored: StoredUser): JsonObject {
  const before = showStored(stored);
  return {
    ...(displayName === undefined ? {} : { displayName }),
    grants: grants.map(showGrant),
    enabled: enabled ?? stored.record.enabled === 1,
    certificates: certificates?.map(({ der }) => `SHA-256 ${fingerprint(der)}`).sort() ?? before.certificates ?? [],
  };
}

function showGrant({ role, division }: UserDeclaration['grants'][number]): JsonObject {
  return { role, ...(division === undefined ? {} : { division }) };
}

function readCertificate(pem: string, path: Path, problems: PlanProblem[]): Certificate | undefined {
  try {
    return readUserCertificate(pem);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    problems.push({ path, message: error.message });
    return undefined;
  }
}

interface AddedCertificate {
  readonly certificate: Certificate;
  readonly path: Path;
  readonly user: string;
}

/** By fingerprint: whose certificates would be whose, and which would be nobody's. */
interface Owners {
  readonly wanted: Map<string, string>;
  readonly released: Set<string>;
}

async function checkOwner(
  { certificate, path, user }: AddedCertificate,
  { wanted, released }: Owners,
  { store, clock }: Services,
  problems: PlanProblem[],
): Promise<void> {
  const hex = fingerprint(certificate.der);
  const twin = wanted.get(hex);
  wanted.set(hex, user);
  if (twin !== undefined) return void problems.push({ path, message: `is in this file already, of user "${twin}"` });
  const owner = await store.users.findByCertificate({ fingerprint: hex });
  if (owner?.name === user) return;
  if (owner !== undefined && !released.has(hex)) {
    return void problems.push({ path, message: `is user "${owner.name}"'s already; remove it there first` });
  }
  if (certificate.notAfter < clock.now()) problems.push({ path, message: 'has expired' });
}
