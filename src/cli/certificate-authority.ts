/** `gatehouse ca`: the CAs of the embedded hierarchy, their certificates and CRLs. */
import { Command } from 'commander';
import { listCrls } from '../authorities/crls.js';
import type { CaGeneration } from '../ca/generations.js';
import type { Core } from '../open-core.js';
import { printedFingerprint } from '../x509/certificate.js';
import { toPem } from '../x509/pem.js';
import { parsePartition } from './arguments.js';
import { cataloguedCommand } from './catalog-command.js';
import { CommandLineError } from './command-line-error.js';
import { crossCertificateCommands } from './cross-certificates.js';
import { describeGeneration } from './describe-generation.js';
import { signCommand, takeOfflineCommand } from './offline-authority.js';
import { importCertificateCommand, operatingCommands } from './operate-authority.js';
import { crlLines, publishCommand } from './publish-crls.js';
import type { RunWithCore } from './run-with-core.js';

export function certificateAuthorityCommand(run: RunWithCore): Command {
  const command = cataloguedCommand(
    {
      kind: 'certificate-authority',
      name: 'ca',
      description: 'certificate authorities: their configuration, certificates, keys and CRLs',
      plural: 'certificate authorities',
      example: 'quickstart-ec',
      headings: ['PARENT', 'KEY', 'SUBJECT', 'ISSUES AS', 'UNTIL'],
      row: ({ name, value }, { authority }) => {
        const current = generationsOf(name, authority).find(({ state }) => state === 'current');
        return [
          value.parent ?? '',
          value.key,
          value.subject,
          current?.id ?? '',
          current?.certificate.notAfter.toISOString() ?? '',
        ];
      },
      facts: async ({ name }, core) => {
        const generations = generationsOf(name, core.authority);
        const described = generations.map(describeGeneration);
        const crls = await listCrls(name, core);
        return {
          lines: [
            ...described.map(
              ({ id, state, notAfter, serialNumber, online, revoked, activateAt }) =>
                `${id}: ${state}${revoked ? ', revoked' : ''}${online ? '' : ', offline'}, until ${notAfter}, serial number ${serialNumber}${activateAt === undefined ? '' : `, issues from ${activateAt}`}`,
            ),
            ...generations.flatMap(fingerprintLines),
            ...crlLines(crls),
          ],
          members: { generations: described, crls },
        };
      },
    },
    run,
  );
  const offline = [takeOfflineCommand(run), signCommand(run)];
  const crls = [crlCommand(run), publishCommand(run)];
  const across = crossCertificateCommands(run);
  for (const each of [certificateCommand(run), ...crls, ...operatingCommands(run), ...offline, ...across])
    command.addCommand(each);
  return command;
}

function certificateCommand(run: RunWithCore): Command {
  return new Command('certificate')
    .addCommand(importCertificateCommand(run))
    .argument('<name>', 'of a CA, for the generation that issues, or of a generation such as quickstart-ec-1')
    .description('print the certificate of a CA, in PEM')
    .option('--chain', 'and those above it, up to the root')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca certificate quickstart-ec | openssl x509 -noout -text\n  gatehouse ca certificate quickstart-ec --chain > chain.pem',
    )
    .action((name: string, { chain }: { chain?: true }) =>
      run(async ({ authority }) => {
        const certificates = authority.chain(findGeneration(name, authority).id);
        return (chain ? certificates : certificates.slice(0, 1))
          .map((der) => toPem('CERTIFICATE', der))
          .join('')
          .trimEnd();
      }),
    );
}

function crlCommand(run: RunWithCore): Command {
  return new Command('crl')
    .argument('<name>', 'of a CA, for the generation that issues, or of a generation such as quickstart-ec-1')
    .description('print the latest CRL of a CA, in PEM')
    .option('--partition <number>', 'of a CA with several CRLs, which one', parsePartition, 0)
    .option('--delta', 'what has changed since its last regular CRL, where it publishes that')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca crl quickstart-ec | openssl crl -noout -text\n  gatehouse ca crl big-ca-2 --partition 3',
    )
    .action((name: string, { partition, delta }: { partition: number; delta?: true }) =>
      run(async ({ authority, store }) => {
        const { id } = findGeneration(name, authority);
        const place = { issuerId: id, partition };
        const found = await (delta ? store.crls.findDelta(place) : store.crls.find(place));
        if (found) return toPem('X509 CRL', found.der).trimEnd();
        const headers = (await store.crls.headers({})).filter(({ issuerId }) => issuerId === id);
        throw new CommandLineError(crlMissing(place, headers, delta));
      }),
    );
}

function crlMissing(
  { issuerId, partition }: { readonly issuerId: string; readonly partition: number },
  headers: readonly { readonly partition: number }[],
  delta: true | undefined,
): string {
  if (headers.length === 0) return `${issuerId} has published no CRL yet: start the gateway, which publishes them`;
  if (headers.every((header) => header.partition !== partition)) {
    const partitions = headers.map((header) => header.partition).join(', ');
    return `${issuerId} has no CRL of partition ${partition}; it has ${partitions}`;
  }
  return delta
    ? `${issuerId} has no delta of partition ${partition}: its CA publishes them once it has crl.delta`
    : `${issuerId} has no CRL of partition ${partition}`;
}

type Generations = Pick<Core['authority'], 'generations'>;

function generationsOf(ca: string, { generations }: Generations): readonly CaGeneration[] {
  return generations().filter((generation) => generation.ca === ca);
}

/** For comparing with what a device or a downloaded file shows. */
function fingerprintLines({ id, certificate: { der } }: CaGeneration): string[] {
  return [
    `${id} SHA-256 fingerprint ${printedFingerprint(der, 'sha256')}`,
    `${id} SHA-1 fingerprint ${printedFingerprint(der, 'sha1')}`,
  ];
}

function findGeneration(name: string, authority: Generations): CaGeneration {
  const all = authority.generations();
  const found = all.find(({ ca, state }) => ca === name && state === 'current') ?? all.find(({ id }) => id === name);
  if (found) return found;
  const known = all.map(({ id }) => id).join(', ') || 'none';
  throw new CommandLineError(`no CA or generation of one is called "${name}"; the generations are: ${known}`);
}
