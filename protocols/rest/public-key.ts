/** Keys, requests and signatures of clients: read with one set of refusals. */
import { GatewayError } from '../../src/errors.js';
import { DerError } from '../../src/x509/der.js';
import { fromPem } from '../../src/x509/pem.js';
import { UnsupportedKeyError } from '../../src/x509/public-key.js';
import { UnsupportedAlgorithmError } from '../../src/x509/signature-algorithms.js';

/** The one PEM block that a field has, which must have one of the labels. @throws GatewayError `malformed-request` */
export function readPem(field: string, pem: string, labels: readonly string[]): Uint8Array {
  const blocks = readBlocks(field, pem, labels);
  const [block, second] = blocks;
  if (block === undefined || second !== undefined) {
    throw new GatewayError('malformed-request', `the field "${field}" must be one PEM block: ${labels[0]}`);
  }
  return block;
}

/** Runs a decoder of `subject`, as a sentence names it. @throws GatewayError */
export function decoding<T>(subject: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DerError) {
      throw new GatewayError('malformed-request', `${subject} is malformed: ${error.message}`, { cause: error });
    }
    if (error instanceof UnsupportedAlgorithmError) {
      throw new GatewayError('unsupported-algorithm', `${subject} is not supported: ${error.message}`, {
        cause: error,
      });
    }
    if (error instanceof UnsupportedKeyError) {
      throw new GatewayError('unacceptable-key', `the public key cannot be certified: ${error.message}`, {
        cause: error,
      });
    }
    throw error;
  }
}

function readBlocks(field: string, pem: string, labels: readonly string[]): Uint8Array[] {
  try {
    return labels.flatMap((label) => fromPem(pem, label));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new GatewayError('malformed-request', `the field "${field}" is no PEM`, { cause });
  }
}
