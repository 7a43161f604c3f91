/** `gatehouse ca`: the CAs of the embedded hierarchy, their certificates and CRLs. */
import { Command } from 'commander';
import type { CaGeneration } from '../ca/generations.js';
import type { Core } from '../open-core.js';
import { fingerprint, printedFingerprint } from '../x509/certificate.js';
import { toPem } from '../x509/pem.js';
import { parsePartition } from './arguments.js';
import { cataloguedCommand } from './catalog-command.js';
import { CommandLineError } from './command-line-error.js';
import type { RunWithCore } from './run-with-core.js';

export function certificateAuthorityCommand(run: RunWithCore): Command {
  const command = cataloguedCommand(
    {
      kind: 'certificate-authority',
      name: 'ca',
      description: 'certificate authorities: their configuration, certificates and CRLs',
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
      facts: async ({ name }, { authority }) => {
        const generations = generationsOf(name, authority);
        const described = generations.map(describeGeneration);
        return {
          lines: [
            ...described.map(
              ({ id, state, notAfter, serialNumber }) =>
                `${id}: ${state}, until ${notAfter}, serial number ${serialNumber}`,
            ),
            ...generations.flatMap(fingerprintLines),
          ],
          members: { generations: described },
        };
      },
    },
    run,
  );
  command.addCommand(certificateCommand(run));
  command.addCommand(crlCommand(run));
  return command;
}

function certificateCommand(run: RunWithCore): Command {
  return new Command('certificate')
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
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca crl quickstart-ec | openssl crl -noout -text\n  gatehouse ca crl big-ca-2 --partition 3',
    )
    .action((name: string, { partition }: { partition: number }) =>
      run(async ({ authority, store }) => {
        const { id } = findGeneration(name, authority);
        const crls = await store.crls.ofIssuer({ issuerId: id });
        const found = crls.find((crl) => crl.partition === partition);
        if (found) return toPem('X509 CRL', found.der).trimEnd();
        const partitions = crls.map((crl) => crl.partition).join(', ');
        throw new CommandLineError(
          partitions === ''
            ? `${id} has published no CRL yet: start the gateway, which publishes them`
            : `${id} has no CRL of partition ${partition}; it has ${partitions}`,
        );
      }),
    );
}

type Generations = Pick<Core['authority'], 'generations'>;

function generationsOf(ca: string, { generations }: Generations): readonly CaGeneration[] {
  return generations().filter((generation) => generation.ca === ca);
}

function describeGeneration({ id, state, certificate }: CaGeneration) {
  const { der, notBefore, notAfter, serialNumber } = certificate;
  return {
    id,
    state,
    serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    fingerprint: fingerprint(der),
  };
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
