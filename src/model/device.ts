/** Device: a registered thing with identifiers and attributes. */

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
