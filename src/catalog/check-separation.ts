/** Keeps production apart from non-production: what divisions of one kind use, those of the other do not. */
import type { CatalogObject, CatalogObjects, Path } from './objects.js';
import type { ReportProblem } from './references.js';

/**
 * Reports a CA that both kinds use, be it by policies, by divisions that it belongs to, or by the CAs below it. All else that
 * policies and devices use is of their own division.
 */
export function checkSeparation(objects: CatalogObjects, report: ReportProblem): void {
  const seen = new Map<string, Use>();
  for (const use of usesIn(objects)) {
    for (const ca of lineOf(use.ca, objects)) {
      const before = seen.get(ca);
      if (before === undefined) {
        seen.set(ca, use);
      } else if (before.production !== use.production) {
        report(use.object, use.path, describe(ca, use, before));
        break;
      }
    }
  }
}

/** That a policy issues from a CA, or that a CA belongs to a division. */
interface Use {
  readonly ca: string;
  readonly division: string;
  readonly production: boolean;
  readonly object: CatalogObject;
  readonly path: Path;
}

/** What is stored first, so that what is new is what does not fit. */
function usesIn(objects: CatalogObjects): Use[] {
  const uses: Use[] = [];
  const add = (use: Omit<Use, 'production'>) => {
    const production = objects.division.get(use.division)?.value.production;
    if (production !== undefined) uses.push({ ...use, production });
  };
  for (const object of objects['certificate-authority'].values()) {
    const { name, division } = object.value;
    if (division !== undefined) add({ ca: name, division, object, path: ['division'] });
  }
  for (const object of objects.policy.values()) {
    const { issuingCa, division } = object.value;
    add({ ca: issuingCa, division, object, path: ['issuingCa'] });
  }
  return uses.toSorted((a, b) => Number(a.object.path !== undefined) - Number(b.object.path !== undefined));
}

/** A CA and those above it. */
function lineOf(ca: string, objects: CatalogObjects): string[] {
  const line = new Set<string>();
  let next: string | undefined = ca;
  while (next !== undefined && !line.has(next)) {
    line.add(next);
    next = objects['certificate-authority'].get(next)?.value.parent;
  }
  return [...line];
}

function describe(ca: string, { production, division }: Use, before: Use): string {
  const above = before.ca === ca ? '' : ` by way of certificate authority "${before.ca}"`;
  const user = before.object.kind === 'policy' ? `policy "${before.object.name}" of ` : '';
  return (
    `certificate authority "${ca}" is used by ${user}the ${sideOf(before.production)} division "${before.division}"${above}, ` +
    `and cannot be used by the ${sideOf(production)} division "${division}" as well`
  );
}

function sideOf(production: boolean): string {
  return production ? 'production' : 'non-production';
}
