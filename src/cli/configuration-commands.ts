/** `gatehouse division`, `group`, `profile` and `template`: list and show. */
import type { Command } from 'commander';
import { isBuiltInTemplate } from '../catalog/built-in-templates.js';
import type { Catalog } from '../catalog/catalog.js';
import { durationText } from '../model/duration-text.js';
import { cataloguedCommand, type Facts } from './catalog-command.js';
import type { RunWithCore } from './run-with-core.js';

export function divisionCommand(run: RunWithCore): Command {
  return cataloguedCommand(
    {
      kind: 'division',
      name: 'division',
      description: 'divisions: the parts of the organisation, each with its own devices and policies',
      plural: 'divisions',
      example: 'quickstart',
      headings: ['GROUPS', 'POLICIES', 'RENDEZVOUS ZONE', 'DESCRIPTION'],
      row: ({ name, value }, { catalog }) => [
        groupsOf(name, catalog()).join(' '),
        policiesOf(name, catalog()).join(' '),
        value.rendezvousZone?.https ?? '',
        value.description ?? '',
      ],
      facts: async ({ name }, { catalog }) =>
        listFacts({ groups: groupsOf(name, catalog()), policies: policiesOf(name, catalog()) }),
    },
    run,
  );
}

export function groupCommand(run: RunWithCore): Command {
  return cataloguedCommand(
    {
      kind: 'device-group',
      name: 'group',
      description: 'device groups: the devices that policies attach to',
      plural: 'device groups',
      example: 'devices',
      headings: ['DIVISION', 'NEW DEVICES', 'POLICIES', 'DESCRIPTION'],
      row: ({ value }) => [
        value.division,
        value.enabled ? 'yes' : 'no',
        value.policies.join(' '),
        value.description ?? '',
      ],
      facts: async ({ name, value }) => listFacts({ labels: value.policies.map((policy) => `${policy}~${name}`) }),
    },
    run,
  );
}

export function profileCommand(run: RunWithCore): Command {
  return cataloguedCommand(
    {
      kind: 'profile',
      name: 'profile',
      description: 'certificate profiles: what certificates say, and where each value comes from',
      plural: 'certificate profiles',
      example: 'quickstart-operational',
      headings: ['TEMPLATE', 'VALIDITY', 'KEY USAGES', 'DESCRIPTION'],
      row: ({ value }) => [
        value.template,
        durationText(value.validity),
        value.keyUsages.join(' '),
        value.description ?? '',
      ],
      facts: async ({ name }, { catalog }) =>
        listFacts({
          policies: [...catalog().policies.values()]
            .filter(({ policy }) => policy.profiles.some(({ profile }) => profile === name))
            .map(({ policy }) => policy.name),
        }),
    },
    run,
  );
}

export function templateCommand(run: RunWithCore): Command {
  return cataloguedCommand(
    {
      kind: 'template',
      name: 'template',
      description: 'certificate templates: the constraints that certificate profiles keep',
      plural: 'certificate templates',
      example: 'basic-device',
      headings: ['BUILT IN', 'FOR', 'LONGEST VALIDITY', 'DESCRIPTION'],
      row: ({ name, value }) => [
        isBuiltInTemplate(name) ? 'yes' : 'no',
        value.basicConstraints.ca ? 'CAs' : 'devices',
        durationText(value.maximumValidity),
        value.description ?? '',
      ],
      facts: async ({ name }, { catalog }) =>
        listFacts({
          profiles: [...catalog().profiles.values()]
            .filter(({ profile }) => profile.template === name)
            .map((compiled) => compiled.name),
        }),
    },
    run,
  );
}

/** Names that have to do with an object, by what they are. */
export function listFacts(lists: Readonly<Record<string, readonly string[]>>): Facts {
  const lines = Object.entries(lists).map(([what, names]) => `${what}: ${names.join(', ') || 'none'}`);
  return { lines, members: lists };
}

function groupsOf(division: string, { groups }: Catalog): string[] {
  return [...groups.values()].filter((group) => group.division === division).map(({ name }) => name);
}

function policiesOf(division: string, { policies }: Catalog): string[] {
  return [...policies.values()].filter(({ policy }) => policy.division === division).map(({ policy }) => policy.name);
}
