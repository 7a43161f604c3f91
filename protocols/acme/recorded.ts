/** What a resource refuses of itself goes into the audit log. What the core refuses it has recorded. */
import { GatewayError } from '../../src/errors.js';
import { recordingRefused } from '../../src/refused-message.js';
import type { Answer } from './answer.js';
import type { AcmeContext, AcmeRequest } from './context.js';
import { AcmeError } from './problem.js';

type Resource<Request extends AcmeRequest> = (request: Request, context: AcmeContext) => Promise<Answer>;

/** @param operation what the audit log calls it */
export function recorded<Request extends AcmeRequest>(
  operation: string,
  resource: Resource<Request>,
): Resource<Request> {
  return (request, context) => {
    const message = { protocol: 'acme', operation, exchange: request.exchange };
    return recordingRefused(message, context.services, () => resource(request, context), isOwnRefusal);
  };
}

/** The core's refusals come as they are, or as the cause of what ACME calls them. */
function isOwnRefusal(error: unknown): error is AcmeError {
  return error instanceof AcmeError && !(error.cause instanceof GatewayError);
}

/** Asks the core, and gives a refusal that ACME has a name of its own for that name. The words stay. */
export async function askingCore<Result>(
  ask: () => Promise<Result>,
  rename: (error: GatewayError) => AcmeError | undefined,
): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    throw (error instanceof GatewayError && rename(error)) || error;
  }
}

/** There is none, or it is another account's: the answer must not tell which. */
export function notFound(what: string): AcmeError {
  return new AcmeError('malformed', `this account has no such ${what}`, { status: 404, code: 'not-found' });
}
