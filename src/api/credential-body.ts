/** Credentials as requests to the management API give them. */
import { z } from 'zod';
import { proofAlgorithms } from '../catalog/ca-possession.js';
import {
  credentialConditions,
  credentialUsageLimit,
  keyWrapKeySchema,
  referenceSchema,
  secretSchema,
  usernameSchema,
} from '../model/credential.js';
import { nameSchema } from '../model/label.js';

const pem = z.string().max(200_000);
const name = nameSchema.describe('unique within the authentication policy');
const every = { name, ...credentialConditions };
const limited = { ...every, ...credentialUsageLimit };
const count = z
  .int()
  .min(1)
  .max(1000)
  .optional()
  .describe('how many to make, named `<name>-1`, `<name>-2` …; only where the gateway makes the secrets');

const proofSchema = z.union([
  z.strictObject({
    challenge: z.string().max(64),
    signature: z.base64().max(10_000).describe("of the CA's key over the text of the challenge"),
    algorithm: z
      .enum(proofAlgorithms)
      .optional()
      .describe('that of the key with SHA-256, and PKCS #1 v1.5 for RSA, if absent'),
  }),
  z.strictObject({
    challenge: z.string().max(64),
    certificate: pem.describe('PEM, issued by the CA, with the challenge as common name'),
  }),
]);

export const newCredentialSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('passcode'),
      ...limited,
      username: usernameSchema.optional().describe('the user name that has to come with it'),
      secret: secretSchema.optional().describe('made up, and shown once, if absent'),
      count,
    }),
    z.strictObject({
      kind: z.literal('authentication-certificate'),
      ...limited,
      certificate: pem.describe('PEM of one certificate'),
    }),
    z.strictObject({
      kind: z.literal('authentication-ca'),
      ...every,
      certificate: pem.describe(
        'PEM of a CA, or of a chain of them: each is then a credential of its own, `<name>-1`, `<name>-2` …',
      ),
      proof: proofSchema
        .optional()
        .describe('that its key is at hand; needed where the authentication policy has requireCaProof'),
    }),
    z.strictObject({
      kind: z.literal('cmp-secret'),
      ...limited,
      reference: referenceSchema.optional().describe('what messages name it by; its name, if absent'),
      secret: secretSchema.optional().describe('made up, and shown once, if absent'),
      count,
    }),
    z.strictObject({ kind: z.literal('acme-account-key'), ...limited, count }),
    z.strictObject({
      kind: z.literal('key-wrap-key'),
      ...limited,
      identifier: referenceSchema.describe('what requests name it by'),
      key: keyWrapKeySchema,
    }),
  ])
  .meta({ id: 'NewCredential' });
export type NewCredentialBody = z.output<typeof newCredentialSchema>;

/** What can be changed of one. */
export const conditionsSchema = z.strictObject({ ...credentialConditions, ...credentialUsageLimit });
