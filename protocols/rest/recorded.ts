/** What is refused before the core sees it goes into the audit log. What the core refuses it has recorded. */
import { GatewayError } from '../../src/errors.js';
import { type Exchange, originOf, type ProtocolServices } from '../../src/protocol.js';

/** Runs `read`. @param operation what the audit log calls it */
export async function readMessage<T>(
  operation: string,
  exchange: Exchange,
  services: ProtocolServices,
  read: () => T,
): Promise<T> {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError) {
      const { code, message: reason } = error;
      await services.recordRefusal({ ...originOf(exchange), protocol: 'rest', operation, code, reason });
    }
    throw error;
  }
}
