/** Division: an organisational part with its own devices and policies. */
import { z } from 'zod';
import { nameSchema } from './label.js';

/** The base URLs under which a division's devices reach the gateway. */
const rendezvousZoneSchema = z.strictObject({
  https: z.url({ protocol: /^https$/ }).describe('base URL over TLS'),
  http: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe('base URL without TLS, for protocols that protect their messages themselves'),
});

export const divisionSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  production: z
    .boolean()
    .optional()
    .describe(
      'marks it as production (true) or non-production (false): a CA, policy or device of one is never used from the other; without a mark it belongs to neither',
    ),
  rendezvousZone: rendezvousZoneSchema
    .optional()
    .describe("base URLs that its devices use; the hosts become names in the gateway's TLS certificate"),
  secondaryRendezvousZone: rendezvousZoneSchema.optional().describe('a second one'),
});
export type Division = z.output<typeof divisionSchema>;
