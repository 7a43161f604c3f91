/** Checks of what `gatehouse doctor` finds in the file system: rights, space, and whether the database is whole. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../settings.js';
import { findDamage } from '../store/sqlite-backup.js';
import { formatBytes } from './amount.js';
import { type Finding, ok, problem, warning } from './finding.js';

export function checkSettings(settings: Settings): Finding {
  const check = 'settings';
  const { compromisedKeysFile, publicName, publicHttpUrl, host } = settings;
  if (compromisedKeysFile !== undefined && !isReadable(compromisedKeysFile)) {
    return problem(
      check,
      `the compromisedKeysFile ${compromisedKeysFile} cannot be read`,
      'put it there, or take the setting out: the gateway does not start without it',
    );
  }
  const isLocal = (name: string) => name === 'localhost' || name === '127.0.0.1' || name === '::1';
  const urlHost = new URL(publicHttpUrl).hostname.replace(/^\[|\]$/g, '');
  if (!isLocal(host) && (isLocal(publicName) || isLocal(urlHost))) {
    return warning(
      check,
      `devices elsewhere cannot reach ${isLocal(publicName) ? publicName : publicHttpUrl}, which stands in certificates`,
      'set publicName, and publicHttpUrl if that differs, to the name under which devices reach the gateway',
    );
  }
  return ok(check, `valid; devices reach the gateway as ${publicName}`);
}

export function checkDataDirectory({ data, database }: Settings): Finding {
  const check = 'data directory';
  if (!existsSync(data)) {
    return problem(check, `there is no ${data}`, 'start the gateway once, or give the --data that it runs with');
  }
  for (const path of [data, database].filter((path) => existsSync(path))) {
    if (!isAllowed(path, constants.R_OK | constants.W_OK)) {
      return problem(
        check,
        `this user may not read and write ${path}`,
        "run this as the gateway's user, or give it to that user",
      );
    }
    if ((statSync(path).mode & 0o077) !== 0) {
      const isFolder = path === data;
      const state = isFolder ? warning : problem;
      return state(
        check,
        `others than its owner have rights to ${path}`,
        `run 'chmod ${isFolder ? 700 : 600} ${path}'`,
      );
    }
  }
  return ok(check, `${data}, for its owner only`);
}

export function checkDiskSpace({ database }: Settings): Finding {
  const check = 'disk space';
  const { bavail, bsize } = statfsSync(dirname(database));
  const free = bavail * bsize;
  const said = `${formatBytes(free)} free for ${database}`;
  const remedy = 'free space, or move the data directory: without space nothing is issued';
  if (free < problemBytes) return problem(check, said, remedy);
  return free < warningBytes ? warning(check, said, remedy) : ok(check, said);
}

export function checkIntegrity({ database }: Settings): Finding {
  const check = 'database integrity';
  const [damage] = findDamage(database);
  if (damage === undefined) return ok(check, `${formatBytes(statSync(database).size)}, whole`);
  return problem(
    check,
    `the database is damaged: ${damage}`,
    'stop the gateway, look at the disk, and restore the latest backup',
  );
}

const problemBytes = 100_000_000;
const warningBytes = 1_000_000_000;

function isReadable(file: string): boolean {
  return isAllowed(file, constants.R_OK);
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
