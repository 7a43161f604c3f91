/** `gatehouse certificate list`: the inventory, by what is asked for. */
import { Command, Option } from 'commander';
import { methods } from '../model/protocol-name.js';
import type { Core } from '../open-core.js';
import type { CertificateFilter, CertificateRecord } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';
import { parseCount, parseMoment, requireKnown } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { certificateJson, type ShownStatus, statusOf } from './describe-certificate.js';
import { findDevice } from './find-device.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table, timeText } from './table.js';

interface ListOptions {
  readonly policy?: string;
  readonly profile?: string;
  readonly device?: string;
  readonly division?: string;
  readonly issuer?: string;
  readonly status?: ShownStatus;
  readonly protocol?: string;
  readonly subject?: string;
  readonly expiresBefore?: string;
  readonly limit: number;
  readonly json?: true;
}

const statuses = ['valid', 'held', 'revoked', 'expired'] as const satisfies readonly ShownStatus[];

export function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list certificates, latest first; those that fit every condition')
    .option('--policy <name>', 'those issued under this policy')
    .option('--profile <name>', 'those of this certificate profile')
    .option('--device <name>', 'those of this device')
    .option('--division <name>', "the device's division; needed where two have a device of this name")
    .option('--issuer <generation>', 'those of this CA generation, such as quickstart-ec-1')
    .addOption(new Option('--status <status>', 'those of this status').choices(statuses))
    .addOption(new Option('--protocol <name>', 'those asked for over this protocol').choices(methods))
    .option('--subject <text>', 'those with this text in their subject, in upper or lower case')
    .option('--expires-before <time>', 'those that end before: a duration from now, such as 30d, or a time')
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((options: ListOptions) => run((core) => list(options, core)));
}

const examples = `
Examples:
  gatehouse certificate list --status valid --expires-before 30d
  gatehouse certificate list --device pump-17
  gatehouse certificate list --issuer quickstart-ec-1 --subject pump --json | jq -r .serialNumber`;

async function list(options: ListOptions, core: Core): Promise<string> {
  const { limit, json } = options;
  const now = core.clock.now();
  const filter = await readFilter(options, now, core);
  const found = await core.store.certificates.list({ ...filter, limit: limit + 1 });
  const { shown, note } = cutListing({ found, limit, plural: 'certificates' });
  const names = await deviceNames(shown, core.store);
  printNote(note);
  const nameOf = ({ deviceId }: CertificateRecord) => (deviceId === null ? null : (names.get(deviceId) ?? null));
  if (json) return jsonLines(shown.map((record) => certificateJson(record, nameOf(record), now)));
  if (shown.length === 0) return 'no certificates';
  return certificateTable(shown, now, nameOf);
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

async function readFilter(
  options: ListOptions,
  now: Date,
  core: Core,
): Promise<Omit<CertificateFilter, 'limit' | 'after'>> {
  const { policy, profile, device, division, issuer, protocol, subject } = options;
  if (division !== undefined && device === undefined) {
    throw new CommandLineError('--division tells devices of one name apart; give --device as well');
  }
  const { policies, profiles } = core.catalog();
  requireKnown('policy', policy, [...policies.keys()]);
  requireKnown('profile', profile, [...profiles.keys()]);
  requireKnown(
    'CA generation',
    issuer,
    core.authority.generations().map(({ id }) => id),
  );
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(profile === undefined ? {} : { profile }),
    ...(device === undefined ? {} : { deviceId: (await findDevice(device, division, core)).id }),
    ...(issuer === undefined ? {} : { issuerId: issuer }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(subject === undefined ? {} : { subjectContains: subject }),
    ...readStatus(options, now),
  };
}

/** The store knows no `expired`: that is what is valid and whose end is past. */
function readStatus({ status, expiresBefore }: ListOptions, now: Date): Partial<CertificateFilter> {
  const before = expiresBefore === undefined ? undefined : parseMoment(expiresBefore, now).getTime();
  const at = now.getTime();
  switch (status) {
    case 'expired':
      return { status: 'valid', expiresBefore: Math.min(before ?? at, at) };
    case 'valid':
      return { status, expiresFrom: at, ...(before === undefined ? {} : { expiresBefore: before }) };
    default:
      return {
        ...(status === undefined ? {} : { status }),
        ...(before === undefined ? {} : { expiresBefore: before }),
      };
  }
}

async function deviceNames(
  records: readonly CertificateRecord[],
  { devices }: Pick<Store, 'devices'>,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(records.map(({ deviceId }) => deviceId).filter((id) => id !== null));
  const found = await Promise.all([...ids].map((id) => devices.findById({ id })));
  return new Map(found.filter((device) => device !== undefined).map(({ id, name }) => [id, name]));
}
