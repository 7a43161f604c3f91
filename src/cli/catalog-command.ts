/** `list` and `show`, the same for every kind of object of the configuration. */
import { Command } from 'commander';
import { hasText } from '../catalog/list.js';
import { type CatalogKind, type CatalogObject, divisionOf } from '../catalog/objects.js';
import type { Core } from '../open-core.js';
import { requireKnown } from './arguments.js';
import { findObject, listObjects, objectJson, objectYaml } from './catalog-object.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption, table } from './table.js';

/** What is particular to a kind. */
interface Catalogued<K extends CatalogKind> {
  readonly kind: K;
  /** The command's name. */
  readonly name: string;
  readonly description: string;
  readonly plural: string;
  /** The name of one, for examples. */
  readonly example: string;
  readonly headings: readonly string[];
  /** A row of the list, its name left out. */
  readonly row: (object: CatalogObject<K>, core: Core) => readonly string[];
  /** What else is known of one, for people as sentences, for programs as members. */
  readonly facts?: (object: CatalogObject<K>, core: Core) => Promise<Facts>;
}

export interface Facts {
  readonly lines: readonly string[];
  readonly members: object;
}

const nothing: Facts = { lines: [], members: {} };

interface Options {
  readonly json?: true;
}

interface ListOptions extends Options {
  readonly search?: string;
  readonly division?: string;
}

export function cataloguedCommand<K extends CatalogKind>(catalogued: Catalogued<K>, run: RunWithCore): Command {
  const { kind, name, description, plural, example, headings, row, facts = async () => nothing } = catalogued;
  const command = new Command(name).description(description);
  command
    .command('list')
    .description(`list ${plural}, by name`)
    .option('--search <text>', 'those with this text in their name or description, in upper or lower case')
    .option('--division <name>', 'those of this division')
    .addOption(jsonOption())
    .addHelpText('after', `\nExamples:\n  gatehouse ${name} list\n  gatehouse ${name} list --json | jq -r .name`)
    .action(({ search, division, json }: ListOptions) =>
      run(async (core) => {
        requireKnown('division', division, [...core.catalog().divisions.keys()]);
        const objects = (await listObjects(kind, core.store)).filter(
          (object) =>
            (search === undefined || hasText(object, search)) &&
            (division === undefined || divisionOf(object) === division),
        );
        if (json) return jsonLines(objects.map(({ value }) => value));
        if (objects.length === 0) return `no ${plural}`;
        return table(
          ['NAME', ...headings],
          objects.map((object) => [object.name, ...row(object, core)]),
        );
      }),
    );
  command
    .command('show')
    .argument('<name>')
    .description('show one as a configuration file has it; with --json, with all defaults')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nExamples:\n  gatehouse ${name} show ${example}\n  gatehouse ${name} show ${example} --json`,
    )
    .action((wanted: string, { json }: Options) =>
      run(async (core) => {
        const object = await findObject(kind, wanted, core.store);
        const { lines, members } = await facts(object, core);
        return json ? objectJson(object, members) : objectYaml(object, lines);
      }),
    );
  return command;
}
