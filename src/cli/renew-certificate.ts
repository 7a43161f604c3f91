/** `gatehouse certificate renew`: in the place of its holder. */
import { open, readFile, unlink } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { describeCertificate } from '../certificates/find.js';
import type { OperatorResult } from '../certificates/operator-request.js';
import { type RenewedKey, renewCertificate } from '../certificates/renew.js';
import { type DeliveredKey, deliverKey } from '../cms/key-delivery.js';
import { type GeneratedKeyType, generatedKeyTypes } from '../model/key-constraints.js';
import { type KeyDelivery, keyDeliverySchema } from '../model/key-delivery.js';
import type { Core } from '../open-core.js';
import { toPem } from '../x509/pem.js';
import { CommandLineError } from './command-line-error.js';
import { findOne } from './find-certificate.js';
import { person } from './person.js';
import { readLine } from './read-line.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface RenewOptions {
  readonly issuer?: string;
  readonly csr?: string;
  readonly newKey?: true;
  readonly keyType?: GeneratedKeyType;
  readonly format: KeyDelivery['format'];
  readonly passwordStdin?: true;
  readonly output?: string;
  readonly json?: true;
}

/** @param issuer the option that tells serial numbers of two CAs apart */
export function renewCommand(run: RunWithCore, issuer: Option, readSecret = readLine): Command {
  return new Command('renew')
    .argument('<serial>')
    .description(
      'renew a certificate in the place of its holder, with its names: for its key, another one, or one made here',
    )
    .addOption(issuer)
    .addOption(new Option('--csr <file>', 'for the key of this PKCS #10 request, in PEM').conflicts('newKey'))
    .option('--new-key', 'for a key that the gateway makes')
    .addOption(new Option('--key-type <type>', "the key's type; the policy's if not given").choices(generatedKeyTypes))
    .addOption(
      new Option('--format <format>', 'the form that the key comes in')
        .choices(['pkcs12', 'encrypted-pkcs8', 'pkcs8'])
        .default('encrypted-pkcs8'),
    )
    .option('--password-stdin', "take the key's password from standard input: 8 to 128 printable ASCII characters")
    .option('-o, --output <file>', 'write it to this new file, which only its owner may read')
    .addOption(jsonOption().conflicts('output'))
    .addHelpText('after', examples)
    .action((serial: string, options: RenewOptions) => run((core) => renew(serial, options, readSecret, core)));
}

const examples = `
The profile's rules for renewals hold: its window, its grace, and whether the key may stay. The certificate's policy has to have
portal or rest among its methods.

Examples:
  gatehouse certificate renew 4f3a… > renewed.pem
  gatehouse certificate renew 4f3a… --csr device.csr -o renewed.pem
  gatehouse certificate renew 4f3a… --new-key --format pkcs12 --password-stdin -o device.p12 < password.txt`;

async function renew(
  serial: string,
  options: RenewOptions,
  readSecret: () => Promise<string>,
  core: Core,
): Promise<string> {
  const delivery = options.newKey ? await readDelivery(options, readSecret) : undefined;
  const key = await readKey(options, delivery);
  const { id } = await findOne(serial, options.issuer, core);
  const ask = () =>
    renewCertificate(
      { certificateId: id, key, scope: 'everywhere', actor: person(), methods: ['portal', 'rest'] },
      core,
    );
  const { output } = options;
  if (output === undefined) return await print(await ask(), delivery, options, core);
  return await intoNewFile(output, async (write) => {
    const result = await ask();
    if (result.outcome === 'pending') return describePending(result, options);
    await write(contentOf(result, delivery && (await deliverKey(result, delivery))));
    return `renewed as ${result.record.id}; it is in ${output}`;
  });
}

async function print(
  result: OperatorResult,
  delivery: KeyDelivery | undefined,
  options: RenewOptions,
  core: Core,
): Promise<string> {
  if (result.outcome === 'pending') return describePending(result, options);
  const key = delivery && (await deliverKey(result, delivery));
  if (!options.json) return contentOf(result, key).toString().trimEnd();
  const { certificate, chain } = result;
  const pem = { pem: toPem('CERTIFICATE', certificate), chain: chain.map((der) => toPem('CERTIFICATE', der)) };
  return jsonLines([{ ...(await describeCertificate(result.record.id, core)), ...pem, ...key }]);
}

/** Makes the file before anything is asked for: a key that cannot be written down is lost. */
async function intoNewFile(
  path: string,
  act: (write: (content: string | Uint8Array) => Promise<void>) => Promise<string>,
): Promise<string> {
  const file = await open(path, 'wx', 0o600).catch((cause) => {
    throw new CommandLineError(`${path} cannot be made: ${cause instanceof Error ? cause.message : cause}`);
  });
  let isWritten = false;
  try {
    return await act(async (content) => {
      await file.writeFile(content);
      await file.sync();
      isWritten = true;
    });
  } finally {
    await file.close();
    if (!isWritten) await unlink(path);
  }
}

async function readDelivery(
  { format, keyType, passwordStdin, output, json }: RenewOptions,
  readSecret: () => Promise<string>,
): Promise<KeyDelivery> {
  const type = keyType === undefined ? {} : { type: keyType };
  if (format === 'pkcs8') return { format, ...type };
  if (!passwordStdin) {
    throw new CommandLineError('give the password of the key by --password-stdin, or take it as it is: --format pkcs8');
  }
  if (format === 'pkcs12' && output === undefined && !json) {
    throw new CommandLineError('PKCS #12 is no text: give a file by --output');
  }
  const parsed = keyDeliverySchema.safeParse({ format, ...type, password: await readSecret() });
  if (parsed.success) return parsed.data;
  throw new CommandLineError(parsed.error.issues[0]?.message ?? '');
}

async function readKey({ csr }: RenewOptions, delivery: KeyDelivery | undefined): Promise<RenewedKey> {
  if (delivery) return { kind: 'gateway', type: delivery.type, form: delivery.format };
  if (csr === undefined) return { kind: 'same' };
  const pem = await readFile(csr, 'utf8').catch((cause) => {
    throw new CommandLineError(`${csr} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  return { kind: 'csr', csr: pem };
}

function describePending(
  { requestId }: Extract<OperatorResult, { outcome: 'pending' }>,
  { json }: RenewOptions,
): string {
  if (json) return jsonLines([{ status: 'pending', request: requestId }]);
  return `the policy wants people to approve it: gatehouse request approve ${requestId}; then give this command again`;
}

function contentOf(
  { certificate }: Extract<OperatorResult, { outcome: 'issued' }>,
  key: DeliveredKey | undefined,
): string | Buffer {
  if (key?.pkcs12 !== undefined) return Buffer.from(key.pkcs12, 'base64');
  return `${toPem('CERTIFICATE', certificate)}${key?.privateKey ?? ''}`;
}
