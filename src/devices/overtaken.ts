/** Changes that lose a race against enrollments, or against each other, are made again from what there is then. */
import { GatewayError, HttpError, OvertakenError } from '../errors.js';

const maximumAttempts = 10;

/** Does the work again as long as parallel changes come first. It reads what it works on itself. */
export async function whileOvertaken<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isOvertaken(error) || attempt >= maximumAttempts) throw error;
    }
  }
}

/**
 * For changes of what somebody has looked at: another one that came first must not be lost.
 * @throws HttpError 412 where it has
 */
export async function unlessOvertaken<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isOvertaken(error)) throw error;
    throw new HttpError(412, 'invalid-state', 'it was changed meanwhile; read it again');
  }
}

/** Among what it was to revoke may be what somebody else revokes at the same time. */
function isOvertaken(error: unknown): boolean {
  return error instanceof OvertakenError || (error instanceof GatewayError && error.code === 'already-revoked');
}
