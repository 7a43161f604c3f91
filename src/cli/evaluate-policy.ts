/** `gatehouse policy evaluate`: a dry run of a request. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { readWish } from '../enrollment/certificate-wish.js';
import { evaluate } from '../enrollment/evaluate.js';
import type { Evaluation } from '../enrollment/evaluation.js';
import { type GeneratedKeyType, generatedKeyTypeSchema } from '../model/key-constraints.js';
import { type Method, methods } from '../model/protocol-name.js';
import type { Core } from '../open-core.js';
import { fromPem, toPem } from '../x509/pem.js';
import { parseMoment } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { columns, fields, jsonLines, jsonOption } from './table.js';

interface EvaluateOptions {
  readonly protocol: Method;
  readonly operation: 'enroll' | 'reenroll' | 'either';
  readonly csr?: string;
  readonly publicKey?: string;
  readonly generateKey?: GeneratedKeyType | true;
  readonly subject?: string;
  readonly dns?: string[];
  readonly ip?: string[];
  readonly email?: string[];
  readonly uri?: string[];
  readonly profile?: string;
  readonly at?: string;
  readonly credential?: string;
  readonly username?: string;
  readonly certificate?: string;
  readonly issuedCertificate?: string;
  readonly device?: string;
  readonly operator?: true;
  readonly remoteAddress?: string;
  readonly json?: true;
}

export function evaluateCommand(run: RunWithCore): Command {
  return new Command('evaluate')
    .argument('<label>', 'as in an enrollment URL: <policy> or <policy>~<group>')
    .description('tell what would become of a request, and why; nothing is issued, consumed, counted or recorded')
    .addOption(new Option('--protocol <protocol>', 'over which it would come').choices(methods).makeOptionMandatory())
    .addOption(
      new Option('--operation <operation>', 'what it would be; either: as its certificate says')
        .choices(['enroll', 'reenroll', 'either'])
        .default('either'),
    )
    .option('--csr <file>', 'PKCS #10 request, PEM or DER')
    .option('--public-key <file>', 'public key in place of a request, PEM')
    .addOption(
      new Option('--generate-key [type]', 'the gateway would make the key').choices(generatedKeyTypeSchema.options),
    )
    .option('--subject <name>', 'without a PKCS #10 request: the subject, such as CN=pump-17,O=Plant')
    .option('--dns <name...>', 'and alternative names of this kind')
    .option('--ip <address...>', 'the same')
    .option('--email <address...>', 'the same')
    .option('--uri <uri...>', 'the same')
    .option('--profile <name>', 'the certificate profile that it would choose')
    .option('--at <time>', 'when it would be: a duration from now, such as 30d, or a time')
    .option('--credential <name>', 'credential of the authentication policy whose secret the caller would know')
    .option('--username <name>', 'user name that it would come with; the right one if not given')
    .option('--certificate <file>', "the caller's certificate and those above it, PEM")
    .option('--issued-certificate <id>', 'a certificate issued here that the caller would present')
    .option('--device <name>', 'whose latest certificate it would present; with --operator, for which it would ask')
    .option('--operator', 'you would ask')
    .option('--remote-address <address>', 'IP address of the caller; 127.0.0.1 if not given')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action((label: string, options: EvaluateOptions) =>
      run(async (core) => {
        const evaluation = await ask(label, options, core);
        return options.json ? jsonLines([evaluation]) : describeEvaluation(evaluation);
      }),
    );
}

const help = `
A refusal is an answer like any other: the exit status is 0. A challenge webhook is not asked.

Examples:
  gatehouse policy evaluate quickstart --protocol est --csr device.csr --credential quickstart-passcode
  gatehouse policy evaluate quickstart~gateways --protocol rest --generate-key --subject CN=gate-1 --credential quickstart-passcode
  gatehouse policy evaluate quickstart --protocol est --csr device.csr --device pump-17 --at 300d --json | jq .outcome`;

async function ask(label: string, options: EvaluateOptions, core: Core): Promise<Evaluation> {
  const { protocol, operation, generateKey, subject, dns, ip, email, uri, profile, at } = options;
  if ([options.csr, options.publicKey, generateKey].filter((given) => given !== undefined).length !== 1)
    throw new CommandLineError('say for which key: give one of --csr, --public-key and --generate-key');
  const wish = readWish({
    csr: options.csr === undefined ? undefined : readRequest(options.csr),
    publicKey: options.publicKey === undefined ? undefined : readBounded(options.publicKey).toString('utf8'),
    generateKey: generateKey === undefined ? undefined : generateKey === true ? {} : { type: generateKey },
    subject,
    subjectAltNames: { dns, ip, email, uri },
  });
  return await evaluate(
    {
      label,
      protocol,
      operation,
      wish,
      caller: readCaller(options),
      ...(profile === undefined ? {} : { profileHint: profile }),
      ...(at === undefined ? {} : { at: parseMoment(at, core.clock.now()) }),
    },
    core,
  );
}

function readCaller(options: EvaluateOptions): Parameters<typeof evaluate>[0]['caller'] {
  const { credential, username, certificate, issuedCertificate, device, operator, remoteAddress } = options;
  const certificates = [certificate, issuedCertificate, operator ? undefined : device];
  if (certificates.filter((given) => given !== undefined).length > 1)
    throw new CommandLineError(
      'a caller presents one certificate: give --certificate, --issued-certificate or --device',
    );
  return {
    credential,
    username,
    issuedCertificate,
    device,
    operator: operator ? person() : undefined,
    remoteAddress,
    certificateChain: certificate === undefined ? undefined : readChain(certificate),
  };
}

function readChain(file: string): readonly Uint8Array[] {
  const chain = fromPem(readBounded(file).toString('utf8'), 'CERTIFICATE');
  if (chain.length > 0) return chain;
  throw new CommandLineError(`${file} has no certificate in PEM`);
}

/** As PEM, whichever of the two it is. */
function readRequest(file: string): string {
  const content = readBounded(file);
  // A SEQUENCE begins so, and no text does.
  return content[0] === 0x30 ? toPem('CERTIFICATE REQUEST', content) : content.toString('utf8');
}

const maximumBytes = 1_000_000;

function readBounded(file: string): Buffer {
  if (!existsSync(file)) throw new CommandLineError(`there is no file ${file}`);
  if (statSync(file).size > maximumBytes) throw new CommandLineError(`${file} is larger than ${maximumBytes} bytes`);
  return readFileSync(file);
}

function describeEvaluation(evaluation: Evaluation): string {
  const { outcome, code, reason, trace, requester, operation, profile, usage, device, isNewDevice } = evaluation;
  return [
    `${outcome}${code === undefined ? '' : `: ${code}`}`,
    ...fields({
      reason,
      requester,
      operation,
      profile: profile && `${profile} (${usage})`,
      device: device && `${device}${isNewDevice ? ' (new)' : ''}`,
    }),
    '',
    columns(trace.map((entry) => [entry.outcome, entry.rule, entry.said])),
    ...describeCertificate(evaluation),
  ].join('\n');
}

function describeCertificate({ outcome, certificate, modified, revokes }: Evaluation): readonly string[] {
  if (certificate === undefined) return [];
  const { subject, issuer, subjectAltNames, publicKey, notBefore, notAfter, extensions } = certificate;
  return [
    '',
    `the certificate that would be issued${outcome === 'pending' ? ' once people approve it' : ''}`,
    ...fields({
      subject,
      'alternative names': subjectAltNames.join(', '),
      key: `${publicKey.kind}, SHA-256 ${publicKey.fingerprint}`,
      issuer,
      valid: `${notBefore} to ${notAfter}`,
      ...Object.fromEntries(
        extensions.map(({ name, critical, value }) => [`${name}${critical ? ' (critical)' : ''}`, value]),
      ),
      'differs from the request': modified.join('; '),
      'takes the place of': revokes.join(', '),
    }),
  ];
}
