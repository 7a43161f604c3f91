import { describe, expect, it } from '@jest/globals';
import { nameConstraintsSchema, profileNameConstraintsSchema } from '../../../src/model/name-constraints.js';

describe('name constraints in configuration', () => {
  it('are lists of subtrees, each of one form', () => {
    expect(nameConstraintsSchema.parse({ permitted: [{ dns: 'plant.example' }] })).toEqual({
      permitted: [{ dns: 'plant.example' }],
      excluded: [],
    });
  });

  it.each([
    {},
    { permitted: [] },
    { permitted: [{}] },
    { permitted: [{ dns: 'a.example', ip: '10.0.0.0/8' }] },
    { excluded: [{ registeredId: '1.2.3' }] },
    { permitted: new Array(65).fill({ dns: 'a.example' }) },
  ])('are not %j', (written) => {
    expect(nameConstraintsSchema.safeParse(written).success).toBe(false);
    expect(profileNameConstraintsSchema.safeParse(written).success).toBe(false);
  });

  it('come from devices in profiles only', () => {
    const written = { permitted: [{ type: 'dns', source: 'device', field: 'name' }] };
    expect(profileNameConstraintsSchema.parse(written).permitted).toMatchObject([{ required: true }]);
    expect(nameConstraintsSchema.safeParse(written).success).toBe(false);
  });
});
