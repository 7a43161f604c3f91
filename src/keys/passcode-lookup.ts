/** How passcodes are kept: as a keyed hash, so that the database alone gives nothing to guess against. */
import { createHmac, type KeyObject } from 'node:crypto';

/** The keyed hash of a passcode, lower-case hex: what the store finds it by. The user name is empty for a passcode without one. */
export type PasscodeLookup = (authenticationPolicy: string, username: string, passcode: string) => string;

/** @param key derived from the key-encryption key for passcodes alone */
export function createPasscodeLookup(key: KeyObject): PasscodeLookup {
  // NUL is neither in an authentication policy's name nor, by the schema, in a user name: no two triples hash alike.
  return (authenticationPolicy, username, passcode) =>
    createHmac('sha256', key).update(`${authenticationPolicy}\0${username}\0${passcode}`).digest('hex');
}
