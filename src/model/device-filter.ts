/** What the devices of a dynamic group have in common. */
import { z } from 'zod';
import { nameSchema } from './label.js';

export type DeviceFilter =
  | { readonly all: readonly DeviceFilter[] }
  | { readonly any: readonly DeviceFilter[] }
  | { readonly not: DeviceFilter }
  | DeviceCondition;

/** About one field: `name`, `group`, `state`, `division`, `identifiers.<name>` or `attributes.<name>`. */
export type DeviceCondition = { readonly field: string } & (
  | { readonly equals: string }
  | { readonly in: readonly string[] }
  | { readonly startsWith: string }
  | { readonly exists: boolean }
);

/** Enough to say much, and little enough to be asked of every device. */
const maximumDepth = 5;
const maximumConditions = 50;

const form =
  'is to be one of { all: […] }, { any: […] }, { not: … }, { field: …, equals: … }, { field: …, in: […] }, { field: …, startsWith: … } and { field: …, exists: true or false }';

const field = z.string().refine(isField, {
  message: 'of a device is name, group, state, division, identifiers.<name> or attributes.<name>',
});
const text = z.string().max(255);
const anyForm: z.ZodType<DeviceFilter, DeviceFilter> = z
  .union(
    [
      z.strictObject({
        get all() {
          return branches();
        },
      }),
      z.strictObject({
        get any() {
          return branches();
        },
      }),
      z.strictObject({
        get not() {
          return anyForm;
        },
      }),
      z.strictObject({ field, equals: text }),
      z.strictObject({ field, in: z.array(text).min(1).max(100) }),
      z.strictObject({ field, startsWith: text.min(1) }),
      z.strictObject({ field, exists: z.boolean() }),
    ],
    { error: form },
  )
  .meta({ id: 'DeviceFilter', description: 'Conditions on devices, at most 50 of them and 5 levels deep.' });

/** Values are compared as they stand: upper and lower case differ. */
// Around the form, not a copy of it: with a copy, JSON Schemas have the first level twice.
export const deviceFilterSchema: z.ZodType<DeviceFilter, DeviceFilter> = z
  .nonoptional(anyForm)
  .superRefine((filter, context) => {
    const { depth, conditions } = sizeOf(filter);
    if (depth > maximumDepth) context.addIssue({ code: 'custom', message: `is deeper than ${maximumDepth} levels` });
    if (conditions > maximumConditions) {
      context.addIssue({ code: 'custom', message: `has more than ${maximumConditions} conditions` });
    }
  });

function branches() {
  return z.array(anyForm).min(1).max(maximumConditions);
}

function isField(name: string): boolean {
  if (['name', 'group', 'state', 'division'].includes(name)) return true;
  const [, member] = /^(?:identifiers|attributes)\.(.+)$/s.exec(name) ?? [];
  return member !== undefined && nameSchema.safeParse(member).success;
}

function sizeOf(filter: DeviceFilter): { readonly depth: number; readonly conditions: number } {
  if ('field' in filter) return { depth: 1, conditions: 1 };
  const parts = ('not' in filter ? [filter.not] : 'all' in filter ? filter.all : filter.any).map(sizeOf);
  return {
    depth: 1 + Math.max(...parts.map(({ depth }) => depth)),
    conditions: parts.reduce((sum, { conditions }) => sum + conditions, 0),
  };
}
