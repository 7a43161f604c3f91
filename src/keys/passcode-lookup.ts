/** How passcodes are kept: as a keyed hash, so that the database alone gives nothing to guess against. */
import { createHmac, type KeyObject } from 'node:crypto';

/**
 * The keyed hash of a passcode, lower-case hex: what the store finds it by. Without the user name, which stands beside it in
 * the clear: some protocols cannot carry one.
 */
export type PasscodeLookup = (authenticationPolicy: string, passcode: string) => string;

/** @param key derived from the key-encryption key for passcodes alone */
export function createPasscodeLookup(key: KeyObject): PasscodeLookup {
  // NUL is not in an authentication policy's name: no two pairs hash alike.
  return (authenticationPolicy, passcode) =>
    createHmac('sha256', key).update(`${authenticationPolicy}\0${passcode}`).digest('hex');
}
