/** Users change their own passwords: with the present one. */
import { countingFailures, type FailureLimit } from '../authentication/count-failures.js';
import { GatewayError } from '../errors.js';
import type { UserRecord } from '../store/access-record.js';
import { everything, type Manager } from './grants.js';
import { isPassword } from './password.js';
import type { AccessServices } from './services.js';
import { setPassword } from './users.js';

interface OwnPassword {
  /** Who finds a session open must not take it over for good. */
  readonly current: string;
  readonly password: string;
}

/** @throws GatewayError `forbidden` for a wrong present password, `rate-limited` for who guesses; HttpError 412 */
export async function changeOwnPassword(
  seen: UserRecord,
  { current, password }: OwnPassword,
  { actor }: Pick<Manager, 'actor'>,
  services: AccessServices & FailureLimit,
): Promise<UserRecord> {
  const { remoteAddress = 'local' } = actor;
  await countingFailures({ remoteAddress, worth: 20 }, services, async () => {
    if (await isPassword(current, seen.password)) return;
    throw new GatewayError('forbidden', 'the current password is wrong');
  });
  // Whatever rights the user has, the password is the user's.
  return await setPassword(seen, password, { actor, grants: everything }, services);
}
