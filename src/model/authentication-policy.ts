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
  url: z.url({ protocol: /^https?$/ }),
  /** How long it may take, at most; no answer in time is no. */
  timeout: durationSchema.refine((seconds) => seconds >= 1 && seconds <= 60, 'a time from 1s to 60s').default(5),
  /** File with the key of the HMAC-SHA-256 that proves messages to come from this gateway. */
  secretFile: fullPathSchema.optional(),
  /** File of PEM certificates that its TLS certificate must chain to; those that Node trusts, if absent. */
  caFile: fullPathSchema.optional(),
  /** Networks that it may be in although requests into them are refused by default, such as 127.0.0.0/8. */
  allowedNetworks: z.array(networkSchema).default([]),
});
export type ChallengeWebhook = z.output<typeof challengeWebhookSchema>;

export const authenticationPolicySchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema,
  /** The methods that its credentials may be used with. */
  methods: z.array(methodSchema).default([...methods]),
  /** What a request must present: one credential of any kind, one of a given kind, or a certificate and a secret together. */
  require: z.enum(['any', 'secret', 'certificate', 'certificate-and-secret']).default('any'),
  /** Whether a certificate issued by this gateway, under a policy with this authentication policy, identifies its device. */
  acceptIssuedCertificates: z.boolean().default(true),
  challengeWebhook: challengeWebhookSchema.optional(),
  credentials: z.array(credentialSchema).default([]),
});
export type AuthenticationPolicy = Omit<z.output<typeof authenticationPolicySchema>, 'credentials'>;
