/** `gatehouse certificate`: list, show, story, revoke, hold, release, renew and replace. */
import { Command, Option } from 'commander';
import { describeCertificate } from '../certificates/find.js';
import { releaseOne, revokeOne } from '../certificates/revocations.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import type { Core } from '../open-core.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { parseTime } from './arguments.js';
import { findOne } from './find-certificate.js';
import { listCommand } from './list-certificates.js';
import { person } from './person.js';
import { renewCommand } from './renew-certificate.js';
import { replaceCommand } from './replace-certificates.js';
import type { RunWithCore } from './run-with-core.js';
import { showCommand, storyCommand } from './show-certificate.js';
import { jsonLines, jsonOption } from './table.js';

export function certificateCommand(run: RunWithCore): Command {
  const issuer = new Option(
    '--issuer <generation>',
    'CA generation that issued it, such as quickstart-ec-1; needed where two have the same serial number',
  );
  return new Command('certificate')
    .description('list and show certificates, revoke them, put them on hold, release, renew and replace them')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run, issuer))
    .addCommand(storyCommand(run, issuer))
    .addCommand(revokeCommand(run, issuer))
    .addCommand(holdCommand(run, issuer))
    .addCommand(releaseCommand(run, issuer))
    .addCommand(renewCommand(run, issuer))
    .addCommand(replaceCommand(run, issuer));
}

interface Options {
  readonly issuer?: string;
  readonly json?: true;
}

interface RevokeOptions extends Options {
  readonly reason: (typeof finalReasons)[number];
  readonly invalidSince?: string;
}

function revokeCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('revoke')
    .argument('<serial>')
    .description('revoke a certificate for good, by its serial number in hex')
    .addOption(new Option('--reason <reason>', 'why').choices(finalReasons).default('unspecified'))
    .addOption(issuer)
    .option('--invalid-since <time>', 'since when the key is suspected, such as 2026-01-31T12:00:00Z')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse certificate revoke 4f3a… --reason keyCompromise\n  gatehouse certificate revoke 4f3a… --reason superseded --issuer quickstart-ec-1',
    )
    .action((serial: string, options: RevokeOptions) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        const { reason } = options;
        const invalidityDate = options.invalidSince === undefined ? undefined : parseTime(options.invalidSince);
        const revocation = { reason, actor: person(), ...(invalidityDate ? { invalidityDate } : {}) };
        await revokeOne(record.id, 'everywhere', revocation, core);
        const said = `revoked ${record.id} (${record.subject}), reason ${reason}; it is on the CRL now`;
        return await publishAndSay(record, said, options, core);
      }),
    );
}

function holdCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('hold')
    .argument('<serial>')
    .description('revoke a certificate until it is released')
    .addOption(issuer)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse certificate hold 4f3a…')
    .action((serial: string, options: Options) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        await revokeOne(record.id, 'everywhere', { reason: 'certificateHold', actor: person() }, core);
        const said = `${record.id} (${record.subject}) is on hold; gatehouse certificate release ${record.serialNumber} ends that`;
        return await publishAndSay(record, said, options, core);
      }),
    );
}

function releaseCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('release')
    .argument('<serial>')
    .description('end the hold of a certificate')
    .addOption(issuer)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse certificate release 4f3a…')
    .action((serial: string, options: Options) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        await releaseOne(record.id, 'everywhere', { actor: person() }, core);
        return await publishAndSay(record, `${record.id} (${record.subject}) is valid again`, options, core);
      }),
    );
}

async function publishAndSay(
  { id, issuerId, crlPartition }: CertificateRecord,
  said: string,
  { json }: Options,
  core: Core,
): Promise<string> {
  await core.crls.publish(issuerId, crlPartition);
  return json ? jsonLines([await describeCertificate(id, core)]) : said;
}
