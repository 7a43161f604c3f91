import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Device } from '../../../src/model/device.js';
import { type DeviceFilter, deviceFilterSchema } from '../../../src/model/device-filter.js';
import { matchesFilter } from '../../../src/policy/device-filter.js';

const device: Device = {
  id: 'device-id',
  division: 'plant',
  name: 'pump-17',
  group: 'pumps',
  state: 'operational',
  identifiers: { serial: '4711' },
  attributes: { site: 'Ulm', empty: '' },
  updatedAt: 0,
};

describe('a device filter', () => {
  const cases: readonly [boolean, DeviceFilter][] = [
    [true, { field: 'name', equals: 'pump-17' }],
    [false, { field: 'name', equals: 'PUMP-17' }],
    [true, { field: 'group', in: ['valves', 'pumps'] }],
    [true, { field: 'state', equals: 'operational' }],
    [true, { field: 'division', startsWith: 'pl' }],
    [true, { field: 'identifiers.serial', startsWith: '47' }],
    [false, { field: 'identifiers.site', exists: true }],
    [true, { field: 'attributes.empty', exists: true }],
    [true, { field: 'attributes.gone', exists: false }],
    [false, { field: 'attributes.gone', equals: '' }],
    [false, { field: 'attributes.constructor', exists: true }],
    [true, { not: { field: 'attributes.gone', startsWith: 'a' } }],
    [
      false,
      {
        all: [
          { field: 'name', exists: true },
          { field: 'attributes.site', in: ['Bonn'] },
        ],
      },
    ],
    [
      true,
      {
        any: [
          { field: 'attributes.site', in: ['Bonn'] },
          { field: 'name', exists: true },
        ],
      },
    ],
  ];
  it.each(cases)('is %s for %j', (expected, filter) => {
    expect(deviceFilterSchema.parse(filter)).toEqual(filter);
    expect(matchesFilter(filter, device)).toBe(expected);
  });

  const refused: readonly [string, unknown, string][] = [
    ['no form', {}, 'is to be one of { all'],
    ['two forms', { all: [{ field: 'name', exists: true }], not: { field: 'name', exists: true } }, 'is to be one of'],
    ['two comparisons', { field: 'name', equals: 'a', exists: true }, 'is to be one of'],
    ['an unknown member', { field: 'name', equals: 'a', note: 'b' }, 'Unrecognized key'],
    ['nothing in all', { all: [] }, 'Too small'],
    ['a number', { field: 'name', equals: 4711 }, 'is to be one of'],
    ['an empty beginning', { field: 'name', startsWith: '' }, 'Too small'],
    ['six levels', nested(5), 'is deeper than 5 levels'],
    [
      '51 conditions',
      { any: [{ all: conditions(50) }, { field: 'name', exists: true }] },
      'has more than 50 conditions',
    ],
  ];
  it.each(refused)('with %s is refused', (_what, filter, message) => {
    const { error } = deviceFilterSchema.safeParse(filter);
    expect(error?.issues.map((issue) => issue.message).join()).toContain(message);
  });

  it.each(['id', 'identifiers', 'identifiers.', 'attributes.__proto__', 'updatedAt', 'name.x'])(
    'about %s is refused',
    (field) => {
      expect(deviceFilterSchema.safeParse({ field, exists: true }).success).toBe(false);
    },
  );

  it('may be five levels deep and have 50 conditions', () => {
    expect(deviceFilterSchema.safeParse(nested(4)).success).toBe(true);
    expect(deviceFilterSchema.safeParse({ any: conditions(50) }).success).toBe(true);
  });

  it('keeps the laws of logic', () => {
    const word = fc.constantFrom('', 'a', 'ab', 'b');
    const field = fc.constantFrom('name', 'group', 'identifiers.a', 'attributes.a', 'attributes.b');
    const { filter } = fc.letrec<{ filter: DeviceFilter }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 3 },
        fc.record({ field, equals: word }),
        fc.record({ field, in: fc.array(word, { minLength: 1, maxLength: 3 }) }),
        fc.record({ field, startsWith: fc.constantFrom('a', 'b') }),
        fc.record({ field, exists: fc.boolean() }),
        fc.record({ not: tie('filter') }),
        fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
      ),
    }));
    const devices = fc
      .record({
        name: word,
        group: word,
        identifiers: fc.dictionary(word, word),
        attributes: fc.dictionary(word, word),
      })
      .map((fields): Device => ({ ...device, ...fields }));
    fc.assert(
      fc.property(filter, filter, devices, (a, b, each) => {
        const [isA, isB] = [matchesFilter(a, each), matchesFilter(b, each)];
        expect(matchesFilter({ not: a }, each)).toBe(!isA);
        expect(matchesFilter({ all: [a, b] }, each)).toBe(isA && isB);
        expect(matchesFilter({ any: [a, b] }, each)).toBe(isA || isB);
        expect(matchesFilter({ not: { any: [{ not: a }, { not: b }] } }, each)).toBe(isA && isB);
      }),
      { numRuns: 300 },
    );
  });

  it('with any value in its place is read or refused, and never fails', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(typeof deviceFilterSchema.safeParse(value).success).toBe('boolean');
      }),
      { numRuns: 300 },
    );
  });
});

function nested(times: number): unknown {
  return times === 0 ? { field: 'name', exists: true } : { not: nested(times - 1) };
}

function conditions(count: number): unknown[] {
  return Array.from({ length: count }, () => ({ field: 'name', exists: true }));
}
