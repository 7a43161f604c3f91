/** What an operator sets for the certificate of a foreign CA by one here. */
import { z } from 'zod';
import { durationSchema } from './duration.js';
import { nameConstraintsSchema } from './name-constraints.js';

/** Each may be absent. */
export const crossCertificationFields = {
  pathLength: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('how many CAs may follow it; as many as its own certificate and the CA here let, if absent'),
  nameConstraints: nameConstraintsSchema
    .optional()
    .describe('which names it may issue for (RFC 5280 4.2.1.10); those of its own certificate, if absent'),
  validity: durationSchema.optional().describe('within that of both CAs; until the first of them ends, if absent'),
  certificatePolicies: z
    .array(
      z
        .string()
        .regex(/^[0-2](\.(0|[1-9]\d*)){1,20}$/, 'a dotted object identifier')
        .max(120),
    )
    .min(1)
    .max(20)
    .refine((policies) => new Set(policies).size === policies.length, 'each policy once')
    .optional()
    .describe('under which it may issue (RFC 5280 4.2.1.4); none, if absent'),
} as const;

export const crossCertificationSchema = z.strictObject(crossCertificationFields);
export type CrossCertificationLimits = z.output<typeof crossCertificationSchema>;
