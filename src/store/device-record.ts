/** What the store keeps of a device. */
import type { DeviceState } from '../model/device.js';

export interface DeviceRecord {
  readonly id: string;
  readonly division: string;
  /** Unique within the division. */
  readonly name: string;
  readonly groupName: string;
  readonly state: DeviceState;
  /** JSON text. */
  readonly identifiers: string;
  /** JSON text. */
  readonly attributes: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds, but always later than before: every change moves it. */
  readonly updatedAt: number;
}

/** An identifier once more, to find devices by. */
export interface DeviceIdentifierRecord {
  readonly deviceId: string;
  readonly name: string;
  readonly value: string;
}

export const deviceColumns = [
  'id',
  'division',
  'name',
  'groupName',
  'state',
  'identifiers',
  'attributes',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof DeviceRecord)[];
