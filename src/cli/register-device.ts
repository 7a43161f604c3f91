/** `gatehouse device register`. */
import { Command, InvalidArgumentError } from 'commander';
import { registerDevice } from '../enrollment/register-device.js';
import type { Core } from '../open-core.js';
import { requireKnown } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { deviceJson } from './describe-device.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

type Fields = ReadonlyMap<string, string>;

interface RegisterOptions {
  readonly group: string;
  readonly division?: string;
  readonly identifier?: Fields;
  readonly attribute?: Fields;
  readonly json?: true;
}

export function registerCommand(run: RunWithCore): Command {
  return new Command('register')
    .argument('<name>', 'as its credential, serial number or common name will have it')
    .description('register a device beforehand, for policies with devices: registered')
    .requiredOption('--group <name>', 'the device group that it is in')
    .option('--division <name>', "its division; that of the group if not given, and refused if it is not the group's")
    .option('--identifier <name=value>', 'such as serial=4711 or mac=00:11:22:33:44:55; may be repeated', addField)
    .option('--attribute <name=value>', 'such as site=north; may be repeated', addField)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((name: string, options: RegisterOptions) => run((core) => register(name, options, core)));
}

const examples = `
Examples:
  gatehouse device register pump-17 --group pumps
  gatehouse device register pump-18 --group pumps --identifier serial=4711 --attribute site=north`;

async function register(name: string, options: RegisterOptions, core: Core): Promise<string> {
  const { group, division, identifier = new Map(), attribute = new Map(), json } = options;
  const { divisions, groups } = core.catalog();
  requireKnown('division', division, [...divisions.keys()]);
  requireKnown('device group', group, [...groups.keys()]);
  const divisionOfGroup = groups.get(group)?.division;
  if (division !== undefined && division !== divisionOfGroup) {
    throw new CommandLineError(`device group ${group} is of division ${divisionOfGroup}, not of ${division}`);
  }
  const device = await registerDevice(
    { name, group, identifiers: identifier, attributes: attribute, requestedBy: person().name },
    core,
  );
  if (json) return jsonLines([deviceJson(device)]);
  return `registered device ${device.name} in division ${device.division}, group ${device.groupName}`;
}

/** Adds to those before it. @throws InvalidArgumentError */
function addField(text: string, before: Fields = new Map()): Fields {
  const [, name, value] = /^([^=]+)=(.+)$/su.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('name=value is expected, such as serial=4711');
  }
  if (before.has(name)) throw new InvalidArgumentError(`${name} is given twice`);
  return new Map([...before, [name, value]]);
}
