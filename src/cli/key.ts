/** `gatehouse key`: the key stores of CAs, and the key-encryption key. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { systemClock } from '../clock.js';
import { describeSource, type KekSource, parseKek } from '../keys/kek-source.js';
import { changeKeyEncryptionKey, reopenKeyEncryptionKey } from '../keys/key-encryption-key.js';
import { type KeyStoreReport, readKeyStoreStates } from '../keys/key-store-states.js';
import { forgetRefusedPin } from '../keys/pkcs11/refused-pins.js';
import type { Core } from '../open-core.js';
import { kekSourceOf, type Settings } from '../settings.js';
import { openStore } from '../store/sqlite-store.js';
import { CommandLineError } from './command-line-error.js';
import { withExistingStore } from './existing-store.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption, table } from './table.js';

export function keyCommand(settings: () => Settings, run: RunWithCore): Command {
  return new Command('key')
    .description('where keys of CAs are and whether they can be used; changing the key-encryption key')
    .addCommand(statusCommand(settings, run))
    .addCommand(changeCommand(settings))
    .addCommand(tryPinCommand(run));
}

function statusCommand(settings: () => Settings, run: RunWithCore): Command {
  return new Command('status')
    .description('show the key stores of CAs: whether they can be reached, and what is amiss in them')
    .addOption(jsonOption())
    .addHelpText('after', statusHelp)
    .action(({ json }: { json?: true }) =>
      run(async (core) => {
        const states = await readKeyStoreStates(core);
        return json ? jsonLines(states) : describeStates(states, settings());
      }),
    );
}

const statusHelp = `
Missing keys are on record but not in the store. Orphans are keys that a gateway has made there and that this one has not on
record: of an attempt that was broken off, or of another gateway with the same token.

Examples:
  gatehouse key status
  gatehouse key status --json`;

function describeStates(states: readonly KeyStoreReport[], settings: Settings): string {
  const notes = states.flatMap(({ name, missing, orphans }) => [
    ...missing.map((purpose) => `${name}: the key ${purpose} is missing`),
    ...orphans.map((orphan) => `${name}: the key ${orphan} is not on record`),
  ]);
  return [
    `key-encryption key: ${describeSource(kekSourceOf(settings))}`,
    table(
      ['KEY STORE', 'STATE', 'KEYS', 'WHAT'],
      states.map(({ name, reachable, keys, detail }) => [name, reachable ? 'usable' : 'away', String(keys), detail]),
    ),
    ...notes,
  ].join('\n');
}

interface ChangeOptions {
  readonly newFile?: string;
  readonly newPassphraseFile?: string;
  readonly newVariable?: string;
  readonly json?: true;
}

function changeCommand(settings: () => Settings): Command {
  return new Command('change')
    .description('have the database open with another key-encryption key, and no longer with the present one')
    .option('--new-file <file>', 'file with the new key; made if it is not there')
    .option('--new-passphrase-file <file>', 'file with the new passphrase')
    .option('--new-variable <name>', 'environment variable with the new key, in hex or base64')
    .addOption(jsonOption())
    .addHelpText('after', changeHelp)
    .action(async (options: ChangeOptions) => {
      const to = newSource(options);
      await change(to, settings());
      const setting = settingFor(to);
      console.log(options.json ? jsonLines([{ source: to.kind, setting }]) : describeChange(to, setting));
    });
}

const changeHelp = `
Gateways that run go on; from their next start on they need the new key. Nothing else in the database changes.
Backups from before open with the key from before: keep it as long as them.

Examples:
  gatehouse key change --new-file /etc/gatehouse/key-encryption-key
  gatehouse key change --new-passphrase-file /run/credentials/gatehouse/passphrase
  GATEHOUSE_NEW_KEK=$(openssl rand -hex 32) gatehouse key change --new-variable GATEHOUSE_NEW_KEK`;

/** @throws CommandLineError unless just one is given */
function newSource({ newFile, newPassphraseFile, newVariable }: ChangeOptions): KekSource {
  const sources: KekSource[] = [
    ...(newFile === undefined ? [] : [{ kind: 'file' as const, file: resolve(newFile) }]),
    ...(newPassphraseFile === undefined ? [] : [{ kind: 'passphrase' as const, file: resolve(newPassphraseFile) }]),
    ...(newVariable === undefined ? [] : [parseKek(newVariable, process.env[newVariable] ?? '')]),
  ];
  const [source, another] = sources;
  if (source !== undefined && another === undefined) return source;
  throw new CommandLineError('give one of --new-file, --new-passphrase-file and --new-variable');
}

async function change(to: KekSource, settings: Settings): Promise<void> {
  const from = kekSourceOf(settings);
  if (to.kind === 'file' && from.kind === 'file' && to.file === from.file) {
    throw new CommandLineError(`${to.file} is the present key: name another file`);
  }
  // First without the right to write: a database that is not there, or of another version, is refused.
  await withExistingStore(settings, async () => {});
  const store = await openStore({ file: settings.database });
  try {
    const audit = createAuditRecord({
      at: systemClock.now(),
      action: 'key.changed',
      outcome: 'success',
      subject: 'key-encryption-key',
      details: { from: from.kind, to: to.kind, ...byActor(person()) },
    });
    await changeKeyEncryptionKey({ store, from, to, audit: [audit] });
    await reopenKeyEncryptionKey({ store, source: to });
  } finally {
    await store.close();
  }
}

function settingFor(source: KekSource): string {
  switch (source.kind) {
    case 'file':
      return `GATEHOUSE_KEK_FILE=${source.file}`;
    case 'passphrase':
      return `GATEHOUSE_KEK_PASSPHRASE_FILE=${source.file}`;
    case 'environment':
      return `GATEHOUSE_KEK=<the value of ${source.variable}>`;
  }
}

function describeChange(to: KekSource, setting: string): string {
  return [
    `the database opens with ${describeSource(to)}, and no longer with the key before`,
    `set ${setting} for the gateway, in place of the setting before, ahead of its next start`,
    'keep a copy apart from the backups; backups from before open with the key from before',
  ].join('\n');
}

function tryPinCommand(run: RunWithCore): Command {
  return new Command('try-pin')
    .description('have a PIN tried that a token has refused before, once: after it was set in the token')
    .argument('<store>', 'name of the key store in the settings')
    .addOption(jsonOption())
    .addHelpText('after', tryPinHelp)
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        const detail = await tryPin(name, core);
        return json
          ? jsonLines([{ name, detail }])
          : `${name}: ${detail}; restart gateways that have used the refused PIN`;
      }),
    );
}

const tryPinHelp = `
A refused PIN is never tried again by itself, because that would lock the token.

Example:
  gatehouse key try-pin hsm`;

/** @throws CommandLineError where it is still refused */
async function tryPin(name: string, { caKeys, store }: Core): Promise<string> {
  const keyStore = caKeys.store(name);
  await forgetRefusedPin(store, name);
  const { reachable, detail } = await keyStore.state();
  if (reachable) return detail;
  throw new CommandLineError(`${name}: ${detail}`);
}
