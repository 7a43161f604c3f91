/** Name constraints (RFC 5280 4.2.1.10) as they are written in configuration: of a CA, and of a profile for gateways' CAs. */
import { z } from 'zod';

/** The forms of names that constraints may be about. */
export const constrainedForms = ['dns', 'ip', 'email', 'uri', 'directoryName'] as const;
export type ConstrainedForm = (typeof constrainedForms)[number];

const text = z.string().min(1).max(1024).optional();

const subtreeSchema = z
  .strictObject({
    dns: text.describe('a domain: itself and everything below it'),
    ip: text.describe('a network, such as `10.0.0.0/8`'),
    email: text.describe('a mailbox, a host, or `.` and a domain for all hosts below it'),
    uri: text.describe('a host, or `.` and a domain for all hosts below it'),
    directoryName: text.describe('what subjects begin with, as RFC 4514 text'),
  })
  .refine((subtree) => Object.values(subtree).filter((value) => value !== undefined).length === 1, {
    error: 'one of dns, ip, email, uri and directoryName',
  });

const deviceSubtreeSchema = z.strictObject({
  type: z.enum(constrainedForms),
  source: z.literal('device'),
  field: z.string().min(1).describe('`name`, `group`, `identifiers.<name>` or `attributes.<name>`'),
  required: z.boolean().default(true).describe('whether a device without it is refused; else this subtree is left out'),
  pattern: z.string().max(500).optional().describe('a regular expression that the value must match as a whole'),
});

const maximumSubtrees = 64;

function listsOf<Subtree extends z.ZodType>(subtree: Subtree) {
  const list = z.array(subtree).max(maximumSubtrees).default([]);
  return z
    .strictObject({ permitted: list, excluded: list })
    .refine(({ permitted, excluded }) => permitted.length + excluded.length > 0, {
      error: 'at least one subtree, permitted or excluded',
    });
}

/** Of a CA: each subtree as one form and its value. */
export const nameConstraintsSchema = listsOf(subtreeSchema);
export type FixedNameConstraints = z.output<typeof nameConstraintsSchema>;

/** Of a profile: such subtrees, and some whose value each device has of its own. */
export const profileNameConstraintsSchema = listsOf(z.union([subtreeSchema, deviceSubtreeSchema]));
export type ProfileNameConstraints = z.output<typeof profileNameConstraintsSchema>;
