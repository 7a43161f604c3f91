/** CA of the embedded hierarchy, as configured; its keys and certificates are generations of it in the store. */
import { z } from 'zod';
import { cpsSchema, cpsUrlSchema, locationsSchema } from './ca-locations.js';
import { durationSchema } from './duration.js';
import { generatedKeyTypes } from './key-constraints.js';
import { keyStoreNameSchema } from './key-store.js';
import { nameSchema } from './label.js';
import { nameConstraintsSchema } from './name-constraints.js';

const deltaSchema = z.strictObject({
  interval: durationSchema.default(600).describe('how often a delta is published when nothing has changed'),
  validity: durationSchema.default(3600).describe('how long one is valid; longer than the interval'),
});

const crlSchema = z.strictObject({
  interval: durationSchema.default(86_400).describe('how often a CRL is published when nothing has changed'),
  validity: durationSchema.default(7 * 86_400).describe('how long one is valid; longer than the interval'),
  publishWithin: durationSchema.default(10).describe('how long after a revocation the next CRL is there, at most'),
  maximumCertificates: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2000)
    .describe('how many certificates share one CRL; for those after them another one is begun'),
  scope: z
    .enum(['auto', 'always'])
    .default('auto')
    .describe('whether CRLs name their distribution point: where one alone does not cover the CA, or always'),
  delta: deltaSchema
    .optional()
    .describe('publishes delta CRLs as well, which say what has changed since the last regular one'),
});

export const certificateAuthoritySchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema.optional().describe('the only division whose policies may use it; any, if absent'),
  parent: nameSchema.optional().describe('the CA that certifies it; a CA without is a root'),
  subject: z.string().min(3).max(800).describe('RFC 4514 text, such as `CN=Acme Issuing CA,O=Acme`'),
  key: z
    .enum([...generatedKeyTypes, 'external'])
    .describe(
      'of the keys that are made for it; `external`: none is, its keys and certificates come by `gatehouse ca import`, or its certificate alone by `gatehouse ca certificate import`',
    ),
  keyStore: keyStoreNameSchema
    .optional()
    .describe(
      "where its keys are made, or imported into: a name of the settings' `keyStores`; in the database, sealed, if absent",
    ),
  rsaPadding: z
    .enum(['pkcs1', 'pss'])
    .optional()
    .describe('how an RSA key signs certificates and CRLs: PKCS #1 v1.5, if absent, or RSASSA-PSS; it works at once'),
  signatureHash: z.enum(['sha256', 'sha384', 'sha512']).optional().describe('fits the key, if absent'),
  validity: durationSchema.default(10 * 365 * 86_400).describe('of its own certificate'),
  pathLength: z.int().min(0).optional().describe('how many CAs may follow it; 0 for one that issues to devices'),
  issueIntermediates: z.boolean().default(false).describe('whether it may issue CA certificates to gateways'),
  stageNextGeneration: z
    .boolean()
    .default(false)
    .describe(
      'whether its second key and certificate are made and announced (SCEP GetNextCACert), without issuing yet: once. Later ones by `gatehouse ca stage`',
    ),
  certificatePolicies: z
    .array(
      z.strictObject({
        id: z
          .string()
          .regex(/^[0-2](\.(0|[1-9]\d*)){1,20}$/, 'a dotted object identifier')
          .max(120),
        cps: cpsUrlSchema
          .optional()
          .describe("where the certification practice statement is; where the CA's `cps` is, if absent"),
        notice: z.string().min(1).max(200).optional().describe('a text for people to read'),
      }),
    )
    .min(1)
    .max(20)
    .refine((policies) => new Set(policies.map(({ id }) => id)).size === policies.length, 'each policy once')
    .optional()
    .describe('of its own certificate (RFC 5280 4.2.1.4); none, if absent'),
  nameConstraints: nameConstraintsSchema
    .optional()
    .describe('of its own certificate: which names may be in what it and the CAs below it issue; all, if absent'),
  cps: cpsSchema
    .optional()
    .describe('its certification practice statement: certificate policies of what it issues say where that is'),
  locations: locationsSchema.optional().describe('where what it issues says that its CRLs and certificates are'),
  backdate: durationSchema.default(60).describe('how far in the past certificates begin, for slow clocks'),
  crl: crlSchema.default(crlSchema.parse({})),
  ocsp: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('whether requests about its certificates are answered, and new certificates say where'),
      validity: durationSchema
        .refine((seconds) => seconds >= 60 && seconds <= 7 * 86_400, 'an answer is valid for 1m to 7d')
        .default(3_600)
        .describe('how long an answer is valid'),
      maximumAge: durationSchema
        .default(60)
        .describe('how long HTTP caches may keep an answer: a revocation may take so long to reach those behind them'),
      unissued: z
        .enum(['unknown', 'revoked'])
        .default('unknown')
        .describe('what is said of serial numbers that were never issued (RFC 6960 2.2)'),
    })
    .default({ enabled: true, validity: 3_600, maximumAge: 60, unissued: 'unknown' }),
});
export type CertificateAuthorityConfig = z.output<typeof certificateAuthoritySchema>;

/** The OCSP settings of a CA; the usual ones for a CA that is not configured any more and whose certificates go on. */
export function ocspOf(config: CertificateAuthorityConfig | undefined): CertificateAuthorityConfig['ocsp'] {
  return config?.ocsp ?? certificateAuthoritySchema.shape.ocsp.parse(undefined);
}

/** previous: still verifies and signs CRLs; current: issues; next: announced, not yet issuing. */
export const generationStates = ['previous', 'current', 'next'] as const;
export type GenerationState = (typeof generationStates)[number];
