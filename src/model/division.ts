/** Division: an organisational part with its own devices and policies. */
import { z } from 'zod';
import { nameSchema } from './label.js';

/** The base URLs under which a division's devices reach the gateway. */
const rendezvousZoneSchema = z.strictObject({
  https: z.url({ protocol: /^https$/ }),
  http: z.url({ protocol: /^http$/ }).optional(),
});

export const divisionSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  /** Marked production or non-production: nothing of one is used from the other. Not marked where absent. */
  production: z.boolean().optional(),
  rendezvousZone: rendezvousZoneSchema.optional(),
  secondaryRendezvousZone: rendezvousZoneSchema.optional(),
});
export type Division = z.output<typeof divisionSchema>;
