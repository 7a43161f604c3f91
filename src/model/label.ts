/** Names of configured things, as they stand in URLs: `<policy>` or `<policy>~<device group>`. */
import { z } from 'zod';

/** The operation segments of EST and CMP URLs, which no policy may be named like. */
const operationSegments = new Set([
  'cacerts',
  'csrattrs',
  'simpleenroll',
  'simplereenroll',
  'serverkeygen',
  'fullcmc',
  'p',
  'initialization',
  'certification',
  'keyupdate',
  'pkcs10',
  'revocation',
  'getcacerts',
  'getrootupdate',
  'getcertreqtemplate',
  'getcrls',
  'nested',
]);

export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'a name is 1 to 64 of the characters A-Z a-z 0-9 . _ - and starts with a letter or digit',
  );

export const policyNameSchema = nameSchema.refine((name) => !operationSegments.has(name.toLowerCase()), {
  message: 'a policy cannot be named like an operation of EST or CMP, because its name is part of their URLs',
});

interface Label {
  readonly policy: string;
  readonly group?: string;
}

/** Splits the label of an enrollment URL; the parts still have to be looked up. */
export function parseLabel(label: string): Label {
  const separator = label.indexOf('~');
  return separator < 0 ? { policy: label } : { policy: label.slice(0, separator), group: label.slice(separator + 1) };
}

/** The label of a policy for one of its groups. */
export function formatLabel(policy: string, group: string): string {
  return `${policy}~${group}`;
}
