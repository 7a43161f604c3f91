/** Certificate profile: the values, within one template, and where each comes from. */
import { z } from 'zod';
import { extendedKeyUsageSchema, keyUsageNames, oidSchema, subjectAltNameTypes } from './certificate-template.js';
import { durationSchema } from './duration.js';
import { nameSchema } from './label.js';

/**
 * `fixed` takes `value`; `request` copies what was asked; `device` takes `field` of the device (`name`, `group`,
 * `identifiers.<name>`, `attributes.<name>`); `credential` takes `field` of what authenticated the request
 * (`name`, `username`, `subject.<attribute>` of its certificate).
 */
const sourceFields = {
  source: z.enum(['fixed', 'request', 'device', 'credential']),
  value: z.string().min(1).optional(),
  field: z.string().min(1).optional(),
  required: z.boolean().default(false),
  /** A regular expression that each value must match as a whole. */
  pattern: z.string().max(500).optional(),
};

const subjectAttributeRuleSchema = z.strictObject({
  attribute: z.string(),
  ...sourceFields,
  /** How many values a request may give. */
  maximum: z.int().min(1).max(20).default(1),
});
export type SubjectAttributeRule = z.output<typeof subjectAttributeRuleSchema>;

const subjectAltNameRuleSchema = z.strictObject({
  type: z.enum(subjectAltNameTypes),
  /** The object identifier of an `otherName`. */
  typeId: oidSchema.optional(),
  ...sourceFields,
  maximum: z.int().min(1).max(100).default(10),
  /** Whether a `dns` name may begin with `*.`. */
  wildcard: z.boolean().default(false),
});
export type SubjectAltNameRule = z.output<typeof subjectAltNameRuleSchema>;

const extensionRuleSchema = z.strictObject({
  id: oidSchema,
  critical: z.boolean().default(false),
  /** How the value is encoded inside the extension; `der` takes hex of a complete DER value. */
  encoding: z.enum(['utf8', 'printable', 'ia5', 'integer', 'octets', 'der']).default('utf8'),
  ...sourceFields,
});
export type ExtensionRule = z.output<typeof extensionRuleSchema>;

export const certificateProfileSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  template: nameSchema,
  /** In the order in which the attributes stand in the certificate. */
  subject: z.array(subjectAttributeRuleSchema).default([]),
  subjectAltNames: z.array(subjectAltNameRuleSchema).default([]),
  extensions: z.array(extensionRuleSchema).default([]),
  /** Whether a requested extension that no rule names is left out (and reported) or refuses the request. */
  otherExtensions: z.enum(['refuse', 'ignore']).default('refuse'),
  keyUsages: z.array(z.enum(keyUsageNames)).default(['digitalSignature']),
  extendedKeyUsages: z.array(extendedKeyUsageSchema).default([]),
  /** `fixed`: the lists above, whatever is asked. `request`: of those lists what was asked, all of them if nothing was. */
  usageSource: z.enum(['fixed', 'request']).default('fixed'),
  certificatePolicies: z.array(oidSchema).default([]),
  /** For CA certificates; absent in all others. */
  pathLength: z.int().min(0).optional(),
  validity: durationSchema,
  /** Whether a request may ask for an earlier end of validity than the profile's. */
  requestedValidity: z.boolean().default(true),
  renewal: z
    .strictObject({
      /** How long before its end a certificate may be re-enrolled; always, if absent. */
      window: durationSchema.optional(),
      /** How long after its end it still may. */
      grace: durationSchema.default(0),
      /** Whether re-enrollment keeps the key, must change it, or either. */
      key: z.enum(['same', 'new', 'any']).default('any'),
    })
    .default({ grace: 0, key: 'any' }),
});
export type CertificateProfile = z.output<typeof certificateProfileSchema>;
