/** Device: a registered thing with identifiers and attributes. */
import { z } from 'zod';
import { nameSchema } from './label.js';

export const deviceStates = ['registered', 'provisioned', 'operational', 'suspended', 'retired'] as const;
export type DeviceState = (typeof deviceStates)[number];

export interface Device {
  readonly id: string;
  readonly division: string;
  readonly name: string;
  readonly group: string;
  readonly state: DeviceState;
  /** Serial number, hardware id, MAC address …, by the name that profiles use for them. */
  readonly identifiers: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

/** A device as a configuration file has it: never its state, which comes from what happens to it. */
export const deviceConfigSchema = z.strictObject({
  name: z.string().describe('as its credential, serial number or common name will have it'),
  group: nameSchema.describe('a static one, which also says the division'),
  identifiers: z.record(z.string(), z.string()).optional().describe('all of them; as they are, if left out'),
  attributes: z.record(z.string(), z.string()).optional().describe('all of them; as they are, if left out'),
});
export type DeviceConfig = z.output<typeof deviceConfigSchema>;
