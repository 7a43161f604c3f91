/** `gatehouse restore`: a backup into an empty data directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { createActionRecord } from '../audit/audit-record.js';
import { systemClock } from '../clock.js';
import { describeSource } from '../keys/kek-source.js';
import { reopenKeyEncryptionKey } from '../keys/key-encryption-key.js';
import { createSealing } from '../keys/sealing.js';
import { createSoftwareKeyStore } from '../keys/software-key-store.js';
import { softwareKeyStore } from '../model/key-store.js';
import { kekSourceOf, type Settings } from '../settings.js';
import { copyDatabase, findDamage, nameDatabase, removeDatabase } from '../store/sqlite-backup.js';
import { openStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { countOf } from './amount.js';
import { CommandLineError } from './command-line-error.js';
import { probeListeners } from './listeners.js';
import { person } from './person.js';
import { createProgress, type Progress } from './progress.js';
import { jsonLines, jsonOption } from './table.js';
import { verifyAuditLog } from './verify-audit-log.js';

export function restoreCommand(settings: () => Settings): Command {
  return new Command('restore')
    .description('put a backup into an empty data directory, after checking that it is whole and that the key opens it')
    .argument('<file>', 'what `gatehouse backup` wrote')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(async (file: string, { json }: { json?: true }) => {
      const restored = await restore(resolve(file), settings());
      console.log(json ? jsonLines([restored]) : describeRestored(restored, settings()));
    });
}

const help = `
Put the key-encryption key in its place first: <data>/key-encryption-key, mode 600, or where --kek-file or --kek-passphrase-file
say. Keys in tokens and signing services are not in a backup: what has them must be there too.
The gateway must not run. What was issued or revoked after the backup is unknown to the restored gateway.

Example:
  install -m 600 /media/safe/key-encryption-key /var/lib/gatehouse/key-encryption-key
  gatehouse restore --data /var/lib/gatehouse /mnt/backup/gatehouse.sqlite`;

interface Restored extends Content {
  readonly file: string;
  readonly database: string;
}

/** What was found in the backup. */
interface Content {
  readonly caKeys: number;
  /** CA generations whose keys are in other key stores, which a backup does not have. */
  readonly elsewhere: readonly string[];
  readonly auditEvents: number;
  readonly lastEvent: { readonly sequence: number; readonly hash: string } | null;
}

function describeRestored(restored: Restored, settings: Settings): string {
  const { file, database, caKeys, elsewhere, auditEvents, lastEvent } = restored;
  const end = lastEvent ? `; the last was ${lastEvent.sequence} with hash ${lastEvent.hash}` : '';
  return [
    `restored ${database} from ${file}`,
    `${describeSource(kekSourceOf(settings))} opens it: ${countOf(caKeys, 'CA key')}`,
    ...(elsewhere.length === 0
      ? []
      : [
          `keys that are not in it but in key stores of the settings: ${elsewhere.join(', ')}; gatehouse key status looks for them`,
        ]),
    `${countOf(auditEvents, 'audit event')}, chain intact${end}`,
    ...next,
  ].join('\n');
}

async function restore(file: string, settings: Settings): Promise<Restored> {
  if (!existsSync(file)) throw new CommandLineError(`there is no file ${file}`);
  refuseUnlessEmpty(settings);
  await refuseWhileRunning(settings);
  const { database } = settings;
  for (const folder of [settings.data, dirname(database)]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const unfinished = `${database}.restoring-${randomBytes(4).toString('hex')}`;
  const progress = createProgress();
  try {
    await copyDatabase(file, unfinished, ({ copied, total }) => progress.show(`copying: ${copied} of ${total} pages`))
      .catch((cause) => {
        throw new CommandLineError(
          `${file} is not a backup that can be read: give the file that gatehouse backup wrote`,
          {
            cause,
          },
        );
      })
      .finally(() => progress.end());
    const content = await checkAndRecord(unfinished, file, settings, progress);
    await nameDatabase(unfinished, database);
    return { file, database, ...content };
  } finally {
    await removeDatabase(unfinished);
  }
}

const next = [
  'next: gatehouse doctor, then start the gateway (gatehouse serve)',
  'what was revoked after the backup is valid again here: revoke it once more; what was issued since is unknown here',
  'CRLs are made anew, with numbers above those from after the backup; gatehouse doctor names those of CAs that are offline',
];

/** The key may be there, and what a file system puts at the top of a volume. */
function refuseUnlessEmpty(settings: Settings): void {
  const { data, database } = settings;
  const source = kekSourceOf(settings);
  const isExpected = (name: string) =>
    (source.kind !== 'environment' && resolve(data, name) === source.file) || name === 'lost+found';
  const present = existsSync(data) ? readdirSync(data).filter((name) => !isExpected(name)) : [];
  if (present.length > 0) {
    throw new CommandLineError(
      `${data} is not empty (${present.slice(0, 3).join(', ')}): restore into an empty data directory, with nothing but the key-encryption key in it`,
    );
  }
  const taken = ['', '-wal', '-shm'].map((suffix) => `${database}${suffix}`).find((file) => existsSync(file));
  if (taken !== undefined) {
    throw new CommandLineError(`${taken} exists, and a restore overwrites nothing: move it away first`);
  }
}

/** A gateway goes on with a database whose file was removed under it: what it writes then would be lost. */
async function refuseWhileRunning(settings: Settings): Promise<void> {
  const running = (await probeListeners(settings)).find(({ answers }) => answers);
  if (running !== undefined) {
    throw new CommandLineError(
      `something answers at ${running.address} (${running.listener}): stop the gateway first, or give the ports of the restored one if that is another gateway`,
    );
  }
}

async function checkAndRecord(copy: string, file: string, settings: Settings, progress: Progress): Promise<Content> {
  const [damage] = findDamage(copy);
  if (damage !== undefined) throw new CommandLineError(`${file} is damaged: ${damage}`);
  const store = await openStore({ file: copy });
  try {
    const keys = await openCaKeys(store, settings);
    const { verified, last } = await verifyAuditLog(store, progress);
    const at = systemClock.now();
    await store.commit({
      statements: store.crls.skipNumbers({ by: await mostCrlsSince(store, at) }),
      audit: [
        createActionRecord(person(), {
          at,
          action: 'database.restored',
          subject: basename(file),
          details: last ? { lastEvent: last.sequence, lastHash: last.hash } : {},
        }),
      ],
    });
    return { ...keys, auditEvents: verified, lastEvent: last ?? null };
  } finally {
    await store.close();
  }
}

/** A CRL takes more than a millisecond: so many at most were published of one place since the backup was made. */
async function mostCrlsSince({ audit }: Store, now: Date): Promise<number> {
  const [last] = await audit.list({ limit: 1 });
  return Math.max(now.getTime() - (last?.at ?? 0), 0) + 1;
}

/** Opens those that are in the database. @throws KeyEncryptionKeyError; CommandLineError naming one that does not open */
async function openCaKeys(store: Store, settings: Settings): Promise<Pick<Content, 'caKeys' | 'elsewhere'>> {
  const kek = await reopenKeyEncryptionKey({ store, source: kekSourceOf(settings) });
  const keys = createSoftwareKeyStore({
    keys: store.keys,
    sealing: createSealing(kek.derive('sealing')),
    clock: systemClock,
  });
  const generations = (await store.caGenerations.all()).filter(({ keyId }) => keyId !== '');
  const elsewhere: string[] = [];
  for (const { id, keyId } of generations) {
    const keyStore = (await store.keys.find({ id: keyId }))?.store ?? softwareKeyStore;
    if (keyStore !== softwareKeyStore) {
      elsewhere.push(`${id} (${keyStore})`);
      continue;
    }
    await keys.signer(keyId).catch((cause) => {
      throw new CommandLineError(`the key of the CA generation ${id} does not open: take another backup`, { cause });
    });
  }
  return { caKeys: generations.length - elsewhere.length, elsewhere };
}
