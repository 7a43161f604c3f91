/** `gatehouse certificate`: list, show, revoke, hold, release and replace. */
import { Command, Option } from 'commander';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { parseTime } from './arguments.js';
import { findOne } from './find-certificate.js';
import { listCommand } from './list-certificates.js';
import { person } from './person.js';
import { replaceCommand } from './replace-certificates.js';
import type { RunWithCore } from './run-with-core.js';
import { showCommand } from './show-certificate.js';

export function certificateCommand(run: RunWithCore): Command {
  const command = new Command('certificate').description(
    'list and show certificates, revoke them, put them on hold, release them, and have them replaced',
  );
  const issuer = new Option(
    '--issuer <generation>',
    'CA generation that issued it, such as quickstart-ec-1; needed where two have the same serial number',
  );

  command.addCommand(listCommand(run));
  command.addCommand(showCommand(run, issuer));

  command
    .command('revoke <serial>')
    .description('revoke a certificate for good, by its serial number in hex')
    .addOption(new Option('--reason <reason>', 'why').choices(finalReasons).default('unspecified'))
    .addOption(issuer)
    .option('--invalid-since <time>', 'since when the key is suspected, such as 2026-01-31T12:00:00Z')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse certificate revoke 4f3a… --reason keyCompromise\n  gatehouse certificate revoke 4f3a… --reason superseded --issuer quickstart-ec-1',
    )
    .action(
      (serial: string, options: { reason: (typeof finalReasons)[number]; issuer?: string; invalidSince?: string }) =>
        run(async (core) => {
          const record = await findOne(serial, options.issuer, core);
          const invalidityDate = options.invalidSince === undefined ? undefined : parseTime(options.invalidSince);
          await revokeCertificate(
            {
              ...which(record),
              reason: options.reason,
              requestedBy: person().name,
              ...(invalidityDate ? { invalidityDate } : {}),
            },
            core,
          );
          await publish(record, core);
          return `revoked ${record.id} (${record.subject}), reason ${options.reason}; it is on the CRL now`;
        }),
    );

  command
    .command('hold <serial>')
    .description('revoke a certificate until it is released')
    .addOption(issuer)
    .action((serial: string, options: { issuer?: string }) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        await revokeCertificate({ ...which(record), reason: 'certificateHold', requestedBy: person().name }, core);
        await publish(record, core);
        return `${record.id} (${record.subject}) is on hold; gatehouse certificate release ${record.serialNumber} ends that`;
      }),
    );

  command
    .command('release <serial>')
    .description('end the hold of a certificate')
    .addOption(issuer)
    .action((serial: string, options: { issuer?: string }) =>
      run(async (core) => {
        const record = await findOne(serial, options.issuer, core);
        await releaseCertificate({ ...which(record), requestedBy: person().name }, core);
        await publish(record, core);
        return `${record.id} (${record.subject}) is valid again`;
      }),
    );

  command.addCommand(replaceCommand(run, issuer));
  return command;
}

function which({ issuerId, serialNumber }: CertificateRecord): { issuerId: string; serialNumber: string } {
  return { issuerId, serialNumber };
}

async function publish({ issuerId, crlPartition }: CertificateRecord, { crls }: EnrollmentServices): Promise<void> {
  await crls.publish(issuerId, crlPartition);
}
