/** The outline of an attestation object (WebAuthn level 2, 6.5.4), which is CBOR (RFC 8949). */
import { decode, Tokenizer } from 'cborg';
import { AcmeError } from '../problem.js';
import { refused } from './refused.js';

/** The members of an attestation statement, by their names. */
export type StatementFields = ReadonlyMap<unknown, unknown>;

export interface AttestationObject {
  readonly format: string;
  readonly fields: StatementFields;
}

/**
 * Decodes an attestation object. Its authData is unused (draft-ietf-acme-device-attest, "Device Attestation Challenge").
 * @throws AcmeError `malformed`
 */
export function decodeAttestationObject(cbor: Uint8Array): AttestationObject {
  if (cbor.length > maximumOctets) {
    throw new AcmeError('malformed', `attObj has more than ${maximumOctets} octets`);
  }
  const object = decodeCbor(cbor);
  const format = object instanceof Map ? object.get('fmt') : undefined;
  const fields = object instanceof Map ? object.get('attStmt') : undefined;
  if (typeof format !== 'string' || !(fields instanceof Map)) {
    throw new AcmeError('malformed', 'attObj is no attestation object; send a map with fmt and attStmt');
  }
  return { format, fields };
}

/** A member that is a byte string. @throws AcmeError `badAttestationStatement` */
export function bytesOf(fields: StatementFields, name: string): Uint8Array {
  const value = fields.get(name);
  if (value instanceof Uint8Array) return value;
  throw refused(`the attestation statement has no ${name}, which is a byte string`);
}

// Eight certificates and a TPM's structures have some 20,000.
const maximumOctets = 32_768;
// The object, the statement and x5c are three. cborg calls itself for each that is inside of another.
const maximumContainers = 16;

const strictly = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

function decodeCbor(cbor: Uint8Array): unknown {
  try {
    return decode(cbor, { ...strictly, tokenizer: countingTokenizer(cbor) });
  } catch (cause) {
    throw new AcmeError('malformed', 'attObj is not CBOR in its canonical form', { cause });
  }
}

/** Ends the decoding before so many arrays and maps are open that the stack would. */
function countingTokenizer(cbor: Uint8Array) {
  const tokenizer = new Tokenizer(cbor, strictly);
  let containers = 0;
  return {
    done: () => tokenizer.done(),
    pos: () => tokenizer.pos(),
    next: () => {
      const token = tokenizer.next();
      if (!token.type.terminal) containers++;
      if (containers > maximumContainers) throw new RangeError('too many arrays and maps');
      return token;
    },
  };
}
