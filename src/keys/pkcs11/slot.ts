/** Finds a token, and the PIN for it. */
import { readFileSync } from 'node:fs';
import { tokenFlags } from './constants.js';
import { type Handle, messageOf, type Pkcs11Library } from './library.js';
import { type TokenAddress, TokenError } from './messages.js';

export interface FoundToken {
  readonly slot: Handle;
  readonly label: string;
  readonly serialNumber: string;
  readonly model: string;
  readonly flags: number;
}

/** @throws TokenError 'away' if there is none, 'fault' if there are several */
export function findSlot(library: Pkcs11Library, { tokenLabel, tokenSerial }: TokenAddress): FoundToken {
  const tokens = library.C_GetSlotList(true).map((slot) => {
    const { label, serialNumber, model, flags } = library.C_GetTokenInfo(slot);
    return { slot, label: label.trim(), serialNumber: serialNumber.trim(), model: model.trim(), flags };
  });
  const found = tokens.filter((token) =>
    tokenSerial === undefined ? token.label === tokenLabel : token.serialNumber === tokenSerial,
  );
  const [first, second] = found;
  const wanted = tokenSerial === undefined ? `the label "${tokenLabel}"` : `the serial number ${tokenSerial}`;
  if (first === undefined) {
    // Those without a label are not initialised.
    const others = tokens.flatMap(({ label }) => (label === '' ? [] : [`"${label}"`])).slice(0, 5);
    const present = others.length === 0 ? 'the library shows none' : `it shows ${others.join(', ')}`;
    throw new TokenError('away', `there is no token with ${wanted}; ${present}`);
  }
  if (second === undefined) return first;
  throw new TokenError('fault', `several tokens have ${wanted}: tell them apart by tokenSerial`);
}

/** @throws TokenError 'fault' */
export function readPin({ name, pinFile, pinVariable }: TokenAddress): string {
  if (pinVariable !== undefined) {
    const pin = process.env[pinVariable];
    if (pin !== undefined && pin !== '') return pin;
    throw new TokenError(
      'fault',
      `the environment variable ${pinVariable}, for the PIN of the key store ${name}, is empty`,
    );
  }
  const pin = readText(pinFile ?? '', name).replace(/\r?\n$/, '');
  if (pin !== '') return pin;
  throw new TokenError('fault', `the file ${pinFile}, for the PIN of the key store ${name}, is empty`);
}

/** A wrong PIN more, and the token locks itself: whoever knows the right one is to say so to the token first. */
export function refuseLastAttempt(flags: number): void {
  if ((flags & tokenFlags.pinLocked) !== 0) {
    throw new TokenError('pin', "the token's PIN is locked: set it anew with the vendor's tools");
  }
  if ((flags & tokenFlags.pinFinalTry) !== 0) {
    throw new TokenError(
      'pin',
      "one more wrong PIN would lock the token: log in once with the vendor's tools, to be sure that the PIN is right",
    );
  }
}

function readText(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TokenError('fault', `the PIN of the key store ${name} cannot be read (${messageOf(error)})`);
  }
}
