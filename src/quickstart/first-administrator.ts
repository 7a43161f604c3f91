/** Gives the first administrator's API key to the person who has started the gateway: in a file, never in a log. */
import { join } from 'node:path';
import { makeApiKey } from '../access/api-key-text.js';
import { isInUse, needsFirstAdministrator, recordFirstAdministrator } from '../access/first-administrator.js';
import type { AccessServices } from '../access/services.js';
import { GatewayError } from '../errors.js';
import { createFile, readIfThere } from './replace-file.js';

/**
 * Makes the key in a file of the data directory that only its owner can read; the file comes first, so that a crash in between
 * leaves no key that nobody has.
 * @returns the file, if this start has made the key
 */
export async function makeFirstAdministrator(
  dataDirectory: string,
  services: AccessServices,
): Promise<string | undefined> {
  if (!(await needsFirstAdministrator(services))) return undefined;
  const file = join(dataDirectory, 'first-administrator-key');
  await createFile(file, `${makeApiKey()}\n`, 0o600);
  const key = (await readIfThere(file))?.trim() ?? '';
  return (await recordUnlessThere(key, services)) ? file : undefined;
}

/** The same with the key among the secrets of the quickstart. @returns whether it lets anybody in */
export async function takeFirstAdministrator(key: string, services: AccessServices): Promise<boolean> {
  if (await needsFirstAdministrator(services)) await recordUnlessThere(key, services);
  return await isInUse(key, services);
}

async function recordUnlessThere(key: string, services: AccessServices): Promise<boolean> {
  try {
    await recordFirstAdministrator(key, services);
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'duplicate-request') return false;
    throw error;
  }
}
