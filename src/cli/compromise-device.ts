/** `gatehouse device compromise`. */
import { Command } from 'commander';
import { type CompromisedDevice, compromiseDevice } from '../devices/compromise-device.js';
import { describeDevice } from '../devices/describe-device.js';
import { publishRevocations } from '../devices/revocations.js';
import type { Core } from '../open-core.js';
import { parseTime } from './arguments.js';
import { findDevice } from './find-device.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface CompromiseOptions {
  readonly since?: string;
  readonly division?: string;
  readonly json?: true;
}

export function compromiseDeviceCommand(run: RunWithCore): Command {
  return new Command('compromise')
    .argument('<name>')
    .description(
      'end at once all that somebody who has the device could act with, and suspend it: its certificates are revoked (keyCompromise)',
    )
    .option('--since <time>', 'since when its keys are suspected, such as 2026-07-01T12:00:00Z')
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action((name: string, options: CompromiseOptions) => run((core) => compromise(name, options, core)));
}

const help = `
Revoked are its certificates, also those on hold, and the credentials that name it as their device; its keys are never certified again. Its
requests that wait are withdrawn, and keys that jobs hold for it destroyed. Its ACME accounts are ended by the gateway that serves, within
a second, or when it starts. gatehouse device resume lets the device enroll again, with credentials that are made for it then.

Examples:
  gatehouse device compromise pump-17
  gatehouse device compromise pump-17 --since 2026-07-01T12:00:00Z`;

async function compromise(name: string, { since, division, json }: CompromiseOptions, core: Core): Promise<string> {
  const suspected = since === undefined ? {} : { since: parseTime(since) };
  const { id } = await findDevice(name, division, core);
  const ended = await compromiseDevice({ id, actor: person(), ...suspected }, core);
  await publishRevocations(ended.certificates, core);
  const device = await findDevice(name, division, core);
  if (json) {
    const { certificates, credentialCount, requestCount, keyCount } = ended;
    const counts = { revokedCount: certificates.length, credentialCount, requestCount, keyCount };
    return jsonLines([{ device: describeDevice(device), ...counts }]);
  }
  return `device ${name} is ${device.state} and gets nothing; ${describe(ended)}`;
}

function describe({ certificates, credentialCount, requestCount, keyCount }: CompromisedDevice): string {
  const revoked = [counted(certificates.length, 'certificate'), counted(credentialCount, 'credential')];
  const rest = [
    ...(requestCount === 0 ? [] : [`${counted(requestCount, 'request')} withdrawn`]),
    ...(keyCount === 0 ? [] : [`${counted(keyCount, 'key')} destroyed`]),
  ];
  return [`revoked: ${revoked.join(', ')}`, ...rest].join('; ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
