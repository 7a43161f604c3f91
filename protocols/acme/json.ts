/** The JSON of ACME's messages. */
import { type JsonObject, parseJsonObject as parse } from '../../src/http/json.js';
import { AcmeError } from './problem.js';

export { isJsonObject, type JsonObject } from '../../src/http/json.js';

/** @param subject what a sentence calls it @throws AcmeError `malformed` */
export function parseJsonObject(octets: Uint8Array, subject: string): JsonObject {
  try {
    return parse(octets, subject);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AcmeError('malformed', error.message, { cause: error.cause });
  }
}
