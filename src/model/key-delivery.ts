/** In which form somebody gets a private key that the gateway makes for it. */
import { z } from 'zod';
import { generatedKeyTypeSchema } from './key-constraints.js';

/** PKCS #12 tools of all ages read such passwords alike. */
const password = z.string().regex(/^[\x20-\x7e]{8,128}$/, 'a password is 8 to 128 printable ASCII characters');
const type = generatedKeyTypeSchema.optional();

export const keyDeliverySchema = z.discriminatedUnion('format', [
  z.strictObject({ type, format: z.literal('pkcs8') }),
  z.strictObject({ type, format: z.literal('encrypted-pkcs8'), password }),
  z.strictObject({ type, format: z.literal('pkcs12'), password }),
]);
export type KeyDelivery = z.output<typeof keyDeliverySchema>;
