/** Compiles what all rules of a profile share: where the value comes from, and the pattern that it must match. */
import type { NameRule, ValueSource } from './name-rule.js';
import { compilePattern, matchesPattern, PatternError } from './pattern.js';
import type { ProblemPath, ReportProblem } from './profile-problem.js';
import { parseCredentialField, parseDeviceField } from './source-field.js';

interface ConfiguredSource {
  readonly source: 'fixed' | 'request' | 'device' | 'credential';
  readonly value?: string | undefined;
  readonly field?: string | undefined;
  readonly pattern?: string | undefined;
}

/** The source of a rule; undefined, and reported, when `value` or `field` are missing, unknown or out of place. */
export function compileSource(
  rule: ConfiguredSource,
  path: ProblemPath,
  report: ReportProblem,
): ValueSource | undefined {
  const takesField = rule.source === 'device' || rule.source === 'credential';
  if (rule.source !== 'fixed' && rule.value !== undefined) {
    report([...path, 'value'], `is for source fixed, not for ${rule.source}`);
  }
  if (!takesField && rule.field !== undefined) report([...path, 'field'], `has no meaning with source ${rule.source}`);
  if (rule.source === 'request') return { from: 'request' };
  if (rule.source === 'fixed') {
    if (rule.value !== undefined) return { from: 'fixed', value: rule.value };
    report([...path, 'value'], 'is needed with source fixed');
    return undefined;
  }
  if (rule.field === undefined) {
    report([...path, 'field'], `is needed with source ${rule.source}`);
    return undefined;
  }
  return rule.source === 'device' ? deviceSource(rule.field, path, report) : credentialSource(rule.field, path, report);
}

/** The pattern of a rule, compiled; reported when it is none, is too costly, or does not match the fixed value. */
export function compileRulePattern(
  rule: ConfiguredSource,
  path: ProblemPath,
  report: ReportProblem,
): NameRule['pattern'] | undefined {
  if (rule.pattern === undefined) return undefined;
  try {
    const expression = compilePattern(rule.pattern);
    if (rule.source === 'fixed' && rule.value !== undefined && !matchesPattern(expression, rule.value)) {
      report([...path, 'value'], 'does not match the pattern');
    }
    return { text: rule.pattern, expression };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    report([...path, 'pattern'], error.message);
    return undefined;
  }
}

function deviceSource(field: string, path: ProblemPath, report: ReportProblem): ValueSource | undefined {
  const parsed = parseDeviceField(field);
  if (parsed !== undefined) return { from: 'device', field: parsed };
  report([...path, 'field'], 'of a device is name, group, identifiers.<name> or attributes.<name>');
  return undefined;
}

function credentialSource(field: string, path: ProblemPath, report: ReportProblem): ValueSource | undefined {
  const parsed = parseCredentialField(field);
  if (parsed !== undefined) return { from: 'credential', field: parsed };
  report([...path, 'field'], 'of a credential is name, username or subject.<attribute>');
  return undefined;
}
