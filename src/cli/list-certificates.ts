/** `gatehouse certificate list`: the inventory, by what is asked for. */
import { Command, Option } from 'commander';
import { deviceNames } from '../certificates/describe.js';
import { describeCertificates } from '../certificates/find.js';
import { type CertificateQuery, eachCertificate, ofGroup } from '../certificates/list.js';
import { shownStatuses, statusOf } from '../certificates/status.js';
import { profileUsages } from '../model/policy.js';
import { methods } from '../model/protocol-name.js';
import type { Core } from '../open-core.js';
import type { CertificateRecord, CertificateUsage } from '../store/certificate-record.js';
import type { FoundCertificate, ShownStatus } from '../store/certificate-search.js';
import { parseCount, parseMoment, requireKnown } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { findDevice } from './find-device.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table, timeText } from './table.js';

interface ListOptions {
  readonly policy?: string;
  readonly profile?: string;
  readonly usage?: CertificateUsage;
  readonly device?: string;
  readonly group?: string;
  readonly division?: string;
  readonly issuer?: string;
  readonly status?: ShownStatus;
  readonly protocol?: string;
  readonly subject?: string;
  readonly name?: string;
  readonly search?: string;
  readonly serial?: string;
  readonly fingerprint?: string;
  readonly key?: string;
  readonly expiresBefore?: string;
  readonly expiresAfter?: string;
  readonly issuedBefore?: string;
  readonly issuedAfter?: string;
  readonly sort: keyof typeof orders;
  readonly limit: number;
  readonly json?: true;
}

const orders = {
  issued: { by: 'issuedAt', descending: true },
  ends: { by: 'notAfter', descending: false },
} as const;

export function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list certificates, latest first; those that fit every condition')
    .option('--policy <name>', 'those issued under this policy')
    .option('--profile <name>', 'those of this certificate profile')
    .addOption(new Option('--usage <usage>', 'those for this usage').choices([...profileUsages, 'service']))
    .option('--device <name>', 'those of this device')
    .option('--group <name>', 'those of the devices of this device group, static or dynamic')
    .option('--division <name>', 'those of the policies of this division; with --device the division of the device')
    .option('--issuer <generation>', 'those of this CA generation, such as quickstart-ec-1')
    .addOption(new Option('--status <status>', 'those of this status').choices(shownStatuses))
    .addOption(new Option('--protocol <name>', 'those asked for over this protocol').choices(methods))
    .option('--subject <text>', 'those with this text in their subject, in upper or lower case')
    .option('--name <name>', 'those with this subject alternative name, such as pump-1.example or dns:pump-1.example')
    .option('--search <text>', 'those with this text in their subject or a subject alternative name')
    .option('--serial <number>', 'those with this serial number, in hex')
    .option('--fingerprint <hash>', 'the one with this SHA-256 fingerprint, in hex')
    .option('--key <hash>', 'those of the key with this SHA-256 hash (of the SubjectPublicKeyInfo), in hex')
    .option('--expires-before <time>', 'those that end before: a duration from now, such as 30d, or a time')
    .option('--expires-after <time>', 'those that end then or later')
    .option('--issued-before <time>', 'those issued before this time')
    .option('--issued-after <time>', 'those issued then or later')
    .addOption(
      new Option('--sort <order>', 'latest issued first, or first to end first')
        .choices(['issued', 'ends'])
        .default('issued'),
    )
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((options: ListOptions) => run((core) => list(options, core)));
}

const examples = `
Examples:
  gatehouse certificate list --status valid --expires-before 30d --sort ends
  gatehouse certificate list --device pump-17
  gatehouse certificate list --name dns:pump-17.example
  gatehouse certificate list --fingerprint "$(openssl x509 -in a.pem -noout -sha256 -fingerprint | cut -d= -f2)"
  gatehouse certificate list --issuer quickstart-ec-1 --subject pump --json | jq -r .serialNumber`;

async function list(options: ListOptions, core: Core): Promise<string> {
  const { limit, json } = options;
  const query = await readQuery(options, core);
  const found: FoundCertificate[] = [];
  for await (const certificate of eachCertificate(query, core)) {
    found.push(certificate);
    if (found.length > limit) break;
  }
  const { shown, note } = cutListing({ found, limit, plural: 'certificates' });
  printNote(note);
  if (json) return jsonLines(await describeCertificates(shown, core));
  if (shown.length === 0) return 'no certificates';
  const names = await deviceNames(shown, core.store);
  return certificateTable(shown, core.clock.now(), ({ deviceId }) =>
    deviceId === null ? null : (names.get(deviceId) ?? null),
  );
}

/** @param deviceOf the name of a certificate's device */
export function certificateTable(
  records: readonly CertificateRecord[],
  now: Date,
  deviceOf: (record: CertificateRecord) => string | null,
): string {
  return table(
    ['SERIAL NUMBER', 'STATUS', 'SUBJECT', 'DEVICE', 'POLICY', 'ISSUER', 'PROTOCOL', 'ISSUED', 'ENDS'],
    records.map((record) => [
      record.serialNumber,
      statusOf(record, now),
      record.subject,
      deviceOf(record) ?? '',
      record.policy,
      record.issuerId,
      record.protocol,
      timeText(record.issuedAt),
      timeText(record.notAfter),
    ]),
  );
}

async function readQuery(options: ListOptions, core: Core): Promise<CertificateQuery> {
  const { policy, profile, usage, device, group, division, issuer, protocol, subject, status } = options;
  const { policies, profiles, divisions, groups } = core.catalog();
  requireKnown('policy', policy, [...policies.keys()]);
  requireKnown('profile', profile, [...profiles.keys()]);
  requireKnown('division', division, [...divisions.keys()]);
  requireKnown('device group', group, [...groups.keys()]);
  requireKnown(
    'CA generation',
    issuer,
    core.authority.generations().map(({ id }) => id),
  );
  const now = core.clock.now();
  const wantedGroup = group === undefined ? undefined : groups.get(group);
  return {
    scope: 'everywhere',
    order: orders[options.sort],
    ...(policy === undefined ? {} : { policy }),
    ...(profile === undefined ? {} : { profile }),
    ...(usage === undefined ? {} : { usage }),
    ...(device === undefined ? {} : { deviceId: (await findDevice(device, division, core)).id }),
    ...(wantedGroup ? ofGroup(wantedGroup) : {}),
    ...(division === undefined || device !== undefined ? {} : { division }),
    ...(issuer === undefined ? {} : { issuerId: issuer }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(subject === undefined ? {} : { subject }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.search === undefined ? {} : { text: options.search }),
    ...(options.serial === undefined ? {} : { serialNumber: requireHex(options.serial) }),
    ...(options.fingerprint === undefined ? {} : { certificateFingerprint: requireHash(options.fingerprint) }),
    ...(options.key === undefined ? {} : { keyFingerprint: requireHash(options.key) }),
    ...(status === undefined ? {} : { status: { is: status, at: now.getTime() } }),
    notAfter: readPeriod(options.expiresAfter, options.expiresBefore, now),
    issuedAt: readPeriod(options.issuedAfter, options.issuedBefore, now),
  };
}

function readPeriod(from: string | undefined, before: string | undefined, now: Date) {
  return {
    ...(from === undefined ? {} : { from: parseMoment(from, now).getTime() }),
    ...(before === undefined ? {} : { before: parseMoment(before, now).getTime() }),
  };
}

/** As tools print it: with colons or blanks, in capitals. */
function requireHex(text: string): string {
  const digits = text.replace(/[\s:]/g, '').toLowerCase();
  if (!/^(0x)?[0-9a-f]+$/.test(digits)) throw new CommandLineError(`${text} is not hex`);
  return digits;
}

function requireHash(text: string): string {
  const digits = requireHex(text);
  if (digits.length !== 64) throw new CommandLineError(`${text} is not a SHA-256 hash: 64 digits in hex`);
  return digits;
}
