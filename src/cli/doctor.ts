/** `gatehouse doctor`: looks for what is wrong, or will be soon, and says what to do. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { loadCatalog } from '../catalog/load.js';
import { systemClock } from '../clock.js';
import type { Settings } from '../settings.js';
import type { Store } from '../store/store.js';
import { countOf } from './amount.js';
import { checkDataDirectory, checkDiskSpace, checkIntegrity, checkSettings } from './check-files.js';
import { checkCaKeys } from './check-keys.js';
import { checkListeners, checkTlsNames } from './check-listeners.js';
import { checkAuditLog, checkAuthorities, checkClock, checkKey, messageOf } from './check-store.js';
import { CommandLineError } from './command-line-error.js';
import { withExistingStore } from './existing-store.js';
import { type Finding, problem } from './finding.js';
import { columns } from './table.js';

export function doctorCommand(settings: () => Settings): Command {
  return new Command('doctor')
    .description('check settings, files, keys, clock, database, audit log, CAs, CRLs and listeners, and say what to do')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', help)
    .action(async ({ json }: { json?: true }) => {
      const findings = await examine(settings);
      console.log(json ? JSON.stringify(findings, null, 2) : describeFindings(findings));
      const problems = findings.filter(({ state }) => state === 'problem').length;
      if (problems > 0) throw new CommandLineError(`${countOf(problems, 'problem')} found`);
    });
}

const help = `
Each check is ok, a warning or a problem; the exit status is 1 if there is a problem, else 0. It changes nothing.
It reads the whole database: on a large one that takes a while. Give it the settings that the gateway runs with.

Examples:
  gatehouse doctor
  gatehouse doctor --data /var/lib/gatehouse --public-name est.example.com --json`;

async function examine(readSettings: () => Settings): Promise<readonly Finding[]> {
  let settings: Settings;
  try {
    settings = readSettings();
  } catch (error) {
    return [problem('settings', messageOf(error), 'put them right: nothing else can be checked before')];
  }
  const directory = checkDataDirectory(settings);
  const findings = [checkSettings(settings), directory];
  if (!existsSync(settings.database)) {
    if (directory.state === 'problem') return findings;
    return [
      ...findings,
      problem('database', `there is no ${settings.database}`, 'start the gateway once, or restore a backup'),
    ];
  }
  const integrity = checkIntegrity(settings);
  findings.push(checkDiskSpace(settings), integrity);
  // What a damaged database says is no reason for further advice.
  if (integrity.state !== 'problem') findings.push(...(await examineStore(settings)));
  return [...findings, ...(await checkListeners(settings))];
}

async function examineStore(settings: Settings): Promise<readonly Finding[]> {
  try {
    return await withExistingStore(settings, async (store) => [
      await checkKey(store, settings),
      ...(await checkCaKeys(store, settings)),
      await checkClock(store, systemClock.now().getTime()),
      await checkAuditLog(store),
      ...(await examineCatalog(store, settings)),
    ]);
  } catch (error) {
    return [problem('database', messageOf(error), 'nothing in the database can be checked before')];
  }
}

async function examineCatalog(store: Store, settings: Settings): Promise<readonly Finding[]> {
  const now = systemClock.now().getTime();
  try {
    const catalog = await loadCatalog(store);
    return [...(await checkAuthorities(store, catalog, now)), await checkTlsNames(settings, catalog, now)];
  } catch (error) {
    return [
      problem(
        'configuration',
        messageOf(error),
        'apply a configuration that fits this version: gatehouse apply -f <file>',
      ),
    ];
  }
}

function describeFindings(findings: readonly Finding[]): string {
  const table = columns(findings.map(({ check, state, said }) => [state, check, said])).split('\n');
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
  return [
    ...findings.flatMap(({ remedy }, index) => [
      table[index] ?? '',
      ...(remedy === undefined ? [] : [`         -> ${remedy}`]),
    ]),
    '',
    `${count('ok')} ok, ${countOf(count('warning'), 'warning')}, ${countOf(count('problem'), 'problem')}`,
  ].join('\n');
}
