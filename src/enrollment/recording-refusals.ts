/** Answers to messages that are no enrollments: what refuses them is recorded all the same. */
import { GatewayError } from '../errors.js';
import { describeError, type RecordedMessage, recordRefusedMessage } from './record.js';
import type { EnrollmentServices } from './services.js';

/** Does what a message asks for. @throws GatewayError whatever `work` throws, after its audit event is committed */
export async function recordingRefusals<Result>(
  { protocol, label, operation, remoteAddress, requestId, requester }: RecordedMessage,
  services: EnrollmentServices,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GatewayError) {
      const { reason } = describeError(error);
      const message = { protocol, operation, remoteAddress, requestId, code: error.code, reason };
      await recordRefusedMessage(
        { ...message, ...(label === undefined ? {} : { label }), ...(requester === undefined ? {} : { requester }) },
        services,
      );
    }
    throw error;
  }
}
