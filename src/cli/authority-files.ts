/** Files that acts on CAs read and write: certificates, keys and passphrases. */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Option } from 'commander';
import { mostCrlOctets } from '../authorities/read-crls.js';
import { syncFolder } from '../store/sync-folder.js';
import { fromPem, toPem } from '../x509/pem.js';
import { CommandLineError } from './command-line-error.js';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

export function passphraseOption(): Option {
  return new Option(
    '--passphrase-file <file>',
    'its first line is the passphrase of the key; /dev/stdin for standard input',
  );
}

/** Undefined where none is given. */
export async function readPassphrase({ passphraseFile }: PassphraseOptions): Promise<string | undefined> {
  if (passphraseFile === undefined) return undefined;
  const bytes = await readSmallFile(passphraseFile);
  return bytes.toString('utf8').split(/\r?\n/, 1)[0] ?? '';
}

/** DER, from files in PEM or DER. @throws CommandLineError */
export function readCertificates(files: readonly string[]): Promise<readonly Uint8Array[]> {
  return readAny(files, 'CERTIFICATE', mostOctets);
}

/** DER, from files in PEM or DER. @throws CommandLineError */
export function readCrlFiles(files: readonly string[]): Promise<readonly Uint8Array[]> {
  // A third and the line ends more in PEM.
  return readAny(files, 'X509 CRL', mostCrlOctets * 1.5);
}

/** @throws CommandLineError */
export async function readSmallFile(file: string, limit = mostOctets): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new CommandLineError(`${file} cannot be read: ${messageOf(cause)}`);
  });
  try {
    return await readAll(handle, file, limit);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a private key where nothing is yet, for nobody but this user, and returns what it then reads of it. DER
 * EncryptedPrivateKeyInfo, in PEM in the file.
 * @throws CommandLineError
 */
export async function keepPrivateKey(file: string, encrypted: Uint8Array): Promise<Uint8Array> {
  const handle = await open(file, 'wx', 0o600).catch((cause: unknown) => {
    throw new CommandLineError(`${file} cannot be made: ${messageOf(cause)}`);
  });
  try {
    await handle.writeFile(toPem('ENCRYPTED PRIVATE KEY', encrypted));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(file));
  const [kept] = fromPem((await readSmallFile(file)).toString('latin1'), 'ENCRYPTED PRIVATE KEY');
  if (kept === undefined) throw new CommandLineError(`${file} cannot be read back`);
  return kept;
}

const mostOctets = 262_144;

/** A pipe gives it in parts. */
async function readAll(handle: FileHandle, file: string, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(65_536), 0, 65_536, null);
    if (bytesRead === 0) return Buffer.concat(parts);
    length += bytesRead;
    if (length > limit) throw new CommandLineError(`${file} is too large for what is expected of it`);
    parts.push(buffer.subarray(0, bytesRead));
  }
}

async function readAny(files: readonly string[], label: string, limit: number): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (const file of files) {
    const bytes = await readSmallFile(file, limit);
    const found = bytes.includes('-----BEGIN ') ? readPem(bytes.toString('latin1'), label, file) : [bytes];
    if (found.length === 0) throw new CommandLineError(`${file} has no ${label} in PEM`);
    all.push(...found);
  }
  return all;
}

function readPem(text: string, label: string, file: string): Uint8Array[] {
  try {
    return fromPem(text, label);
  } catch (cause) {
    throw new CommandLineError(`${file} cannot be read: ${messageOf(cause)}`);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
