/** Device group: the devices that policies attach to. Each device is in exactly one static group. */
import { z } from 'zod';
import { deviceFilterSchema } from './device-filter.js';
import { nameSchema } from './label.js';

export const deviceGroupSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema,
  enabled: z.boolean().default(true).describe('a disabled group takes no new devices; existing ones go on'),
  policies: z.array(nameSchema).default([]).describe('the policies that the label `<policy>~<group>` may name'),
  authenticationPolicy: nameSchema
    .optional()
    .describe("what opens the label `<policy>~<group>`, in place of the policy's own"),
  filter: deviceFilterSchema
    .optional()
    .describe('makes it a dynamic group: it has the devices of its division that the filter fits'),
});
export type DeviceGroup = z.output<typeof deviceGroupSchema>;
