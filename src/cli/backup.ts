/** `gatehouse backup`: one file to restore the gateway from, made while it runs. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../clock.js';
import { describeSource } from '../keys/kek-source.js';
import { kekSourceOf, type Settings } from '../settings.js';
import { createOverview } from '../store/overview.js';
import { copyDatabase, findDamage, nameDatabase, removeDatabase } from '../store/sqlite-backup.js';
import { countOf, formatBytes } from './amount.js';
import { CommandLineError } from './command-line-error.js';
import { withExistingStore } from './existing-store.js';
import { createProgress, type Progress } from './progress.js';
import { jsonLines, jsonOption } from './table.js';
import { verifyAuditLog } from './verify-audit-log.js';

export function backUpCommand(settings: () => Settings): Command {
  return new Command('backup')
    .description('copy the database, consistent and verified, into one new file; the gateway may run meanwhile')
    .argument('<file>', 'where to; it must not exist yet')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(async (file: string, { json }: { json?: true }) => {
      const made = await backUp(resolve(file), settings());
      console.log(json ? jsonLines([made]) : describeBackup(made, settings()));
    });
}

const help = `
The file has everything but the key-encryption key, which has to be kept apart from it: whoever has both has the keys of the CAs.
Its private keys are sealed, but it does tell names, certificates and the audit log: its mode is 600.

Examples:
  gatehouse backup /var/backups/gatehouse-$(date +%F).sqlite
  gatehouse backup --data /var/lib/gatehouse /mnt/backup/gatehouse.sqlite`;

interface Backup extends Content {
  readonly file: string;
  readonly bytes: number;
}

/** What a verified copy holds. */
interface Content {
  readonly certificates: { readonly total: number; readonly valid: number };
  readonly devices: number;
  readonly caGenerations: number;
  readonly auditEvents: number;
  readonly lastEvent: { readonly sequence: number; readonly hash: string } | null;
}

function describeBackup({ file, bytes, ...content }: Backup, settings: Settings): string {
  const { certificates, devices, caGenerations, auditEvents, lastEvent } = content;
  const end = lastEvent ? `; the last is ${lastEvent.sequence} with hash ${lastEvent.hash}` : '';
  return [
    `backup ${file}: ${formatBytes(bytes)}, verified`,
    `${countOf(certificates.total, 'certificate')} (${certificates.valid} valid), ${countOf(devices, 'device')}, ${countOf(caGenerations, 'CA generation')}`,
    `${countOf(auditEvents, 'audit event')}, chain intact${end}`,
    `${describeSource(kekSourceOf(settings))} is not in it, and nothing that is sealed opens without it: keep a copy of that apart from the backups`,
  ].join('\n');
}

async function backUp(file: string, settings: Settings): Promise<Backup> {
  if (existsSync(file)) throw new CommandLineError(`${file} exists, and a backup overwrites nothing: name a new file`);
  if (!existsSync(dirname(file))) throw new CommandLineError(`there is no folder ${dirname(file)}: make it first`);
  const progress = createProgress();
  const unfinished = `${file}.unfinished-${randomBytes(4).toString('hex')}`;
  // Opened first, so that a database of another version, or none, is refused before anything is copied.
  await withExistingStore(settings, async () => {
    try {
      await copyDatabase(settings.database, unfinished, ({ copied, total }) =>
        progress.show(`copying: ${total === 0 ? 0 : Math.floor((copied / total) * 100)} %`),
      );
    } finally {
      progress.end();
    }
  });
  try {
    const content = await verifyCopy(unfinished, progress);
    await nameDatabase(unfinished, file);
    return { file, bytes: statSync(file).size, ...content };
  } catch (error) {
    await removeDatabase(unfinished);
    throw error;
  }
}

async function verifyCopy(file: string, progress: Progress): Promise<Content> {
  const [damage] = findDamage(file);
  if (damage !== undefined) {
    throw new CommandLineError(`the database is damaged, and so is its copy, which was removed: ${damage}`);
  }
  return await withExistingStore({ database: file }, async (store) => {
    const { verified, last } = await verifyAuditLog(store, progress);
    const overview = createOverview(store.database);
    const now = systemClock.now().getTime();
    const certificates = await overview.certificates({ now, expiringBefore: now });
    const devices = (await overview.devicesByState()).reduce((sum, { count }) => sum + count, 0);
    const generations = await store.caGenerations.all();
    return {
      certificates: { total: certificates.total, valid: certificates.valid },
      devices,
      caGenerations: generations.length,
      auditEvents: verified,
      lastEvent: last ?? null,
    };
  });
}
