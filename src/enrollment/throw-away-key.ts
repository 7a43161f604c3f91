/** Key pairs that stand in for those which the gateway would make. */
import type { GeneratedKeyType } from '../model/key-constraints.js';
import { type MadeKey, makeKey } from './generated-key.js';

/** One of each type for all dry runs, so that they take no time from keys that are needed. Nothing is signed with it, or for it. */
export function throwAwayKey(type: GeneratedKeyType): Promise<MadeKey> {
  const known = throwAwayKeys.get(type);
  if (known) return known;
  const made = makeKey(type).then(({ subjectPublicKeyInfo }) => ({ subjectPublicKeyInfo, pkcs8: new Uint8Array() }));
  throwAwayKeys.set(type, made);
  made.catch(() => throwAwayKeys.delete(type));
  return made;
}

const throwAwayKeys = new Map<GeneratedKeyType, Promise<MadeKey>>();
