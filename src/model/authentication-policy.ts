/** Authentication policy: which credentials open which protocols. */
import { z } from 'zod';
import { credentialSchema } from './credential.js';
import { nameSchema } from './label.js';
import { methodSchema, methods } from './protocol-name.js';

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
  credentials: z.array(credentialSchema).default([]),
});
export type AuthenticationPolicy = Omit<z.output<typeof authenticationPolicySchema>, 'credentials'>;
