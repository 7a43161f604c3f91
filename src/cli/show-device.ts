/** `gatehouse device show`: what is known of a device, its certificates, and its history. */
import { Command } from 'commander';
import { describeCertificates } from '../certificates/find.js';
import { listCertificates } from '../certificates/list.js';
import { describeDevice } from '../devices/describe-device.js';
import type { Core } from '../open-core.js';
import { pairsText } from './describe-device.js';
import { describeEvent, eventJson } from './describe-event.js';
import { findDevice } from './find-device.js';
import { certificateTable } from './list-certificates.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, fields, jsonLines, jsonOption, timeText } from './table.js';

export function showDeviceCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<name>')
    .description('show a device, its certificates (latest first), and what has happened to it')
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse device show pump-17')
    .action((name: string, options: { division?: string; json?: true }) => run((core) => show(name, options, core)));
}

/** So many certificates and events are shown, the latest ones. */
const maximum = 100;

async function show(
  name: string,
  { division, json }: { readonly division?: string; readonly json?: true },
  core: Core,
): Promise<string> {
  const { store, clock } = core;
  const device = await findDevice(name, division, core);
  const newestFirst = { by: 'issuedAt', descending: true } as const;
  const ofDevice = { scope: 'everywhere', deviceId: device.id, order: newestFirst } as const;
  const [{ certificates: found }, latest] = await Promise.all([
    listCertificates(ofDevice, { limit: maximum + 1 }, core),
    store.audit.list({ device: device.id, limit: maximum }),
  ]);
  const { shown: certificates, note } = cutListing({ found, limit: maximum, plural: 'certificates' });
  const events = latest.toReversed();
  const now = clock.now();
  if (json) {
    return jsonLines([
      {
        ...describeDevice(device),
        certificates: await describeCertificates(certificates, core),
        events: events.map(eventJson),
      },
    ]);
  }
  return [
    `device ${device.name}: ${device.state}`,
    ...fields({
      id: device.id,
      division: device.division,
      group: device.groupName,
      identifiers: pairsText(device.identifiers),
      attributes: pairsText(device.attributes),
      registered: timeText(device.createdAt),
    }),
    '',
    certificates.length === 0 ? 'no certificates' : certificateTable(certificates, now, () => device.name),
    ...(note === undefined ? [] : [`and more: gatehouse certificate list --device ${device.name}`]),
    ...events.flatMap(describeEvent),
  ].join('\n');
}
