/** The end of a CA's key in the gateway. */
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

/** Writes over what is sealed of a key before its row goes, so that nothing of it stays behind in the file. */
export async function removalOfKey(keyId: string, { keys }: Pick<Store, 'keys'>): Promise<readonly Statement[]> {
  const record = await keys.find({ id: keyId });
  if (record === undefined) return [];
  // Of the same length: only then it is written to the same place.
  return [keys.overwrite({ id: keyId, sealed: new Uint8Array(record.sealed.length) }), keys.remove({ id: keyId })];
}
