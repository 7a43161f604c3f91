/** What the management API answers when it refuses, and what it leaves in the audit log. */
import { actorOf, type Principal } from '../access/principal.js';
import { byActor } from '../audit/actor.js';
import { commitRefusal } from '../enrollment/record.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import { failureProblem, problemAnswer } from '../http/problem.js';
import { remoteNetwork } from '../x509/remote-network.js';
import { challenges } from './authenticate.js';
import { InvalidFieldsError } from './invalid-fields.js';
import type { ApiReply } from './reply.js';

/** `principal` is undefined as long as nobody is authenticated: only then a bad secret is the caller's own. */
export function refusalReply(error: unknown, requestId: string, principal: Principal | undefined): ApiReply {
  if (!(error instanceof GatewayError) || error.code === 'internal') return failureProblem(error, requestId);
  if (error instanceof InvalidFieldsError) return problemAnswer(error, requestId, { errors: error.errors });
  if (error.code !== 'bad-secret' || principal !== undefined) return problemAnswer(error, requestId);
  const answer = problemAnswer(error, requestId, { status: 401 });
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': challenges } };
}

interface Refused {
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly principal: Principal | undefined;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
}

/** Writes the event of a 401 or 403; the log has the others. */
export async function recordAccessRefusal(
  error: GatewayError,
  refused: Refused,
  services: ApiRecording,
): Promise<void> {
  const { requestId, remoteAddress, principal, method, path, operation } = refused;
  const actor = principal && byActor(actorOf(principal, {}));
  await commitRefusal(
    {
      id: requestId,
      action: 'access.refused',
      // Also those of who is known: a program that has gone wrong asks all day.
      countedBy: principal === undefined ? remoteNetwork(remoteAddress) : principal.id,
      details: {
        ...actor,
        remoteAddress,
        operation,
        method,
        path: fitForLog(path),
        code: error.code,
        reason: typeof error.cause === 'string' ? `${error.message} (${error.cause})` : error.message,
      },
    },
    services,
  );
}

export type ApiRecording = Pick<EnrollmentServices, 'store' | 'clock' | 'log' | 'refusals'>;
