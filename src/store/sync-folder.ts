/** What a folder has in it, made durable. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A name that was made, changed or taken away in the folder stays so after a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
