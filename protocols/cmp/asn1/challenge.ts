/** The direct proof of possession (RFC 9810 5.2.8.3.3): popdecc, popdecr and the number that they are about. */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, octetString, sequence, unsignedInteger } from '../../../src/x509/der-writer.js';
import { serialNumberBytes, serialNumberHex } from '../../../src/x509/serial-number.js';

export interface Challenge {
  /** DER AlgorithmIdentifier; must be there in the first Challenge. */
  readonly owf?: Uint8Array | undefined;
  readonly witness: Uint8Array;
  /** The encrypted Rand at pvno 2, empty at pvno 3. */
  readonly challenge: Uint8Array;
  /** DER EnvelopedData around the Rand at pvno 3. */
  readonly encryptedRand?: Uint8Array | undefined;
}

/** Encodes POPODecKeyChallContent. */
export function encodeChallenges(challenges: readonly Challenge[]): Uint8Array {
  return sequence(...challenges.map(encodeChallenge));
}

/** Decodes POPODecKeyRespContent: lower-case hex, with a minus sign before a negative number. @throws DerError */
export function decodeChallengeResponses(der: Uint8Array): string[] {
  return DerReader.decode(der, (r) => r.each(Tag.sequence, (n) => serialNumberHex(n.integer()), maximumResponses));
}

export interface Rand {
  /** Lower-case hex. */
  readonly int: string;
  /** DER GeneralName: who asks. */
  readonly sender: Uint8Array;
}

/** Encodes what is encrypted. @throws RangeError for an int that is no hex */
export function encodeRand({ int, sender }: Rand): Uint8Array {
  return sequence(unsignedInteger(serialNumberBytes(int)), sender);
}

const maximumResponses = 32;

function encodeChallenge({ owf, witness, challenge, encryptedRand }: Challenge): Uint8Array {
  return sequence(
    owf,
    octetString(witness),
    octetString(challenge),
    // CMP's module has EXPLICIT tags, unlike CRMF's, where EncryptedKey is from.
    encryptedRand && explicit(0, encryptedRand),
  );
}
