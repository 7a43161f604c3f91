/** Compiles a profile's name constraints; what is fixed is read once, what each device has of its own at each request. */
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import type { ConstrainedForm, ProfileNameConstraints } from '../model/name-constraints.js';
import { type NameSubtree, readSubtree } from '../x509/encode-name-constraints.js';
import { compileRulePattern, compileSource } from './compile-source.js';
import type { NameRule, ValueSource } from './name-rule.js';
import type { ProblemPath, ReportProblem } from './profile-problem.js';

export type CompiledSubtree = NameSubtree | DeviceSubtree;

export interface DeviceSubtree {
  readonly form: ConstrainedForm;
  readonly source: Extract<ValueSource, { from: 'device' }>;
  readonly required: boolean;
  readonly pattern?: NonNullable<NameRule['pattern']>;
}

export interface CompiledNameConstraints {
  readonly permitted: readonly CompiledSubtree[];
  readonly excluded: readonly CompiledSubtree[];
}

/** Reports what the template does not allow, and subtrees that cannot be read. */
export function compileNameConstraints(
  { nameConstraints }: CertificateProfile,
  template: CertificateTemplate,
  report: ReportProblem,
): CompiledNameConstraints | undefined {
  if (nameConstraints === undefined) return undefined;
  if (!template.basicConstraints.ca) {
    report(['nameConstraints'], 'are for CA certificates, which the template does not allow');
  } else if (!template.nameConstraints) report(['nameConstraints'], 'are not allowed by the template');
  const compile = (list: 'permitted' | 'excluded') =>
    nameConstraints[list].flatMap((rule, i) => compileSubtree(rule, ['nameConstraints', list, i], report) ?? []);
  return { permitted: compile('permitted'), excluded: compile('excluded') };
}

type SubtreeRule = ProfileNameConstraints['permitted'][number];

function compileSubtree(rule: SubtreeRule, path: ProblemPath, report: ReportProblem): CompiledSubtree | undefined {
  if ('source' in rule) {
    const source = compileSource(rule, path, report);
    const pattern = compileRulePattern(rule, path, report);
    if (source?.from !== 'device') return undefined;
    return { form: rule.type, source, required: rule.required, ...(pattern === undefined ? {} : { pattern }) };
  }
  return readSubtree(rule, path, report);
}
