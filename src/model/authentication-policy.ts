/** Authentication policy: which credentials open which protocols. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { credentialSchema } from './credential.js';
import { durationSchema } from './duration.js';
import { nameSchema } from './label.js';
import { networkSchema } from './network.js';
import { methodSchema, methods } from './protocol-name.js';

/** Files that are read while the gateway runs, wherever it was started. */
const fullPathSchema = z.string().refine(isAbsolute, 'a full path, such as /etc/gatehouse/webhook-secret');

/** Asks a service of the operator's, such as the connector of a device management, whether a SCEP challenge is good. */
const challengeWebhookSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('whom to ask about SCEP challenges that are none of its passcodes'),
  timeout: durationSchema
    .refine((seconds) => seconds >= 1 && seconds <= 60, 'a time from 1s to 60s')
    .default(5)
    .describe('how long it may take, at most; no answer in time is no'),
  secretFile: fullPathSchema
    .optional()
    .describe('file with the key of the HMAC-SHA-256 that proves questions to come from this gateway'),
  caFile: fullPathSchema
    .optional()
    .describe('file of PEM certificates that its TLS certificate must chain to; those that Node trusts, if absent'),
  allowedNetworks: z
    .array(networkSchema)
    .default([])
    .describe('networks that it may be in although requests into them are refused by default, such as 127.0.0.0/8'),
});
export type ChallengeWebhook = z.output<typeof challengeWebhookSchema>;

export const authenticationPolicySchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema,
  methods: z
    .array(methodSchema)
    .default([...methods])
    .describe('the methods that its credentials may be used with'),
  require: z
    .enum(['any', 'secret', 'certificate', 'certificate-and-secret'])
    .default('any')
    .describe(
      'what a request must present: one credential of any kind, one of a given kind, or a certificate and a secret together',
    ),
  acceptIssuedCertificates: z
    .boolean()
    .default(true)
    .describe('whether certificates issued under policies with this authentication policy identify their devices'),
  requireCaProof: z
    .boolean()
    .default(false)
    .describe('whether who registers an authentication CA over the management API has to prove possession of its key'),
  challengeWebhook: challengeWebhookSchema
    .optional()
    .describe("asks a service of the operator's whether a SCEP challenge is good"),
  credentials: z.array(credentialSchema).default([]),
});
export type AuthenticationPolicy = Omit<z.output<typeof authenticationPolicySchema>, 'credentials'>;
