/** Puts a challenge that is no passcode before the webhook of the authentication policy, with the request that it came in. */
import { askChallengeWebhook } from '../authentication/challenge-webhook.js';
import type { AskWebhook } from '../authentication/secret.js';
import { GatewayError } from '../errors.js';
import type { ChallengeWebhook } from '../model/authentication-policy.js';
import { DerError } from '../x509/der.js';
import { findExtension } from '../x509/extensions.js';
import { decodeGeneralNames } from '../x509/general-names.js';
import { formatName } from '../x509/names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import type { EnrollmentRequest } from './request.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/**
 * The check for one request. It asks once, however often the request starts over: whoever counts uses there would take the
 * second time for another one. It throws `bad-secret` when the webhook says no, `unavailable` when it says nothing usable.
 */
export function createChallengeCheck(request: EnrollmentRequest, services: EnrollmentServices): AskWebhook {
  let verdict: Promise<void> | undefined;
  return (webhook, challenge) => {
    verdict ??= askTogether(webhook, challenge, request, services);
    return verdict;
  };
}

/** A client that sends its request twice at the same time asks one question, too. */
async function askTogether(...asking: Parameters<typeof ask>): Promise<void> {
  const [webhook, challenge, { label, conversation, transactionId }] = asking;
  if (conversation === undefined) return await ask(...asking);
  const key = JSON.stringify([webhook.url, challenge, label, conversation, transactionId]);
  const question = underWay.get(key) ?? ask(...asking).finally(() => underWay.delete(key));
  underWay.set(key, question);
  await question;
}

const underWay = new Map<string, Promise<void>>();

async function ask(
  webhook: ChallengeWebhook,
  challenge: string,
  request: EnrollmentRequest,
  { catalog, clock, outbound }: EnrollmentServices,
): Promise<void> {
  const { resolved, group } = findTarget(catalog(), request.label);
  const question = {
    policy: resolved.policy.name,
    group: group.name,
    transactionId: request.conversation?.id,
    challenge,
    ...describeNames(request),
    certificationRequest: request.certificationRequest,
    remoteAddress: request.remoteAddress,
    requestId: request.requestId,
  };
  const verdict = await askChallengeWebhook(webhook, question, { outbound, now: () => clock.now() });
  if (verdict.allowed) return;
  throw new GatewayError('bad-secret', 'the challenge is wrong, used up or not meant for this request', {
    cause: `the challenge webhook said no${verdict.reason === undefined ? '' : `: ${verdict.reason}`}`,
  });
}

function describeNames({ requested: { subject, extensions } }: EnrollmentRequest) {
  try {
    const alternatives = findExtension(extensions, idCeSubjectAltName);
    return {
      subject: formatName(subject),
      subjectAltNames: alternatives === undefined ? [] : decodeGeneralNames(alternatives.value),
    };
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new GatewayError('malformed-request', 'the requested names cannot be read', { cause });
  }
}
