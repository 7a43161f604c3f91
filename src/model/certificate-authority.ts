/** CA of the embedded hierarchy, as configured; its keys and certificates are generations of it in the store. */
import { z } from 'zod';
import { durationSchema } from './duration.js';
import { generatedKeyTypeSchema } from './key-constraints.js';
import { nameSchema } from './label.js';

export const certificateAuthoritySchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema.optional(),
  /** The CA that certifies this one; a CA without is a root. */
  parent: nameSchema.optional(),
  /** RFC 4514 text, such as `CN=Acme Issuing CA,O=Acme`. */
  subject: z.string().min(3),
  key: generatedKeyTypeSchema,
  signatureHash: z.enum(['sha256', 'sha384', 'sha512']).optional(),
  validity: durationSchema,
  pathLength: z.int().min(0).optional(),
  /** Whether it may issue CA certificates to gateways (unmanaged CAs). */
  issueIntermediates: z.boolean().default(false),
  /** Whether its next generation is made and announced (SCEP GetNextCACert), without issuing yet. */
  stageNextGeneration: z.boolean().default(false),
  /** How far in the past certificates begin, for devices whose clock is slow. */
  backdate: durationSchema.default(60),
  crl: z
    .strictObject({
      /** A CA with many certificates spreads them over several CRLs. */
      partitions: z.int().min(1).max(1024).default(1),
      interval: durationSchema.default(86_400),
      validity: durationSchema.default(7 * 86_400),
    })
    .default({ partitions: 1, interval: 86_400, validity: 7 * 86_400 }),
});
export type CertificateAuthorityConfig = z.output<typeof certificateAuthoritySchema>;

/** previous: still verifies and signs CRLs; current: issues; next: announced, not yet issuing. */
export const generationStates = ['previous', 'current', 'next'] as const;
export type GenerationState = (typeof generationStates)[number];
