/** Certificate profile: the values, within one template, and where each comes from. */
import { z } from 'zod';
import { extendedKeyUsageSchema, keyUsageNames, oidSchema, subjectAltNameTypes } from './certificate-template.js';
import { durationSchema } from './duration.js';
import { nameSchema } from './label.js';
import { profileNameConstraintsSchema } from './name-constraints.js';

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
  pattern: z.string().max(500).optional().describe('a regular expression that each value must match as a whole'),
};

const subjectAttributeRuleSchema = z.strictObject({
  attribute: z.string(),
  ...sourceFields,
  maximum: z.int().min(1).max(20).default(1).describe('how many values a request may give'),
});
export type SubjectAttributeRule = z.output<typeof subjectAttributeRuleSchema>;

const subjectAltNameRuleSchema = z.strictObject({
  type: z.enum(subjectAltNameTypes),
  typeId: oidSchema.optional().describe('the object identifier of an `otherName`'),
  ...sourceFields,
  maximum: z.int().min(1).max(100).default(10),
  wildcard: z.boolean().default(false).describe('whether a `dns` name may begin with `*.`'),
});
export type SubjectAltNameRule = z.output<typeof subjectAltNameRuleSchema>;

const extensionRuleSchema = z.strictObject({
  id: oidSchema,
  critical: z.boolean().default(false),
  encoding: z
    .enum(['utf8', 'printable', 'ia5', 'integer', 'octets', 'der'])
    .default('utf8')
    .describe('how the value is encoded inside the extension; `der` takes hex of a complete DER value'),
  ...sourceFields,
});
export type ExtensionRule = z.output<typeof extensionRuleSchema>;

export const certificateProfileSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  template: nameSchema,
  subject: z
    .array(subjectAttributeRuleSchema)
    .default([])
    .describe('in the order in which the attributes stand in the certificate'),
  subjectAltNames: z.array(subjectAltNameRuleSchema).default([]),
  extensions: z.array(extensionRuleSchema).default([]),
  otherExtensions: z
    .enum(['refuse', 'ignore'])
    .default('refuse')
    .describe('whether a requested extension that no rule names is left out (and reported) or refuses the request'),
  keyUsages: z.array(z.enum(keyUsageNames)).default(['digitalSignature']),
  extendedKeyUsages: z.array(extendedKeyUsageSchema).default([]),
  usageSource: z
    .enum(['fixed', 'request'])
    .default('fixed')
    .describe(
      '`fixed`: the lists above, whatever is asked. `request`: of those lists what was asked, all of them if nothing was',
    ),
  certificatePolicies: z.array(oidSchema).default([]),
  pathLength: z.int().min(0).optional().describe('for CA certificates; absent in all others'),
  nameConstraints: profileNameConstraintsSchema
    .optional()
    .describe(
      'which names the CA may issue to (RFC 5280 4.2.1.10), for CA certificates. Each in `permitted` and `excluded` is one of `dns`, `ip`, `email`, `uri` and `directoryName` with its value, or `type`, `source: device` and `field` for one that each device has of its own',
    ),
  validity: durationSchema,
  requestedValidity: z
    .boolean()
    .default(true)
    .describe("whether a request may ask for an earlier end of validity than the profile's"),
  renewal: z
    .strictObject({
      window: durationSchema
        .optional()
        .describe('how long before its end a certificate may be re-enrolled; always, if absent'),
      grace: durationSchema.default(0).describe('how long after its end it still may'),
      key: z
        .enum(['same', 'new', 'any'])
        .default('any')
        .describe('whether re-enrollment keeps the key, must change it, or either'),
    })
    .default({ grace: 0, key: 'any' }),
});
export type CertificateProfile = z.output<typeof certificateProfileSchema>;
