/** `gatehouse ca cross-certify`, `cross-certificates`, `link` and `unlink`: certificates between CAs here and foreign ones. */
import { Command } from 'commander';
import { crossCertify } from '../authorities/cross-certify.js';
import {
  describeCrossCertificate,
  describeCrossCertificates,
  describeLink,
} from '../authorities/describe-cross-certificates.js';
import { linkAuthority, unlinkAuthority } from '../authorities/links.js';
import { requireConfig } from '../authorities/services.js';
import { type CrossCertificationLimits, crossCertificationSchema } from '../model/cross-certification.js';
import { readCsrPem } from '../x509/written-request.js';
import { readCertificates, readSmallFile } from './authority-files.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption, table } from './table.js';

interface Options {
  readonly json?: true;
}

export function crossCertificateCommands(run: RunWithCore): readonly Command[] {
  return [crossCertifyCommand(run), listCommand(run), linkCommand(run), unlinkCommand(run)];
}

interface CrossCertifyOptions extends Options {
  readonly request?: string;
  readonly pathLength?: string;
  readonly permitted?: readonly string[];
  readonly excluded?: readonly string[];
  readonly validity?: string;
  readonly policy?: readonly string[];
}

function crossCertifyCommand(run: RunWithCore): Command {
  return new Command('cross-certify')
    .argument('<name>', 'of the CA that certifies, whose key must be in the gateway')
    .argument('<file>', 'the certificate of the foreign CA, PEM or DER')
    .description('certify the key of a foreign CA: who trusts the CA here trusts then what that one issues')
    .option('--request <file>', 'PKCS #10 by the same key, PEM or DER: needed where the certificate is not self-signed')
    .option('--path-length <number>', 'how many CAs may follow it')
    .option('--permitted <names...>', 'what it may issue for, such as dns:partner.example or ip:10.9.0.0/16')
    .option('--excluded <names...>', 'what it may not issue for')
    .option('--validity <duration>', 'such as 3y; until one of the two CAs ends, if absent')
    .option('--policy <oids...>', 'certificate policies under which it may issue')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nForms of names: dns, ip, email, uri, directoryName. The certificate is printed in PEM.\n\nExample:\n  gatehouse ca cross-certify plant-root partner.pem --permitted dns:partner.example --path-length 1 > cross.pem',
    )
    .action((name: string, file: string, options: CrossCertifyOptions) =>
      run(async (core) => {
        const [certificate, ...others] = await readCertificates([file]);
        if (certificate === undefined || others.length > 0) {
          throw new CommandLineError(
            `${file} has ${others.length + 1} certificates: that of the foreign CA alone is needed`,
          );
        }
        const request = options.request === undefined ? undefined : await readRequest(options.request);
        const limits = readLimits(options);
        const id = await crossCertify({ ca: name, certificate, request, limits, actor: person() }, core);
        const described = await describeCrossCertificate(name, id, core);
        return options.json ? jsonLines([described]) : described.certificate.trimEnd();
      }),
    );
}

function listCommand(run: RunWithCore): Command {
  return new Command('cross-certificates')
    .argument('<name>', 'of a CA')
    .description('list what a CA has issued to foreign CAs, and what those have issued to it')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse ca cross-certificates plant-root')
    .action((name: string, { json }: Options) =>
      run(async (core) => {
        requireConfig(name, core);
        const described = await describeCrossCertificates(name, core);
        if (json) return jsonLines([described]);
        const { issued, links } = described;
        if (issued.length + links.length === 0) return `no cross-certificates of CA ${name}`;
        return table(
          ['FROM', 'FOR', 'UNTIL', 'STATUS', 'ID OR FINGERPRINT'],
          [
            ...issued.map((each) => [each.issuer, each.subject, each.notAfter, each.status, each.id]),
            ...links.map((each) => [each.issuer, each.generation, each.notAfter, 'link', each.fingerprint]),
          ],
        );
      }),
    );
}

function linkCommand(run: RunWithCore): Command {
  return new Command('link')
    .argument('<name>', 'of a CA')
    .argument('<files...>', 'the certificate that a foreign CA has issued for it, and those above, PEM or DER')
    .description(
      'take the certificate that a foreign CA has issued for a CA here: who trusts that one finds a path over it',
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse ca link plant-root plant-root-by-partner.pem partner.pem')
    .action((name: string, files: readonly string[], { json }: Options) =>
      run(async (core) => {
        const certificates = await readCertificates(files);
        const link = await linkAuthority({ ca: name, certificates, actor: person() }, core);
        if (json) return jsonLines([describeLink(link)]);
        const { generation, anchor, notAfter } = describeLink(link);
        return `linked ${generation} to ${anchor} until ${notAfter}; gatehouse ca unlink ${name} ${link.fingerprint} ends it`;
      }),
    );
}

function unlinkCommand(run: RunWithCore): Command {
  return new Command('unlink')
    .argument('<name>', 'of a CA')
    .argument('<fingerprint>', 'SHA-256, as gatehouse ca cross-certificates shows it')
    .description('hand out such a certificate no more')
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse ca unlink plant-root ${'0f'.repeat(32)}`)
    .action((name: string, text: string, { json }: Options) =>
      run(async (core) => {
        const fingerprint = text.replaceAll(':', '').toLowerCase();
        await unlinkAuthority({ ca: name, fingerprint, actor: person() }, core);
        return json ? jsonLines([{ ca: name, fingerprint }]) : `unlinked ${fingerprint}`;
      }),
    );
}

/** @throws CommandLineError */
function readLimits({
  pathLength,
  permitted = [],
  excluded = [],
  validity,
  policy,
}: CrossCertifyOptions): CrossCertificationLimits {
  const isConstrained = permitted.length + excluded.length > 0;
  const parsed = crossCertificationSchema.safeParse({
    // An empty text would be 0.
    ...(pathLength === undefined ? {} : { pathLength: pathLength.trim() === '' ? Number.NaN : Number(pathLength) }),
    ...(isConstrained && {
      nameConstraints: { permitted: permitted.map(readSubtree), excluded: excluded.map(readSubtree) },
    }),
    ...(validity === undefined ? {} : { validity }),
    ...(policy === undefined ? {} : { certificatePolicies: policy }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CommandLineError(`${issue?.path.join('.')}: ${issue?.message}`);
}

/** @throws CommandLineError */
function readSubtree(text: string): Readonly<Record<string, string>> {
  const [, form, value] = /^(dns|ip|email|uri|directoryName):(.+)$/s.exec(text) ?? [];
  if (form !== undefined && value !== undefined) return { [form]: value };
  throw new CommandLineError(`${text} is not a form and a name, such as dns:partner.example`);
}

async function readRequest(file: string): Promise<Uint8Array> {
  const bytes = await readSmallFile(file);
  return bytes.includes('-----BEGIN ') ? readCsrPem(file, bytes.toString('latin1')) : bytes;
}
