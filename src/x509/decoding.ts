/** Decoders at work on what strangers send: what they refuse, in the gateway's words. */
import { GatewayError } from '../errors.js';
import { DerError } from './der.js';
import { UnsupportedKeyError } from './public-key.js';
import { UnsupportedAlgorithmError } from './signature-algorithms.js';

/** Runs a decoder of `subject`, as a sentence names it. @throws GatewayError `malformed-request`, `unsupported-algorithm`, `unacceptable-key` */
export function decoding<T>(subject: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof UnsupportedKeyError || error instanceof UnsupportedAlgorithmError) {
      const code = error instanceof UnsupportedKeyError ? 'unacceptable-key' : 'unsupported-algorithm';
      throw new GatewayError(code, `${subject} is not supported: ${error.message}`, { cause: error });
    }
    if (!(error instanceof DerError)) throw error;
    throw new GatewayError('malformed-request', `${subject} is malformed: ${error.message}`, { cause: error });
  }
}

/** Runs a reader of text that people and programs write. @param field where it stands @throws GatewayError `malformed-request` */
export function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError || cause instanceof DerError)) throw cause;
    // What the field has in it may be long.
    throw new GatewayError('malformed-request', `${field} cannot be read: ${cause.message.slice(0, 200)}`, { cause });
  }
}

/** As {@link decoding}, where the only key that is looked at is the one to be certified. @throws GatewayError as {@link decoding} does */
export function decodingKey<T>(subject: string, decode: () => T): T {
  return decoding(subject, () => {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof UnsupportedKeyError)) throw error;
      throw new GatewayError('unacceptable-key', `the public key cannot be certified: ${error.message}`, {
        cause: error,
      });
    }
  });
}
