/** `gatehouse certificate`: revoke, hold and release. */
import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { CommandLineError } from './command-line-error.js';
import type { RunWithCore } from './run-with-core.js';

export function certificateCommand(run: RunWithCore): Command {
  const command = new Command('certificate').description('revoke certificates, put them on hold and release them');
  const issuer = new Option(
    '--issuer <generation>',
    'CA generation that issued it, such as quickstart-ec-1; needed where two have the same serial number',
  );

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
              requestedBy: person(),
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
        await revokeCertificate({ ...which(record), reason: 'certificateHold', requestedBy: person() }, core);
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
        await releaseCertificate({ ...which(record), requestedBy: person() }, core);
        await publish(record, core);
        return `${record.id} (${record.subject}) is valid again`;
      }),
    );

  return command;
}

/** Serial numbers as people have them: with colons, blanks, capitals and leading zeros, as tools print them. */
async function findOne(
  text: string,
  issuer: string | undefined,
  { store }: EnrollmentServices,
): Promise<CertificateRecord> {
  const serialNumber = text.replace(/[\s:]/g, '').replace(/^0x/i, '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(serialNumber)) throw new CommandLineError(`${text} is not a serial number in hex`);
  const spellings = new Set([
    serialNumber,
    serialNumber.length % 2 === 1 ? `0${serialNumber}` : serialNumber.replace(/^00/, ''),
  ]);
  const found = (
    await Promise.all([...spellings].map((spelling) => store.certificates.findBySerial({ serialNumber: spelling })))
  ).flat();
  const matching = issuer === undefined ? found : found.filter(({ issuerId }) => issuerId === issuer);
  const [record, other] = matching;
  if (record === undefined)
    throw new CommandLineError(
      `no certificate with the serial number ${serialNumber} is on record${issuer === undefined ? '' : ` for ${issuer}`}`,
    );
  if (other !== undefined)
    throw new CommandLineError(
      `several CAs have issued this serial number; add --issuer with one of ${matching.map(({ issuerId }) => issuerId).join(', ')}`,
    );
  return record;
}

function which({ issuerId, serialNumber }: CertificateRecord): { issuerId: string; serialNumber: string } {
  return { issuerId, serialNumber };
}

async function publish({ issuerId, crlPartition }: CertificateRecord, { crls }: EnrollmentServices): Promise<void> {
  await crls.publish(issuerId, crlPartition);
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new CommandLineError(`${text} is not a time such as 2026-01-31T12:00:00Z`);
  return time;
}

function person(): string {
  return `command line (${userInfo().username})`;
}
