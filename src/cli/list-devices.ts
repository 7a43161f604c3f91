/** `gatehouse device list`. */
import { Command, Option } from 'commander';
import { type DeviceState, deviceStates } from '../model/device.js';
import type { Core } from '../open-core.js';
import { parseCount, requireKnown } from './arguments.js';
import { deviceJson, pairsText } from './describe-device.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table, timeText } from './table.js';

interface ListOptions {
  readonly division?: string;
  readonly group?: string;
  readonly state?: DeviceState;
  readonly limit: number;
  readonly json?: true;
}

export function listDevicesCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list devices, by division and name; those that fit every condition')
    .option('--division <name>', 'those of this division')
    .option('--group <name>', 'those of this device group')
    .addOption(new Option('--state <state>', 'those in this state').choices(deviceStates))
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((options: ListOptions) => run((core) => list(options, core)));
}

const examples = `
Examples:
  gatehouse device list --group pumps --state registered
  gatehouse device list --json | jq -r 'select(.identifiers.mac != null) | .name'`;

async function list({ division, group, state, limit, json }: ListOptions, { store, catalog }: Core): Promise<string> {
  const { divisions, groups } = catalog();
  requireKnown('division', division, [...divisions.keys()]);
  requireKnown('device group', group, [...groups.keys()]);
  const found = await store.devices.list({
    ...(division === undefined ? {} : { division }),
    ...(group === undefined ? {} : { groupName: group }),
    ...(state === undefined ? {} : { state }),
    limit: limit + 1,
  });
  const { shown, note } = cutListing({ found, limit, plural: 'devices' });
  printNote(note);
  if (json) return jsonLines(shown.map(deviceJson));
  if (shown.length === 0) return 'no devices';
  return table(
    ['NAME', 'DIVISION', 'GROUP', 'STATE', 'REGISTERED', 'IDENTIFIERS'],
    shown.map((device) => [
      device.name,
      device.division,
      device.groupName,
      device.state,
      timeText(device.createdAt),
      pairsText(device.identifiers),
    ]),
  );
}
