/** `gatehouse device`: list, show, register, suspend, resume and retire. */
import { Command } from 'commander';
import { resumeDevice, suspendDevice } from '../enrollment/device-state.js';
import { retireDevice } from '../enrollment/retire-device.js';
import type { Core } from '../open-core.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { deviceJson } from './describe-device.js';
import { findDevice } from './find-device.js';
import { listDevicesCommand } from './list-devices.js';
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
    .addCommand(
      changeCommand(run, {
        name: 'suspend',
        description: 'let a device enroll and renew no more, until it is resumed; its certificates stay valid',
        act: async (id, core) => {
          await suspendDevice({ id, requestedBy: person().name }, core);
          return 'is suspended and gets nothing; gatehouse device resume ends that';
        },
      }),
    )
    .addCommand(
      changeCommand(run, {
        name: 'resume',
        description: 'let a suspended device enroll again',
        act: async (id, core) => {
          const state = await resumeDevice({ id, requestedBy: person().name }, core);
          return `may enroll again; it is ${state}`;
        },
      }),
    )
    .addCommand(
      changeCommand(run, {
        name: 'retire',
        description: 'retire a device for good, and revoke all its certificates (cessationOfOperation)',
        act: async (id, core) => {
          const revoked = await retireDevice({ id, requestedBy: person().name }, core);
          await publish(revoked, core);
          return `is retired; ${describeRevoked(revoked.length)}`;
        },
      }),
    );
}

interface DeviceChangeCommand {
  readonly name: string;
  readonly description: string;
  /** Returns what is to be said of the device. */
  readonly act: (id: string, core: Core) => Promise<string>;
}

function changeCommand(run: RunWithCore, { name, description, act }: DeviceChangeCommand): Command {
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
        return jsonLines([deviceJson(await findDevice(device, options.division, core))]);
      }),
    );
}

/** One CRL for each part of an issuer's that is touched. */
async function publish(revoked: readonly CertificateRecord[], { crls }: Pick<Core, 'crls'>): Promise<void> {
  const places = new Map(revoked.map((record) => [`${record.issuerId}/${record.crlPartition}`, record] as const));
  for (const { issuerId, crlPartition } of places.values()) await crls.publish(issuerId, crlPartition);
}

function describeRevoked(count: number): string {
  if (count === 0) return 'it had no valid certificate';
  return count === 1
    ? '1 certificate is revoked, and on the CRL now'
    : `${count} certificates are revoked, and on the CRLs now`;
}
