/** JSON Merge Patch (RFC 7396). */
import { z } from 'zod';
import type { Json, JsonObject } from '../catalog/objects.js';

/** The body of a change. */
export const mergePatchSchema = z
  .looseObject({})
  .describe(
    'a JSON merge patch (RFC 7396): members that are null are taken away, others put in place; lists as a whole',
  );

/** @param patch JSON */
export function mergePatch(target: JsonObject, patch: Readonly<Record<string, unknown>>): JsonObject {
  const merged = new Map<string, Json>(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    const before = merged.get(name);
    if (value === null) merged.delete(name);
    else if (isObject(value)) merged.set(name, mergePatch(isObject(before) ? before : {}, value));
    else merged.set(name, value as Json);
  }
  // It makes members of their own of whatever names there are.
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
