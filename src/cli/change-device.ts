/** `gatehouse device change` and `delete`. */
import { Command } from 'commander';
import { changeDevice, deleteDevice } from '../devices/change-device.js';
import { describeDevice } from '../devices/describe-device.js';
import { type FieldChanges, fieldsOf, withChanges } from '../devices/fields.js';
import type { Core } from '../open-core.js';
import { CommandLineError } from './command-line-error.js';
import { addName, addPair } from './device-fields.js';
import { findDevice } from './find-device.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface ChangeOptions {
  readonly division?: string;
  readonly identifier?: ReadonlyMap<string, string>;
  readonly attribute?: ReadonlyMap<string, string>;
  readonly removeIdentifier?: readonly string[];
  readonly removeAttribute?: readonly string[];
  readonly json?: true;
}

export function changeDeviceCommand(run: RunWithCore): Command {
  return new Command('change')
    .argument('<name>')
    .description(
      'change what is known of a device; its next certificate says it, where the profile takes it from there',
    )
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .option('--identifier <name=value>', 'set an identifier, such as serial=4711; may be repeated', addPair)
    .option('--attribute <name=value>', 'set an attribute, such as site=north; may be repeated', addPair)
    .option('--remove-identifier <name>', 'remove an identifier; may be repeated', addName)
    .option('--remove-attribute <name>', 'remove an attribute; may be repeated', addName)
    .addOption(jsonOption())
    .addHelpText('after', changeExamples)
    .action((name: string, options: ChangeOptions) => run((core) => change(name, options, core)));
}

const changeExamples = `
The name cannot be changed: certificates say it. For another group, see gatehouse device move.

Examples:
  gatehouse device change pump-17 --attribute site=south
  gatehouse device change pump-17 --identifier mac=00:11:22:33:44:55 --remove-identifier serial`;

async function change(name: string, options: ChangeOptions, core: Core): Promise<string> {
  const identifiers = changesOf(options.identifier, options.removeIdentifier);
  const attributes = changesOf(options.attribute, options.removeAttribute);
  if (identifiers.size + attributes.size === 0) {
    throw new CommandLineError(
      'say what to change: --identifier, --attribute, --remove-identifier or --remove-attribute',
    );
  }
  const device = await findDevice(name, options.division, core);
  const changed = await changeDevice(
    {
      device,
      identifiers: withChanges(fieldsOf(device.identifiers), identifiers),
      attributes: withChanges(fieldsOf(device.attributes), attributes),
      actor: person(),
    },
    core,
  );
  if (options.json) return jsonLines([describeDevice(changed)]);
  return changed.updatedAt === device.updatedAt ? `device ${name} is so already` : `device ${name} is changed`;
}

function changesOf(set: ReadonlyMap<string, string> = new Map(), removed: readonly string[] = []): FieldChanges {
  const twice = removed.find((name) => set.has(name));
  if (twice !== undefined) throw new CommandLineError(`${twice} is to be set and to be removed; give one of the two`);
  return new Map<string, string | null>([...set, ...removed.map((name) => [name, null] as const)]);
}

export function deleteDeviceCommand(run: RunWithCore): Command {
  return new Command('delete')
    .argument('<name>')
    .description('take a device off the record that was registered by mistake and never had a certificate')
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA device that has had certificates is retired instead.\n\nExample:\n  gatehouse device delete pmup-17',
    )
    .action((name: string, { division, json }: { division?: string; json?: true }) =>
      run(async (core) => {
        const device = await findDevice(name, division, core);
        await deleteDevice({ device, actor: person() }, core);
        return json ? jsonLines([describeDevice(device)]) : `device ${name} is deleted`;
      }),
    );
}
