/** `gatehouse ca` for what becomes of a CA: stage, activate, drop-next, revoke, request and import. */
import { Command, Option } from 'commander';
import { activateNext } from '../authorities/activate.js';
import { type ImportedAuthority, type ImportedKey, importAuthority } from '../authorities/import-authority.js';
import { importCertificate } from '../authorities/import-certificate.js';
import { requestCertificate } from '../authorities/request.js';
import { revokeAuthority } from '../authorities/revoke.js';
import { dropNext, stageNext } from '../authorities/stage.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { toPem } from '../x509/pem.js';
import { countOf } from './amount.js';
import { parseMoment } from './arguments.js';
import {
  type PassphraseOptions,
  passphraseOption,
  readCertificates,
  readCrlFiles,
  readPassphrase,
  readSmallFile,
} from './authority-files.js';
import { CommandLineError } from './command-line-error.js';
import { describeGeneration } from './describe-generation.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface Options {
  readonly json?: true;
}

export function operatingCommands(run: RunWithCore): readonly Command[] {
  return [
    stageCommand(run),
    activateCommand(run),
    dropCommand(run),
    revokeCommand(run),
    requestCommand(run),
    importCommand(run),
  ];
}

function stageCommand(run: RunWithCore): Command {
  return new Command('stage')
    .argument('<name>')
    .description('make the next key and certificate of a CA, which are announced and do not issue yet')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse ca stage plant-issuing')
    .action((name: string, { json }: Options) =>
      run(async (core) => {
        const staged = await stageNext(name, person(), core);
        if (json) return jsonLines([describeGeneration(staged)]);
        const { id, certificate } = staged;
        return `staged ${id}, until ${certificate.notAfter.toISOString()}: gatehouse ca activate ${name} makes it issue`;
      }),
    );
}

function activateCommand(run: RunWithCore): Command {
  return new Command('activate')
    .argument('<name>')
    .description('make the next generation of a CA the one that issues, at once or at a set time')
    .option('--at <time>', 'such as 2026-12-01T02:00:00Z, or a duration from now such as 14d; the gateway does it then')
    .option(
      '--replace-by <time>',
      'have what earlier generations have issued replaced until then, as certificate replace does',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca activate plant-issuing\n  gatehouse ca activate plant-issuing --at 2026-12-01T02:00:00Z --replace-by 2027-02-01T00:00:00Z',
    )
    .action((name: string, { at, json, ...options }: Options & { readonly at?: string; readonly replaceBy?: string }) =>
      run(async (core) => {
        const now = core.clock.now();
        const moment = at === undefined ? undefined : parseMoment(at, now);
        const replaceBy = options.replaceBy === undefined ? undefined : parseMoment(options.replaceBy, now);
        const when = await activateNext({ ca: name, at: moment, replaceBy, actor: person() }, core);
        const next = core.generations.findNext(name);
        const taken = next ?? core.generations.findCurrent(name);
        if (json) return jsonLines(taken === undefined ? [] : [describeGeneration(taken)]);
        const until =
          replaceBy === undefined ? '' : `, and earlier certificates are to be replaced by ${replaceBy.toISOString()}`;
        return next === undefined
          ? `${taken?.id} issues now${until}`
          : `${next.id} issues from ${when.toISOString()}${until}: the gateway must run then`;
      }),
    );
}

function dropCommand(run: RunWithCore): Command {
  return new Command('drop-next')
    .argument('<name>')
    .description('destroy the next key of a CA: of its staged generation, or of its request that waits')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse ca drop-next plant-issuing')
    .action((name: string, { json }: Options) =>
      run(async (core) => {
        await dropNext(name, person(), core);
        if (json) return jsonLines([{ ca: name }]);
        return `dropped what was to come of CA ${name}; its key is destroyed`;
      }),
    );
}

function revokeCommand(run: RunWithCore): Command {
  return new Command('revoke')
    .argument('<name>', 'of a CA, for the generation that issues, or of a generation such as plant-issuing-1')
    .description(
      'revoke a CA: it issues nothing more, nor does any CA below it; its next generation takes over, if one is staged',
    )
    .addOption(new Option('--reason <reason>', 'why').choices(finalReasons).default('cACompromise'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca revoke plant-issuing\n  gatehouse ca revoke plant-issuing-1 --reason superseded',
    )
    .action((name: string, { reason, json }: Options & { readonly reason: (typeof finalReasons)[number] }) =>
      run(async (core) => {
        const revoked = await revokeAuthority({ generation: name, reason, actor: person() }, core);
        if (json) return jsonLines([revoked]);
        const { generation, successor } = revoked;
        const { ca = name } = core.generations.find(generation) ?? {};
        const issuing = successor ?? core.generations.findCurrent(ca)?.id;
        return issuing === undefined
          ? `revoked ${generation}: CA ${ca} issues nothing until another generation is staged and activated`
          : `revoked ${generation}; ${issuing} issues now`;
      }),
    );
}

function requestCommand(run: RunWithCore): Command {
  return new Command('request')
    .argument('<name>')
    .description('print the request (PKCS #10, PEM) of a CA that an external CA, or an offline one, is to certify')
    .addHelpText(
      'after',
      '\nIts key is made at the first time and waits for the certificate; the request stays the same until then.\n\nExample:\n  gatehouse ca request plant-issuing > plant-issuing.csr',
    )
    .action((name: string) =>
      run(async (core) => toPem('CERTIFICATE REQUEST', await requestCertificate(name, person(), core)).trimEnd()),
    );
}

export function importCertificateCommand(run: RunWithCore): Command {
  return new Command('import')
    .argument('<name>', 'of a CA that waits for its certificate, or has key: external')
    .argument('<files...>', 'the certificate, and those above it up to the root, PEM or DER')
    .addOption(jsonOption())
    .description('take the certificate that an external CA has issued for a CA here, or that of an external CA itself')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca certificate import plant-issuing plant-issuing.pem corporate-root.pem\n  gatehouse ca certificate import corporate-root corporate-root.pem',
    )
    .action((name: string, files: readonly string[], { json }: Options) =>
      run(async (core) => {
        const certificates = await readCertificates(files);
        const id = await importCertificate({ ca: name, certificates, actor: person() }, core);
        const imported = core.generations.find(id);
        if (json && imported) return jsonLines([describeGeneration(imported)]);
        const { state, online } = imported ?? {};
        if (!online) return `${id} is known: CAs that name it as their parent can be certified by it`;
        return state === 'next' ? `${id} is staged: gatehouse ca activate ${name} makes it issue` : `${id} issues now`;
      }),
    );
}

interface ImportOptions extends PassphraseOptions, Options {
  readonly key?: string;
  readonly keyReference?: string;
  readonly certificate?: readonly string[];
  readonly crl?: readonly string[];
}

function importCommand(run: RunWithCore): Command {
  return new Command('import')
    .argument('<name>', 'of a CA that is configured with key: external')
    .description('take over a CA that was elsewhere: its private key and certificate')
    .option('--key <file>', 'PEM, PKCS #8 or PKCS #12; certificates in it need not be given again')
    .option('--key-reference <id>', "what the CA's keyStore calls the key, which is there already")
    .option('--certificate <files...>', 'of the key, and those above it up to the root, PEM or DER')
    .option('--crl <files...>', 'its last complete CRL, or one for each distribution point, PEM or DER')
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse ca import old-ca --key old-ca.key --certificate old-ca.pem root.pem --crl old-ca.crl --passphrase-file pass\n  gatehouse ca import old-ca --key old-ca.p12 --passphrase-file /dev/stdin\n  gatehouse ca import old-ca --key-reference a1b2 --certificate old-ca.pem',
    )
    .action((name: string, options: ImportOptions) =>
      run(async (core) => {
        const certificates = await readCertificates(options.certificate ?? []);
        const key = await readImportedKey(options);
        const crls = await readCrlFiles(options.crl ?? []);
        const done = await importAuthority({ ca: name, key, certificates, crls, actor: person() }, core);
        const imported = core.generations.find(done.generation);
        if (options.json && imported) return jsonLines([{ ...describeGeneration(imported), ...broughtAlong(done) }]);
        const use =
          imported?.state === 'next'
            ? `imported ${done.generation}, which is staged: gatehouse ca activate ${name} makes it issue`
            : `imported ${done.generation}, which issues now${options.key ? `; destroy ${options.key} where it is not needed any more` : ''}`;
        return [use, ...sayRevocations(done, crls.length > 0)].join('\n');
      }),
    );
}

/** @throws CommandLineError unless just one is given */
async function readImportedKey({
  key: file,
  keyReference: reference,
  ...options
}: ImportOptions): Promise<ImportedKey> {
  if (reference !== undefined && file === undefined) return { reference };
  if (file === undefined || reference !== undefined)
    throw new CommandLineError('give one of --key and --key-reference');
  return { content: await readSmallFile(file), passphrase: await readPassphrase(options) };
}

function broughtAlong({ revocations, crlEndedAt }: ImportedAuthority) {
  return { revocations, ...(crlEndedAt && { crlEndedAt: crlEndedAt.toISOString() }) };
}

function sayRevocations({ revocations, crlEndedAt }: ImportedAuthority, isGiven: boolean): string[] {
  if (!isGiven) return [];
  return [
    `${countOf(revocations, 'certificate')} that it has revoked or held ${revocations === 1 ? 'stays' : 'stay'} on its CRLs`,
    ...(crlEndedAt
      ? [`what it has revoked since its last CRL is not known: that had ended at ${crlEndedAt.toISOString()}`]
      : []),
  ];
}
