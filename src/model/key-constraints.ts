/** Which public keys a template lets into certificates. */
import { z } from 'zod';

export const curves = ['P-256', 'P-384', 'P-521'] as const;
export type Curve = (typeof curves)[number];

/** An absent member forbids that key type. */
export const keyConstraintsSchema = z.strictObject({
  rsa: z
    .strictObject({
      minimumBits: z.int().min(1024).max(16_384),
      maximumBits: z.int().min(1024).max(16_384).default(8192),
    })
    .optional(),
  ec: z.strictObject({ curves: z.array(z.enum(curves)).min(1) }).optional(),
  ed25519: z.boolean().default(false),
  ed448: z.boolean().default(false),
  /** Keys that sign nothing: only CMP can ask for their certificates. */
  x25519: z.boolean().optional(),
  x448: z.boolean().optional(),
});
export type KeyConstraints = z.output<typeof keyConstraintsSchema>;

/** Keys that the gateway makes, for its CAs, its services and, over serverkeygen, for devices. */
export const generatedKeyTypes = [
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'ed25519',
] as const;
export type GeneratedKeyType = (typeof generatedKeyTypes)[number];
export const generatedKeyTypeSchema = z.enum(generatedKeyTypes);
