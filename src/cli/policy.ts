/** `gatehouse policy`: list, show, switch on and off, and try what a policy would do. */
import { Command } from 'commander';
import { catalogKinds } from '../catalog/objects.js';
import { applyDocument } from '../declaration/apply.js';
import { type DocumentPlan, planDocument } from '../declaration/plan.js';
import type { Core } from '../open-core.js';
import { cataloguedCommand } from './catalog-command.js';
import { findObject } from './catalog-object.js';
import { evaluateCommand } from './evaluate-policy.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

export function policyCommand(run: RunWithCore): Command {
  const command = cataloguedCommand(
    {
      kind: 'policy',
      name: 'policy',
      description: 'certificate management policies: who gets which certificate from which CA, and how',
      plural: 'certificate management policies',
      example: 'quickstart',
      headings: ['DIVISION', 'ENABLED', 'ISSUING CA', 'METHODS', 'APPROVAL', 'DESCRIPTION'],
      row: ({ value }) => [
        value.division,
        `${value.enabled ? 'yes' : 'no'}${value.default ? ', default' : ''}`,
        value.issuingCa,
        value.methods.join(' '),
        value.approval,
        value.description ?? '',
      ],
      facts: async ({ name }, { catalog, store, clock }) => {
        const at = clock.now().getTime();
        const certificates = await store.certificates.countActiveByPolicy({ policy: name, at });
        const groups = [...catalog().groups.values()].filter(({ policies }) => policies.includes(name));
        const labels = [name, ...groups.map((group) => `${name}~${group.name}`)];
        return {
          lines: [`labels: ${labels.join(', ')}`, `valid certificates: ${certificates}`],
          members: { labels, validCertificates: certificates },
        };
      },
    },
    run,
  );
  command.addCommand(switchCommand('enable', run));
  command.addCommand(switchCommand('disable', run));
  command.addCommand(evaluateCommand(run));
  return command;
}

const wordings = {
  enable: { description: 'let a policy issue again', enabled: true },
  disable: {
    description: 'let a policy issue and renew nothing until it is enabled; its certificates stay valid',
    enabled: false,
  },
} as const;

function switchCommand(name: keyof typeof wordings, run: RunWithCore): Command {
  const { description, enabled } = wordings[name];
  return new Command(name)
    .argument('<name>')
    .description(description)
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse policy ${name} quickstart-rsa`)
    .action((policy: string, { json }: { json?: true }) =>
      run(async (core) => {
        const plan = await planSwitch(policy, enabled, core);
        const isChanged = await applyDocument(plan, { ...core, actor: person() });
        if (isChanged) await core.holder.refresh();
        if (json) return jsonLines([{ policy, enabled, changed: isChanged }]);
        return `policy ${policy} ${isChanged ? 'is' : 'was'} ${enabled ? 'enabled' : 'disabled'}${isChanged ? '' : ' already'}`;
      }),
    );
}

/** As applying a file that has the policy with nothing but this changed. */
async function planSwitch(policy: string, enabled: boolean, core: Core): Promise<DocumentPlan> {
  const { kind, name, written, value } = await findObject('policy', policy, core.store);
  // The default is not written, so that switching off and on again leaves the policy as it was.
  const { enabled: _before, ...rest } = written;
  const wanted = value.enabled === enabled ? written : enabled ? rest : { ...rest, enabled };
  const object = { kind, name, written: wanted, value: catalogKinds.policy.schema.parse(wanted) };
  return await planDocument(
    {
      objects: [object],
      credentials: [],
      users: [],
      devices: [],
      locate: (_path, message) => `policy ${name}: ${message}`,
    },
    core,
  );
}
