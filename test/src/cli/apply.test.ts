import { describe, expect, it } from '@jest/globals';
import { describePlan } from '../../../src/cli/apply.js';
import { smallFleet, withConfiguredStore } from '../catalog/configured-store.js';

describe('gatehouse apply', () => {
  it('shows each object with a sign, what changes, and no secret', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      await apply(smallFleet);
      const changed = smallFleet
        .replace('- name: plant', '- name: plant\n  - name: office')
        .replace('methods: [est]', 'methods: [est, cmp]\n    approval: manual')
        .replace('correct-horse', 'wrong-horse');
      const text = describePlan(await plan(changed));
      expect(text).toBe(`= division plant
+ division office
= device group pumps
= profile pump
= authentication policy pumps
= certificate authority root
= certificate authority devices
~ policy pumps
    methods[1]: (none) -> cmp
    approval: (none) -> manual
~ credential pumps/installer
    secret: (secret) -> (another secret)
= credential pumps/cmp
1 to create, 2 to change, 7 unchanged`);
    });
  });

  it('says when there is nothing to do', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      await apply(smallFleet);
      expect(
        describePlan(await plan(smallFleet))
          .split('\n')
          .at(-1),
      ).toBe('nothing to do');
    });
  });
});
