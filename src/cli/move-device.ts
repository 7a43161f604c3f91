/** `gatehouse device move`. */
import { Command } from 'commander';
import { describeDevice } from '../devices/describe-device.js';
import { type DeviceMoved, moveDevice } from '../devices/move-device.js';
import { publishRevocations } from '../devices/revocations.js';
import type { Core } from '../open-core.js';
import { requireKnown } from './arguments.js';
import { findDevice } from './find-device.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption, table } from './table.js';

interface MoveOptions {
  readonly group: string;
  readonly division?: string;
  readonly revoke?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function moveDeviceCommand(run: RunWithCore): Command {
  return new Command('move')
    .argument('<name>')
    .description(
      'move a device to another group, also of another division, and say which certificates do not fit there',
    )
    .requiredOption('--group <name>', 'the device group that it is to be in')
    .option('--division <name>', 'the division that it is in now; needed where two have a device of this name')
    .option('--revoke', 'revoke the certificates that do not fit (affiliationChanged)')
    .option('--dry-run', 'say what would not fit, and change nothing')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((name: string, options: MoveOptions) => run((core) => move(name, options, core)));
}

const examples = `
Examples:
  gatehouse device move pump-17 --group spare-pumps --dry-run
  gatehouse device move pump-17 --group spare-pumps --revoke`;

async function move(name: string, options: MoveOptions, core: Core): Promise<string> {
  const { group, division, revoke, dryRun, json } = options;
  requireKnown('device group', group, [...core.catalog().groups.keys()]);
  const { id } = await findDevice(name, division, core);
  const certificates = revoke ? 'revoke' : 'report';
  const moved = await moveDevice({ id, group, certificates, ...(dryRun ? { dryRun } : {}), actor: person() }, core);
  await publishRevocations(moved.revoked, core);
  if (json) return jsonLines([moveJson(moved)]);
  const { unfit, unfitCount } = moved;
  const said = dryRun ? `device ${name} could be moved to group ${group}` : `device ${name} is in group ${group}`;
  if (unfitCount === 0) return `${said}; all its certificates fit`;
  const fate = revoke && !dryRun ? 'revoked, and on the CRLs now' : 'valid still';
  return [
    `${said}; ${unfitCount === 1 ? '1 certificate does' : `${unfitCount} certificates do`} not fit there (${fate}):`,
    table(
      ['SERIAL NUMBER', 'SUBJECT', 'WHY'],
      unfit.map(({ certificate, reason }) => [certificate.serialNumber, certificate.subject, reason]),
    ),
  ].join('\n');
}

function moveJson({ device, unfit, unfitCount, revoked }: DeviceMoved): object {
  return {
    device: describeDevice(device),
    unfit: unfit.map(({ certificate, reason }) => ({
      id: certificate.id,
      serialNumber: certificate.serialNumber,
      subject: certificate.subject,
      policy: certificate.policy,
      reason,
    })),
    unfitCount,
    revokedCount: revoked.length,
  };
}
