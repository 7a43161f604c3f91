/** PEM in fields of requests. */
import { GatewayError } from '../../src/errors.js';
import { fromPem } from '../../src/x509/pem.js';

/** The one PEM block that a field has, which must have one of the labels. @throws GatewayError `malformed-request` */
export function readPem(field: string, pem: string, labels: readonly string[]): Uint8Array {
  const blocks = readBlocks(field, pem, labels);
  const [block, second] = blocks;
  if (block === undefined || second !== undefined) {
    throw new GatewayError('malformed-request', `the field "${field}" must be one PEM block: ${labels[0]}`);
  }
  return block;
}

function readBlocks(field: string, pem: string, labels: readonly string[]): Uint8Array[] {
  try {
    return labels.flatMap((label) => fromPem(pem, label));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new GatewayError('malformed-request', `the field "${field}" is no PEM`, { cause });
  }
}
