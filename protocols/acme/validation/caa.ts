/** Whether the owner of a name lets this CA certify it: CAA records (RFC 8659, RFC 8657). */
import { AcmeError } from '../problem.js';
import type { ValidationTask } from './attempt.js';
import { type CaaIssuer, parseCaaIssuer } from './caa-issuer.js';
import type { CaaProperty, Names } from './names.js';

/** @throws AcmeError `caa` when they forbid it, `dns` when it cannot be found out */
export async function checkCaa(task: ValidationTask, names: Names): Promise<void> {
  const found = await findRelevant(task.identifier.value, names);
  if (found === undefined) return;
  const { owner, properties } = found;
  const unknown = properties.find(({ isCritical, tag }) => isCritical && !knownTags.has(tag));
  if (unknown !== undefined) {
    const detail = `a CAA record of ${owner} is critical and of a kind that is not known here; take it away, or its flag`;
    throw new AcmeError('caa', detail);
  }
  const issuers = issuersOf(properties, task.isWildcard);
  // Records of other kinds restrict nobody.
  if (issuers.length === 0 || issuers.some((issuer) => permits(issuer, task))) return;
  const { isWildcard, settings, challenge } = task;
  const kind = isWildcard ? 'issuewild or issue' : 'issue';
  throw new AcmeError(
    'caa',
    `the CAA records of ${owner} do not let this CA issue to this account by ${challenge}; add one of kind ${kind} for ${settings.caaIdentities.join(' or ')}`,
  );
}

/** RFC 8659 3: the records of the name, or of the nearest domain above that has any. */
async function findRelevant(
  name: string,
  names: Names,
): Promise<{ owner: string; properties: readonly CaaProperty[] } | undefined> {
  const labels = name.split('.');
  for (let above = 0; above < labels.length; above++) {
    const owner = labels.slice(above).join('.');
    const properties = await names.caa(owner);
    if (properties.length > 0) return { owner, properties };
  }
  return undefined;
}

/** RFC 8659 4.3: issuewild counts for wildcards only, and there in place of issue. */
function issuersOf(properties: readonly CaaProperty[], isWildcard: boolean): readonly (CaaIssuer | undefined)[] {
  const ofTag = (wanted: string) => properties.filter(({ tag }) => tag === wanted);
  const wild = isWildcard ? ofTag('issuewild') : [];
  return (wild.length > 0 ? wild : ofTag('issue')).map(({ value }) => parseCaaIssuer(value));
}

/** RFC 8657 3, 4: a parameter that is there twice cannot be satisfied. */
function permits(issuer: CaaIssuer | undefined, { settings, accountUrl, challenge }: ValidationTask): boolean {
  if (issuer === undefined || !settings.caaIdentities.includes(issuer.domain)) return false;
  const valuesOf = (wanted: string) => issuer.parameters.filter(({ tag }) => tag === wanted).map(({ value }) => value);
  const accounts = valuesOf('accounturi');
  const methods = valuesOf('validationmethods');
  if (accounts.length > 1 || methods.length > 1) return false;
  return (
    accounts.every((account) => account === accountUrl) && methods.every((list) => list.split(',').includes(challenge))
  );
}

const knownTags: ReadonlySet<string> = new Set(['issue', 'issuewild', 'iodef']);
