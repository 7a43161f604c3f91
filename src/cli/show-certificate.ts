/** `gatehouse certificate show` and `story`: what a certificate is, and what has happened to it. */
import { Command, Option } from 'commander';
import { type CertificateJson, reasonOf } from '../certificates/describe.js';
import { describeCertificate } from '../certificates/find.js';
import { statusOf } from '../certificates/status.js';
import { certificateStory } from '../certificates/story.js';
import type { Core } from '../open-core.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { ReplacementRecord } from '../store/certificate-replacement.js';
import type { DeviceRecord } from '../store/device-record.js';
import { toPem } from '../x509/pem.js';
import { describeEvent, eventJson } from './describe-event.js';
import { findOne } from './find-certificate.js';
import type { RunWithCore } from './run-with-core.js';
import { fields, jsonLines, jsonOption, timeText } from './table.js';

interface ShowOptions {
  readonly issuer?: string;
  readonly json?: true;
  readonly pem?: true;
}

/** @param issuer the option that tells serial numbers of two CAs apart */
export function showCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('show')
    .argument('<serial>')
    .description('show a certificate, by its serial number in hex, and what has happened to it')
    .addOption(issuer)
    .addOption(jsonOption())
    .addOption(new Option('--pem', 'print the certificate itself, in PEM').conflicts('json'))
    .addHelpText('after', examples)
    .action((serial: string, options: ShowOptions) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        if (options.pem) return toPem('CERTIFICATE', record.der).trimEnd();
        const story = await readStory(record, core);
        if (options.json) return storyJson(story, await describeCertificate(record.id, core));
        return describeStory(story, core.clock.now());
      }),
    );
}

const examples = `
Examples:
  gatehouse certificate show 4f3a…
  gatehouse certificate show 4f3a… --pem | openssl x509 -noout -text`;

/** @param issuer the option that tells serial numbers of two CAs apart */
export function storyCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('story')
    .argument('<serial>')
    .description('tell what has happened to a certificate, from the request that it answers to its end')
    .addOption(issuer)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse certificate story 4f3a… --json | jq -r .action')
    .action((serial: string, options: ShowOptions) =>
      run(async (core) => {
        const events = await certificateStory(await findOne(serial, options.issuer, core), core);
        return options.json ? jsonLines(events.map(eventJson)) : events.flatMap(describeEvent).join('\n').trimStart();
      }),
    );
}

interface Story {
  readonly record: CertificateRecord;
  readonly device: DeviceRecord | undefined;
  readonly plan: ReplacementRecord | undefined;
  /** The ids of the certificates that have taken its place, or will. */
  readonly replacedBy: readonly string[];
  /** Oldest first. */
  readonly events: Awaited<ReturnType<typeof certificateStory>>;
}

async function readStory(record: CertificateRecord, { store }: Pick<Core, 'store'>): Promise<Story> {
  const { id, deviceId, supplantedBy } = record;
  const [device, plan, successors, events] = await Promise.all([
    deviceId === null ? undefined : store.devices.findById({ id: deviceId }),
    store.certificates.findWithReplacement({ id }),
    deviceId === null ? [] : store.certificates.successors({ id, deviceId }),
    certificateStory(record, { store }),
  ]);
  const replacedBy = new Set([...successors.map((successor) => successor.id), ...(supplantedBy ? [supplantedBy] : [])]);
  return { record, device, plan, replacedBy: [...replacedBy], events };
}

function storyJson({ record, replacedBy, events }: Story, certificate: CertificateJson): string {
  return jsonLines([
    {
      ...certificate,
      replacedBy,
      pem: toPem('CERTIFICATE', record.der),
      events: events.map(eventJson),
    },
  ]);
}

function describeStory({ record, device, plan, replacedBy, events }: Story, now: Date): string {
  const { id, requestId, protocol, revokedAt, confirmBy, invalidityDate } = record;
  const replaceBy = plan?.replaceBy ?? null;
  const lines = [
    `certificate ${id}: ${statusOf(record, now)}`,
    ...fields({
      subject: record.subject,
      device: device && `${device.name} (${device.state}, division ${device.division}, group ${device.groupName})`,
      policy: record.policy,
      profile: record.profile === '' ? null : `${record.profile} (${record.usage})`,
      valid: `${timeText(record.notBefore)} to ${timeText(record.notAfter)}`,
      issued: timeText(record.issuedAt) + (protocol === '' ? '' : ` over ${protocol}, by request ${requestId}`),
      requester: record.requester,
      replaces: record.replaces,
      'replaced by': replacedBy.join(', '),
      'to be replaced by': replaceBy === null ? null : timeText(replaceBy),
      'to be confirmed by': confirmBy === null ? null : timeText(confirmBy),
      [record.status === 'held' ? 'on hold since' : 'revoked']: revokedAt === null ? null : timeText(revokedAt),
      reason: reasonOf(record),
      'key suspected since': invalidityDate === null ? null : timeText(invalidityDate),
      'SHA-256': record.certificateFingerprint,
      'SHA-256 of its key': record.keyFingerprint,
    }),
  ];
  return [...lines, ...events.flatMap(describeEvent)].join('\n');
}
