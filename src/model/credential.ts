/** Credentials: what opens an authentication policy (DESIGN section 2). */
import { z } from 'zod';
import { nameSchema } from './label.js';
import { networkSchema } from './network.js';
import { registeredValuesSchema } from './registered-values.js';

export const credentialKinds = [
  'passcode',
  'authentication-certificate',
  'authentication-ca',
  'cmp-secret',
  'acme-account-key',
  'key-wrap-key',
  // Set by a device's message (RFC 9810 appendix B), never configured.
  'revocation-passphrase',
  // Whoever manages the gateway and asks for devices.
  'operator',
] as const;
export type CredentialKind = (typeof credentialKinds)[number];

const validityFields = {
  name: nameSchema,
  notBefore: z.iso.datetime({ offset: true }).optional(),
  notAfter: z.iso.datetime({ offset: true }).optional(),
  allowedAddresses: z.array(networkSchema).min(1).optional(),
  registeredValues: registeredValuesSchema.optional(),
};
const usageLimit = z.int().min(1).optional();
// A colon would end it in HTTP Basic (RFC 7617 2), and NUL sets it apart in a passcode's keyed hash.
const usernameSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^:\p{Cc}]*$/u, 'a user name is without colons and control characters');
/** Where the certificate is given: as PEM text or as a file beside the configuration. */
const certificateFields = { certificate: z.string().optional(), certificateFile: z.string().optional() };

/** RFC 8555 7.3.4 has base64url; padding and the other alphabet of base64 say the same, and tools make such keys. */
const hmacKeySchema = z.string().refine(
  // Cut off by a character it would be read as another key.
  (text) => /^[A-Za-z0-9_+/-]{22,683}={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1,
  'a key of 16 to 512 bytes in base64url',
);

export const credentialSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('passcode'),
    ...validityFields,
    usageLimit,
    username: usernameSchema.optional(),
    secret: z.string().min(8).max(255),
  }),
  z.strictObject({
    kind: z.literal('authentication-certificate'),
    ...validityFields,
    usageLimit,
    ...certificateFields,
  }),
  z.strictObject({ kind: z.literal('authentication-ca'), ...validityFields, ...certificateFields }),
  z.strictObject({
    kind: z.literal('cmp-secret'),
    ...validityFields,
    usageLimit,
    reference: z.string().min(1).max(255),
    secret: z.string().min(8).max(255),
  }),
  z.strictObject({
    kind: z.literal('acme-account-key'),
    ...validityFields,
    usageLimit,
    keyId: z.string().min(1).max(255),
    hmacKey: hmacKeySchema,
  }),
  z.strictObject({
    kind: z.literal('key-wrap-key'),
    ...validityFields,
    usageLimit,
    identifier: z.string().min(1).max(255),
    key: z
      .string()
      .regex(/^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64})$/, 'an AES key of 16, 24 or 32 bytes in hex'),
  }),
]);
export type CredentialConfig = z.output<typeof credentialSchema>;
