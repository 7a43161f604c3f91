import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { applyCommand, describePlan } from '../../../src/cli/apply.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway } from '../../support/test-gateway.js';
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

  it('prints the plan as JSON, one step a line, and applies nothing in a dry run', async () => {
    const test = await startTestGateway({ configuration: fleet });
    const file = join(test.directory, 'asked.yaml');
    try {
      await applyYaml(test, policyLike('asked'));
      await writeFile(file, policyLike('asked', 'approval: manual'));
      const run = async (...words: string[]) =>
        JSON.parse(await runCommand(applyCommand, test, ['-f', file, '--json', ...words]));
      const step = {
        action: 'change',
        kind: 'policy',
        name: 'asked',
        differences: [{ path: 'approval', to: 'manual' }],
        note: null,
      };
      expect(await run('--dry-run')).toEqual(step);
      expect(await run()).toEqual(step);
      expect(await run()).toMatchObject({ action: 'unchanged', differences: [] });
    } finally {
      await test.close();
    }
  });
});
