/** `gatehouse unmanaged-ca`: list, show, certificates, revoke and watch. */
import { Command, Option } from 'commander';
import { publishRevocations } from '../devices/revocations.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import type { Core } from '../open-core.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import {
  describeIssued,
  describeUnmanagedCa,
  describeWithCertificates,
  type UnmanagedCaJson,
} from '../unmanaged-cas/describe.js';
import { listUnmanagedCas, requireVisibleCa } from '../unmanaged-cas/find.js';
import { revokeUnmanagedCa } from '../unmanaged-cas/revoke.js';
import { crlUrlSchema, watchCrl } from '../unmanaged-cas/watch.js';
import { parseCount } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, fields, jsonLines, jsonOption, printNote, table } from './table.js';

export function unmanagedCaCommand(run: RunWithCore): Command {
  return new Command('unmanaged-ca')
    .description('CAs that gateways run themselves: who holds them, what they have issued, and their end')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(certificatesCommand(run))
    .addCommand(revokeCommand(run))
    .addCommand(watchCommand(run));
}

interface ListOptions {
  readonly division?: string;
  readonly search?: string;
  readonly limit: number;
  readonly json?: true;
}

function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list unmanaged CAs, the oldest first')
    .option('--division <name>', 'only those of this division')
    .option('--search <text>', 'only those with this text in their subject')
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse unmanaged-ca list\n  gatehouse unmanaged-ca list --search gw-17 --json',
    )
    .action((options: ListOptions) => run((core) => list(options, core)));
}

async function list({ division, search, limit, json }: ListOptions, core: Core): Promise<string> {
  const query = {
    scope: 'everywhere',
    ...(division === undefined ? {} : { division }),
    ...(search === undefined ? {} : { search }),
  } as const;
  const { unmanagedCas: found } = await listUnmanagedCas(query, { limit: limit + 1 }, core);
  const { shown, note } = cutListing({ found, limit, plural: 'unmanaged CAs' });
  printNote(note);
  const described = await Promise.all(shown.map((record) => describeUnmanagedCa(record, core)));
  if (json) return jsonLines(described);
  if (described.length === 0) return 'no unmanaged CAs';
  return table(
    ['ID', 'STATUS', 'UNTIL', 'DIVISION', 'DEVICE', 'SUBJECT'],
    described.map((ca) => [ca.id, ca.status, ca.notAfter ?? '', ca.division ?? '', ca.device ?? '', ca.subject]),
  );
}

interface JsonOption {
  readonly json?: true;
}

function showCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<id>')
    .description('show an unmanaged CA with its certificates')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse unmanaged-ca show 01a1fd49-0f0b-7774-8b7e-efa93fac3ef9')
    .action((id: string, options: JsonOption) => run((core) => show(id, options, core)));
}

async function show(id: string, { json }: JsonOption, core: Core): Promise<string> {
  const described = await describeWithCertificates(await requireVisibleCa(id, 'everywhere', core), core);
  if (json) return jsonLines([described]);
  const { subject, status, division, device, notAfter, createdAt, reported, crl, certificates } = described;
  return [
    `unmanaged CA ${id}: ${status}`,
    ...fields({ subject, device, division, since: createdAt, until: notAfter }),
    ...fields({ 'reported certificates': String(reported), CRL: crl === null ? null : describeCrl(crl) }),
    ...certificates.map(
      (certificate) =>
        `  certificate ${certificate.id}: ${certificate.status}, ${certificate.notBefore} to ${certificate.notAfter}`,
    ),
  ].join('\n');
}

function describeCrl({ url, state, problem }: NonNullable<UnmanagedCaJson['crl']>): string {
  return `${url} (${state ?? 'not looked at yet'}${problem === null ? '' : `: ${problem}`})`;
}

interface CertificatesOptions extends JsonOption {
  readonly search?: string;
  readonly limit: number;
}

function certificatesCommand(run: RunWithCore): Command {
  return new Command('certificates')
    .argument('<id>')
    .description('list what an unmanaged CA has reported that it issued')
    .option('--search <text>', 'only those with this text in their subject or an alternative name')
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse unmanaged-ca certificates 01a1fd49-… --search sensor')
    .action((id: string, options: CertificatesOptions) => run((core) => listIssued(id, options, core)));
}

async function listIssued(id: string, { search, limit, json }: CertificatesOptions, core: Core): Promise<string> {
  const record = await requireVisibleCa(id, 'everywhere', core);
  const found = await core.store.unmanagedCertificates.list({
    unmanagedCaId: id,
    ...(search === undefined ? {} : { search }),
    limit: limit + 1,
  });
  const { shown, note } = cutListing({ found, limit, plural: 'certificates' });
  printNote(note);
  const described = await describeIssued(record, shown, core);
  if (json) return jsonLines(described);
  if (described.length === 0) return 'no certificates';
  return table(
    ['SERIAL NUMBER', 'STATUS', 'UNTIL', 'SUBJECT', 'NAMES'],
    described.map((each) => [
      each.serialNumber,
      each.status,
      each.notAfter,
      each.subject,
      each.subjectAltNames.join(' '),
    ]),
  );
}

interface RevokeOptions extends JsonOption {
  readonly reason: (typeof finalReasons)[number];
}

function revokeCommand(run: RunWithCore): Command {
  return new Command('revoke')
    .argument('<id>')
    .description('revoke an unmanaged CA for good: all its certificates, and so the whole branch below')
    .addOption(new Option('--reason <reason>', 'why').choices(finalReasons).default('cACompromise'))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse unmanaged-ca revoke 01a1fd49-… --reason cessationOfOperation')
    .action((id: string, { reason, json }: RevokeOptions) =>
      run(async (core) => {
        const revoked = await revokeUnmanagedCa(id, 'everywhere', { reason, actor: person() }, core);
        await publishRevocations(revoked, core);
        if (json) return await show(id, { json }, core);
        const what = revoked.length === 1 ? '1 certificate' : `${revoked.length} certificates`;
        return `revoked ${what} of ${id}, reason ${reason}; what it has issued is worth nothing any more, and the CRL says so`;
      }),
    );
}

interface WatchOptions extends JsonOption {
  readonly crl?: string;
  readonly off?: true;
}

function watchCommand(run: RunWithCore): Command {
  return new Command('watch')
    .argument('<id>')
    .description('watch the CRL of an unmanaged CA: the gateway looks at it every hour')
    .addOption(new Option('--crl <url>', 'where it is').conflicts('off'))
    .option('--off', 'watch none any more')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse unmanaged-ca watch 01a1fd49-… --crl http://gw-17.plant.example/ca.crl\n  gatehouse unmanaged-ca watch 01a1fd49-… --off',
    )
    .action((id: string, { crl, off, json }: WatchOptions) =>
      run(async (core) => {
        const url = readUrl(crl, off);
        await watchCrl(id, 'everywhere', { url, actor: person() }, core);
        if (json) return await show(id, { json }, core);
        return url === null ? `no CRL of ${id} is watched any more` : `the gateway looks at ${url} within a minute`;
      }),
    );
}

/** @throws CommandLineError */
function readUrl(text: string | undefined, off: true | undefined): UnmanagedCaRecord['crlUrl'] {
  if (off) return null;
  const parsed = crlUrlSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CommandLineError('give --crl with an http or https URL without credentials, or --off');
}
