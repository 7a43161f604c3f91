/** Messages that are refused before the core sees them: their protocols have them recorded. */
import type { RefusedMessage } from './enrollment/request.js';
import { GatewayError, isRefusal } from './errors.js';
import { type Exchange, originOf, type ProtocolServices } from './protocol.js';

/** What is read: its protocol, what the audit log calls it, and how it came. */
export type ReadMessage = Pick<RefusedMessage, 'protocol' | 'operation'> & { readonly exchange: Exchange };

type Recording = Pick<ProtocolServices, 'recordRefusal'>;

/**
 * Does `read`; a message that it refuses goes into the audit log.
 * @param isRecorded which errors are refusals of the message
 */
export async function recordingRefused<T>(
  message: ReadMessage,
  services: Recording,
  read: () => T | Promise<T>,
  isRecorded: (error: unknown) => error is GatewayError = isRefusal,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isRecorded(error)) await recordRefused(message, error, services);
    throw error;
  }
}

/** How a protocol whose operations have names in the audit log reads its messages: the same with `operation` as that name. */
export function messageReader(protocol: string, isRecorded?: (error: unknown) => error is GatewayError) {
  return <T>(operation: string, exchange: Exchange, services: Recording, read: () => T | Promise<T>): Promise<T> =>
    recordingRefused({ protocol, operation, exchange }, services, read, isRecorded);
}

export async function recordRefused(
  { protocol, operation, exchange }: ReadMessage,
  { code, message: reason }: GatewayError,
  services: Recording,
): Promise<void> {
  await services.recordRefusal({ ...originOf(exchange), protocol, operation, code, reason });
}

/** Also for what is the gateway's own fault, where reading a message asks it for something. */
export function isGatewayError(error: unknown): error is GatewayError {
  return error instanceof GatewayError;
}
