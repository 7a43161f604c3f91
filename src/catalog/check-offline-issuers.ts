/** What needs the key of a CA at any time cannot be configured for one whose key is not in the gateway. */
import type { Store } from '../store/store.js';
import type { CatalogObject, CatalogObjects } from './objects.js';
import type { ReportProblem } from './references.js';

/** Reports CAs that are newly to issue CA certificates, and policies that are newly to issue by a CA, while that one is offline. */
export async function checkOfflineIssuers(
  wanted: readonly CatalogObject[],
  stored: CatalogObjects,
  { caGenerations }: Pick<Store, 'caGenerations'>,
  report: ReportProblem,
): Promise<void> {
  const uses = wanted.flatMap((object) => newUse(object, stored) ?? []);
  if (uses.length === 0) return;
  const generations = await caGenerations.all();
  const offline = new Set(
    generations.filter(({ state, keyId }) => state === 'current' && keyId === '').map(({ ca }) => ca),
  );
  for (const { object, ca, path, purpose } of uses) {
    if (!offline.has(ca)) continue;
    report(object, [path], `certificate authority "${ca}" is offline, and has to be online ${purpose}`);
  }
}

interface Use {
  readonly object: CatalogObject;
  readonly ca: string;
  readonly path: string;
  readonly purpose: string;
}

function newUse(object: CatalogObject, stored: CatalogObjects): Use | undefined {
  const { name, value } = object;
  if ('issueIntermediates' in value) {
    const isNew = value.issueIntermediates && !stored['certificate-authority'].get(name)?.value.issueIntermediates;
    const purpose = 'to issue CA certificates to gateways';
    return isNew ? { object, ca: name, path: 'issueIntermediates', purpose } : undefined;
  }
  if (!('issuingCa' in value)) return undefined;
  const isNew = stored.policy.get(name)?.value.issuingCa !== value.issuingCa;
  const purpose = 'for policies to issue by it';
  return isNew ? { object, ca: value.issuingCa, path: 'issuingCa', purpose } : undefined;
}
