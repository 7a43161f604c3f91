/** What is refused before the core sees it goes into the audit log. What the core refuses it has recorded. */
import type { Exchange, ProtocolServices } from '../../src/protocol.js';
import { isGatewayError, recordingRefused } from '../../src/refused-message.js';

/** Does `read`. @param operation what the audit log calls it */
export function readMessage<T>(
  operation: string,
  exchange: Exchange,
  services: ProtocolServices,
  read: () => T,
): Promise<T> {
  return recordingRefused({ protocol: 'rest', operation, exchange }, services, read, isGatewayError);
}
