/** What the management API answers when it refuses, and what it leaves in the audit log. */
import { actorOf, type Principal } from '../access/principal.js';
import { byActor } from '../audit/actor.js';
import { commitRefusal, describeError } from '../enrollment/record.js';
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
  /** Of the answer. */
  readonly status: number;
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly principal: Principal | undefined;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
}

/**
 * Writes the event of who was not let in, or may not do what was asked for; and of changes that were refused to who may make them.
 * What else is answered with an error has read nothing and changed nothing: the log has it.
 */
export async function recordRefusal(error: unknown, refused: Refused, services: ApiRecording): Promise<void> {
  const { status, requestId, remoteAddress, principal, method, path, operation } = refused;
  if (!(error instanceof GatewayError)) return;
  const isAccess = status === 401 || status === 403;
  const isChange = principal !== undefined && !readingMethods.has(method) && status < 500;
  if (!isAccess && !isChange) return;
  const actor = principal && byActor(actorOf(principal, {}));
  await commitRefusal(
    {
      id: requestId,
      action: isAccess ? 'access.refused' : 'change.refused',
      // Also those of who is known: a program that has gone wrong asks all day.
      countedBy: principal === undefined ? remoteNetwork(remoteAddress) : principal.id,
      details: {
        ...actor,
        remoteAddress,
        operation,
        method,
        path: fitForLog(path),
        ...describeError(error),
      },
    },
    services,
  );
}

const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export type ApiRecording = Pick<EnrollmentServices, 'store' | 'clock' | 'log' | 'refusals'>;
