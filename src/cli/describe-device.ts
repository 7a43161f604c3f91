/** Devices as people and programs read them. */
import { z } from 'zod';
import type { DeviceRecord } from '../store/device-repository.js';
import { timeText } from './table.js';

const texts = z.record(z.string(), z.string());

/** A device for programs. */
export function deviceJson(record: DeviceRecord): object {
  const { id, name, division, groupName, state, createdAt, updatedAt } = record;
  return {
    id,
    name,
    division,
    group: groupName,
    state,
    identifiers: texts.parse(JSON.parse(record.identifiers)),
    attributes: texts.parse(JSON.parse(record.attributes)),
    registeredAt: timeText(createdAt),
    changedAt: timeText(updatedAt),
  };
}

/** The store's JSON text of identifiers or attributes, as `name=value, …`. */
export function pairsText(json: string): string {
  return Object.entries(texts.parse(JSON.parse(json)))
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
