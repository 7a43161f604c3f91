/** Finds the device that a command is about. */
import type { Core } from '../open-core.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-record.js';
import { requireKnown } from './arguments.js';
import { CommandLineError } from './command-line-error.js';

/**
 * By its name, which is unique within a division only.
 * @throws CommandLineError
 */
export async function findDevice(
  name: string,
  division: string | undefined,
  { store, catalog }: Pick<Core, 'store' | 'catalog'>,
): Promise<DeviceRecord> {
  const divisions = [...catalog().divisions.keys()];
  requireKnown('division', division, divisions);
  const wanted = division === undefined ? divisions : [division];
  const found = (await Promise.all(wanted.map((each) => store.devices.findByName({ division: each, name })))).filter(
    (record) => record !== undefined,
  );
  const [device, other] = found;
  if (device === undefined) {
    const where = division === undefined ? '' : ` in division ${division}`;
    throw new CommandLineError(
      `no device ${quote(name)} is on record${where}; gatehouse device list shows those that are`,
    );
  }
  if (other !== undefined) {
    const having = found.map((record) => record.division).join(', ');
    throw new CommandLineError(`several divisions have a device ${quote(name)}; add --division with one of ${having}`);
  }
  return device;
}
