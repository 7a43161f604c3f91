/** Changes of configuration come one after the other. */
import { OvertakenError } from '../errors.js';

/**
 * Makes a change that relies on the version of the configuration: after those that this process has begun before, and again
 * where another process was faster. Each attempt has to read anew what it relies on.
 * @param store what the changes are made in
 */
export async function inTurn<T>(store: object, attempt: () => Promise<T>): Promise<T> {
  const before = last.get(store) ?? Promise.resolve();
  const turn = before.then(() => repeat(attempt));
  last.set(
    store,
    turn.catch(() => undefined),
  );
  return await turn;
}

const last = new WeakMap<object, Promise<unknown>>();
/** Other processes are the command line, and further nodes. */
const maximumAttempts = 10;

async function repeat<T>(attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof OvertakenError) || number === maximumAttempts) throw error;
    }
  }
}
