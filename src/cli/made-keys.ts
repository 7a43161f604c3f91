/** Options of jobs whose keys the gateway makes: for whom, and what protects them on their way. */
import { open } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { type GeneratedKeyType, generatedKeyTypes } from '../model/key-constraints.js';
import { CommandLineError } from './command-line-error.js';

export interface MadeKeyOptions {
  readonly file?: string;
  readonly keyType?: GeneratedKeyType;
  readonly recipient?: string;
  readonly passwordFile?: string;
  readonly passwordStdin?: true;
}

export function addMadeKeyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--key-type <type>', "of keys that the gateway makes; the policy's if not given").choices(
        generatedKeyTypes,
      ),
    )
    .addOption(
      new Option('--recipient <file>', 'the archive of made keys is CMS EnvelopedData for this certificate, in PEM'),
    )
    .addOption(
      new Option('--password-file <file>', 'made keys are encrypted under the first line of this file').conflicts(
        'recipient',
      ),
    )
    .addOption(
      new Option('--password-stdin', 'the same, with the password from standard input').conflicts([
        'recipient',
        'passwordFile',
      ]),
    );
}

/** The member `archive` of the job's options; undefined where nothing protects keys. */
export async function readArchiveOptions(
  { file, recipient, passwordFile, passwordStdin }: MadeKeyOptions,
  readSecret: () => Promise<string>,
): Promise<object | undefined> {
  if (recipient !== undefined) return { recipient: await readSmall(recipient) };
  if (passwordFile !== undefined) return { password: firstLine(await readSmall(passwordFile)) };
  if (!passwordStdin) return undefined;
  if (file === '-') throw new CommandLineError('standard input has the rows already: give --password-file');
  return { password: await readSecret() };
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

const mostOctets = 65_536;

async function readSmall(path: string): Promise<string> {
  const handle = await open(path).catch((cause: unknown) => {
    throw new CommandLineError(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(mostOctets), 0, mostOctets, null);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
