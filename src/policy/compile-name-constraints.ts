/** Compiles name constraints, a profile's and a CA's; what is fixed is read once, what each device has of its own at each request. */
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import {
  type ConstrainedForm,
  constrainedForms,
  type FixedNameConstraints,
  type ProfileNameConstraints,
} from '../model/name-constraints.js';
import { type NameSubtree, parseNameSubtree } from '../x509/encode-name-constraints.js';
import { compileRulePattern, compileSource } from './compile-source.js';
import type { NameRule, ValueSource } from './name-rule.js';
import type { ProblemPath, ReportProblem } from './profile-problem.js';
import { quote } from './safe-text.js';

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

/** The same of a CA, where each subtree is fixed: those that can be read. */
export function compileFixedConstraints(
  nameConstraints: FixedNameConstraints,
  report: ReportProblem,
): { readonly permitted: readonly NameSubtree[]; readonly excluded: readonly NameSubtree[] } {
  const compile = (list: 'permitted' | 'excluded') =>
    nameConstraints[list].flatMap((rule, i) => compileFixed(rule, ['nameConstraints', list, i], report) ?? []);
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
  return compileFixed(rule, path, report);
}

function compileFixed(
  rule: FixedNameConstraints['permitted'][number],
  path: ProblemPath,
  report: ReportProblem,
): NameSubtree | undefined {
  const form = constrainedForms.find((each) => rule[each] !== undefined);
  if (form === undefined) return undefined;
  const text = rule[form] ?? '';
  try {
    return parseNameSubtree(form, text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    report([...path, form], `${quote(text)} ${error.message}`);
    return undefined;
  }
}
