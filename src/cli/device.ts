/** `gatehouse device`: the devices on record. */
import { Command } from 'commander';
import { describeDevice } from '../devices/describe-device.js';
import { resumeDevice, suspendDevice } from '../devices/device-state.js';
import { retireDevice } from '../devices/retire-device.js';
import { publishRevocations } from '../devices/revocations.js';
import type { Core } from '../open-core.js';
import { changeDeviceCommand, deleteDeviceCommand } from './change-device.js';
import { compromiseDeviceCommand } from './compromise-device.js';
import { deviceHistoryCommand } from './device-history.js';
import { findDevice } from './find-device.js';
import { listDevicesCommand } from './list-devices.js';
import { moveDeviceCommand } from './move-device.js';
import { person } from './person.js';
import { registerCommand } from './register-device.js';
import type { RunWithCore } from './run-with-core.js';
import { showDeviceCommand } from './show-device.js';
import { jsonLines, jsonOption } from './table.js';

export function deviceCommand(run: RunWithCore): Command {
  return new Command('device')
    .description('devices: those on record, and what each may')
    .addCommand(listDevicesCommand(run))
    .addCommand(showDeviceCommand(run))
    .addCommand(registerCommand(run))
    .addCommand(changeDeviceCommand(run))
    .addCommand(moveDeviceCommand(run))
    .addCommand(
      stateCommand(run, {
        name: 'suspend',
        description: 'let a device enroll and renew no more, until it is resumed; its certificates stay valid',
        act: async (id, core) => {
          await suspendDevice({ id, actor: person() }, core);
          return 'is suspended and gets nothing; gatehouse device resume ends that';
        },
      }),
    )
    .addCommand(
      stateCommand(run, {
        name: 'resume',
        description: 'let a suspended device enroll again',
        act: async (id, core) => {
          const state = await resumeDevice({ id, actor: person() }, core);
          return `may enroll again; it is ${state}`;
        },
      }),
    )
    .addCommand(
      stateCommand(run, {
        name: 'retire',
        description: 'retire a device for good, and revoke all its certificates (cessationOfOperation)',
        act: async (id, core) => {
          const revoked = await retireDevice({ id, actor: person() }, core);
          await publishRevocations(revoked, core);
          return `is retired; ${describeRevoked(revoked.length)}`;
        },
      }),
    )
    .addCommand(compromiseDeviceCommand(run))
    .addCommand(deleteDeviceCommand(run))
    .addCommand(deviceHistoryCommand(run));
}

interface StateCommand {
  readonly name: string;
  readonly description: string;
  /** Returns what is to be said of the device. */
  readonly act: (id: string, core: Core) => Promise<string>;
}

function stateCommand(run: RunWithCore, { name, description, act }: StateCommand): Command {
  return new Command(name)
    .argument('<name>')
    .description(description)
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse device ${name} pump-17`)
    .action((device: string, options: { division?: string; json?: true }) =>
      run(async (core) => {
        const { id } = await findDevice(device, options.division, core);
        const said = await act(id, core);
        if (!options.json) return `device ${device} ${said}`;
        return jsonLines([describeDevice(await findDevice(device, options.division, core))]);
      }),
    );
}

function describeRevoked(count: number): string {
  if (count === 0) return 'it had no valid certificate';
  return count === 1
    ? '1 certificate is revoked, and on the CRL now'
    : `${count} certificates are revoked, and on the CRLs now`;
}
