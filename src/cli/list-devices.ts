/** `gatehouse device list`. */
import { Command, Option } from 'commander';
import { describeDevice } from '../devices/describe-device.js';
import type { DeviceOrder } from '../devices/in-order.js';
import { type DevicePage, type DeviceSelection, listDevices } from '../devices/list.js';
import { type DeviceState, deviceStates } from '../model/device.js';
import type { Core } from '../open-core.js';
import type { DeviceRecord } from '../store/device-record.js';
import { parseCount, requireKnown } from './arguments.js';
import { pairsText } from './describe-device.js';
import { type Pair, parsePair } from './device-fields.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table, timeText } from './table.js';

interface ListOptions {
  readonly division?: string;
  readonly group?: string;
  readonly state?: DeviceState;
  readonly search?: string;
  readonly identifier?: Pair;
  readonly sort: keyof typeof orders;
  readonly limit: number;
  readonly json?: true;
}

const orders = {
  name: { by: 'name', descending: false },
  '-name': { by: 'name', descending: true },
  registered: { by: 'createdAt', descending: false },
  '-registered': { by: 'createdAt', descending: true },
  changed: { by: 'updatedAt', descending: false },
  '-changed': { by: 'updatedAt', descending: true },
} as const satisfies Record<string, DeviceOrder>;

export function listDevicesCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list devices; those that fit every condition')
    .option('--division <name>', 'those of this division')
    .option('--group <name>', 'those of this device group, static or dynamic')
    .addOption(new Option('--state <state>', 'those in this state').choices(deviceStates))
    .option('--search <text>', 'those with this text in their name or an identifier, in upper or lower case')
    .option('--identifier <name=value>', 'those with this identifier, such as serial=4711', parsePair)
    .addOption(new Option('--sort <order>', 'with - from last to first').choices(Object.keys(orders)).default('name'))
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((options: ListOptions) => run((core) => list(options, core)));
}

const examples = `
Examples:
  gatehouse device list --group pumps --state registered
  gatehouse device list --search 4711 --sort -registered --limit 20
  gatehouse device list --json | jq -r 'select(.identifiers.mac != null) | .name'`;

async function list(options: ListOptions, core: Core): Promise<string> {
  const { limit, sort, json } = options;
  const found = await collect(readSelection(options, core), orders[sort], limit + 1, core);
  const { shown, note } = cutListing({ found, limit, plural: 'devices' });
  printNote(note);
  if (json) return jsonLines(shown.map(describeDevice));
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

function readSelection(options: ListOptions, { catalog }: Core): DeviceSelection {
  const { division, group: groupName, state, search, identifier } = options;
  const { divisions, groups } = catalog();
  requireKnown('division', division, [...divisions.keys()]);
  requireKnown('device group', groupName, [...groups.keys()]);
  const group = groupName === undefined ? undefined : groups.get(groupName);
  return {
    isVisible: () => true,
    ...(division === undefined ? {} : { division }),
    ...(group === undefined ? {} : { group }),
    ...(state === undefined ? {} : { state }),
    ...(search === undefined ? {} : { search }),
    ...(identifier === undefined ? {} : { identifier }),
  };
}

/** Pages may be short. */
async function collect(
  selection: DeviceSelection,
  order: DeviceOrder,
  limit: number,
  core: Core,
): Promise<readonly DeviceRecord[]> {
  const found: DeviceRecord[] = [];
  let after: DevicePage['next'];
  do {
    const left = limit - found.length;
    const page = await listDevices({ selection, order, ...(after ? { after } : {}), limit: left }, core);
    found.push(...page.devices);
    after = page.next;
  } while (after !== undefined && found.length < limit);
  return found;
}
