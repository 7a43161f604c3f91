/** Device group: the devices that policies attach to. Each device is in exactly one static group. */
import { z } from 'zod';
import { deviceFilterSchema } from './device-filter.js';
import { nameSchema } from './label.js';

export const deviceGroupSchema = z.strictObject({
  name: nameSchema,
  description: z.string().optional(),
  division: nameSchema,
  /** A disabled group takes no new devices; existing ones go on. */
  enabled: z.boolean().default(true),
  /** The policies that the label `<policy>~<group>` may name. */
  policies: z.array(nameSchema).default([]),
  /** Makes the group a dynamic one: no device is put into it, all of the division that match are in it. */
  filter: deviceFilterSchema.optional(),
});
export type DeviceGroup = z.output<typeof deviceGroupSchema>;
