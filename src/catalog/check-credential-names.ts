/** Credentials that policies name: they must be in the policy's authentication policy, and of a kind that fits. */
import type { CredentialKind } from '../model/credential.js';
import type { CatalogObjects } from './objects.js';
import type { ReportProblem } from './references.js';

/** The kinds of an authentication policy's credentials, by name; also of revoked ones, which open nothing any more. */
export type KindsOfCredentials = (authenticationPolicy: string) => Promise<ReadonlyMap<string, string>>;

/** Reports every name that does not fit. */
export async function checkCredentialNames(
  objects: CatalogObjects,
  kindsOf: KindsOfCredentials,
  report: ReportProblem,
): Promise<void> {
  for (const object of objects.policy.values()) {
    const { cmp, authenticationPolicy } = object.value;
    for (const list of ['registrationAuthorities', 'crossCertify'] as const) {
      if (cmp[list].length === 0 || authenticationPolicy === undefined) continue;
      const kinds = await kindsOf(authenticationPolicy);
      cmp[list].forEach((name, index) => {
        const problem = problemOf(name, kinds.get(name), authenticationPolicy);
        if (problem !== undefined) report(object, ['cmp', list, index], problem);
      });
    }
  }
}

function problemOf(name: string, kind: string | undefined, authenticationPolicy: string): string | undefined {
  if (kind === undefined) return `authentication policy "${authenticationPolicy}" has no credential "${name}"`;
  if (certificateKinds.has(kind)) return undefined;
  return `credential "${name}" is a ${kind}; name an authentication-certificate or an authentication-ca`;
}

const certificateKinds: ReadonlySet<string> = new Set<CredentialKind>([
  'authentication-certificate',
  'authentication-ca',
]);
