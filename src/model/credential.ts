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
] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** What requests are made with besides: rights to manage the gateway, which no authentication policy contains. */
export const managingKinds = ['api-key', 'operator'] as const;

const timeSchema = z.iso.datetime({ offset: true });

/** When, from where and for whom a credential of any kind may be used. */
export const credentialConditions = {
  notBefore: timeSchema.optional().describe('when it begins to be valid; at once, if absent'),
  notAfter: timeSchema.optional().describe('when it ends to be; never, if absent'),
  allowedAddresses: z
    .array(networkSchema)
    .min(1)
    .optional()
    .describe('the addresses and networks that it may be used from; any, if absent'),
  registeredValues: registeredValuesSchema.optional().describe('what requests have to match that it is used for'),
};
/** Of all kinds but the authentication CA. */
export const credentialUsageLimit = {
  usageLimit: z.int().min(1).optional().describe('how many enrollments it may open; any number, if absent'),
};
const every = { name: nameSchema, ...credentialConditions };
const limited = { ...every, ...credentialUsageLimit };

// A colon would end it in HTTP Basic (RFC 7617 2), and NUL sets it apart in a passcode's keyed hash.
export const usernameSchema = z
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

/** Of passcodes and CMP secrets. */
export const secretSchema = z.string().min(8).max(255);
export const referenceSchema = z.string().min(1).max(255);
export const keyWrapKeySchema = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64})$/, 'an AES key of 16, 24 or 32 bytes in hex');

const kept = 'what is stored stays, if absent';

/** As in a configuration document. One that leaves the secret out has to be stored already. */
export const credentialSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('passcode'),
    ...limited,
    username: usernameSchema.optional().describe('the user name that has to come with it'),
    secret: secretSchema.optional().describe(kept),
  }),
  z.strictObject({ kind: z.literal('authentication-certificate'), ...limited, ...certificateFields }),
  z.strictObject({ kind: z.literal('authentication-ca'), ...every, ...certificateFields }),
  z.strictObject({
    kind: z.literal('cmp-secret'),
    ...limited,
    reference: referenceSchema.describe('what messages name it by'),
    secret: secretSchema.optional().describe(kept),
  }),
  z.strictObject({
    kind: z.literal('acme-account-key'),
    ...limited,
    keyId: referenceSchema.describe('what accounts name it by'),
    hmacKey: hmacKeySchema.optional().describe(kept),
  }),
  z.strictObject({
    kind: z.literal('key-wrap-key'),
    ...limited,
    identifier: referenceSchema.describe('what requests name it by'),
    key: keyWrapKeySchema.optional().describe(kept),
  }),
]);
export type CredentialConfig = z.output<typeof credentialSchema>;
/** The kinds that are configured. */
export type ConfiguredKind = CredentialConfig['kind'];
