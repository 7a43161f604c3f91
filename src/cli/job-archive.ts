/** `gatehouse job archive`: the certificates of a job and, once, their keys. */
import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { type Archive, findArchivedJob, openArchive, requireArchive } from '../jobs/archive/open-archive.js';
import { formatBytes } from './amount.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import { createProgress } from './progress.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

/** To be added to the command `job`. */
export function jobArchiveCommand(run: RunWithCore): Command {
  return new Command('archive')
    .description(
      'write the archive of a job that issued certificates, and destroy the keys that the gateway made for it',
    )
    .argument('<id>', 'of the job')
    .requiredOption('-o, --output <file>', 'where to; it must not exist yet')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action((id: string, options: { readonly output: string; readonly json?: true }) =>
      run(async (core) => {
        const file = resolve(options.output);
        const job = await findArchivedJob(id, core);
        requireArchive(job);
        const { size, archive } = await write(file, () => openArchive(job, person(), core));
        await archive.delivered();
        if (options.json) return jsonLines([{ id, file, size, keysDestroyed: job.archive !== null }]);
        const end = job.archive === null ? '' : '; the keys in it are nowhere else any more';
        return `archive ${file}: ${formatBytes(size)}${end}`;
      }),
    );
}

const help = `
Keys that the gateway made are destroyed once the file is complete and on the disk: keep it. One that breaks off can be repeated.
A job for a recipient gives CMS EnvelopedData, one with a password a ZIP file with encrypted key files.

Examples:
  gatehouse job archive 01j9… -o keys.zip.p7m
  openssl cms -decrypt -binary -inform DER -in keys.zip.p7m -recip me.pem -inkey me.key -out keys.zip
  openssl pkey -in 0000001-pump-7/key.pem -out pump-7.key`;

interface Written {
  /** In octets. */
  readonly size: number;
  readonly archive: Archive;
}

/** What is incomplete is removed; what is complete stays, whatever becomes of the keys. */
async function write(file: string, openIt: () => Promise<Archive>): Promise<Written> {
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new CommandLineError(`${file} exists, and an archive overwrites nothing: name a new file`);
  });
  try {
    const archive = await openIt();
    const size = await copy(archive, handle);
    await handle.sync();
    await syncFolder(dirname(file));
    return { size, archive };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function copy({ body }: Archive, handle: FileHandle): Promise<number> {
  const progress = createProgress();
  let size = 0;
  try {
    await pipeline(body, async (pieces: AsyncIterable<Uint8Array>) => {
      for await (const piece of pieces) {
        await handle.writeFile(piece);
        size += piece.length;
        progress.show(`writing: ${formatBytes(size)}`);
      }
    });
    return size;
  } finally {
    progress.end();
  }
}

/** Without this a loss of power could take the file away, after the keys. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
