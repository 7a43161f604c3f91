/** The challenge webhook: a service of the operator's, such as a device management's connector, says whether a challenge is good. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import type { ChallengeWebhook } from '../model/authentication-policy.js';
import type { OutboundClient, OutboundResponse } from '../outbound/outbound-client.js';
import { DerError } from '../x509/der.js';
import { formatGeneralName, type GeneralName } from '../x509/general-names.js';
import { fromPem } from '../x509/pem.js';

/** What the webhook is told of a request, which has been decoded and verified as a message, and not authenticated. */
export interface ChallengeQuestion {
  readonly policy: string;
  readonly group?: string | undefined;
  readonly transactionId?: string | undefined;
  readonly challenge: string;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly subjectAltNames: readonly GeneralName[];
  /** DER CertificationRequest, as received. */
  readonly certificationRequest?: Uint8Array | undefined;
  readonly remoteAddress: string;
  readonly requestId: string;
}

type ChallengeVerdict =
  | { readonly allowed: true }
  /** `reason` is for the operator only, never for the requester. */
  | { readonly allowed: false; readonly reason?: string };

interface Dependencies {
  readonly outbound: OutboundClient;
  readonly now: () => Date;
}

/**
 * @throws GatewayError `unavailable` when there is no usable answer, so that no answer never means yes;
 * `malformed-request` for names that cannot be read
 */
export async function askChallengeWebhook(
  webhook: ChallengeWebhook,
  question: ChallengeQuestion,
  { outbound, now }: Dependencies,
): Promise<ChallengeVerdict> {
  const inFlight = questionsInFlight.get(webhook.url) ?? 0;
  // A webhook that answers slowly must not fill the memory with requests that wait for it, nor keep others' from theirs.
  if (inFlight >= maximumInFlight) throw unavailable(new Error('too many challenges wait for the webhook'), 5);
  questionsInFlight.set(webhook.url, inFlight + 1);
  try {
    return readVerdict(await post(webhook, question, now(), outbound));
  } catch (cause) {
    if (cause instanceof DerError)
      throw new GatewayError('malformed-request', 'the requested names cannot be read', { cause });
    throw unavailable(cause);
  } finally {
    const left = (questionsInFlight.get(webhook.url) ?? 0) - 1;
    if (left > 0) questionsInFlight.set(webhook.url, left);
    else questionsInFlight.delete(webhook.url);
  }
}

/** Of the whole process, by URL. */
const questionsInFlight = new Map<string, number>();
const maximumInFlight = 64;
const maximumAnswerBytes = 64 * 1024;

async function post(
  { url, timeout, secretFile, caFile, allowedNetworks }: ChallengeWebhook,
  question: ChallengeQuestion,
  at: Date,
  outbound: OutboundClient,
): Promise<OutboundResponse> {
  const body = encodeQuestion(question, at);
  // Read at each use: who replaces the files need not restart anything.
  const [signature, ca] = await Promise.all([
    secretFile === undefined ? {} : signatureHeader(body, at, secretFile),
    caFile === undefined ? undefined : readCertificates(caFile),
  ]);
  return outbound.request({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...signature },
    body,
    timeoutMilliseconds: timeout * 1000,
    maximumResponseBytes: maximumAnswerBytes,
    networks: { allowed: allowedNetworks, denied: [] },
    ...(ca === undefined ? {} : { ca }),
  });
}

function encodeQuestion(question: ChallengeQuestion, at: Date): string {
  const { policy, group, transactionId, challenge, subject, remoteAddress, requestId } = question;
  const certificationRequest = question.certificationRequest && Buffer.from(question.certificationRequest);
  return JSON.stringify({
    type: 'scep.challenge',
    policy,
    group,
    transactionId,
    challenge,
    subject,
    subjectAltNames: question.subjectAltNames.map(describeName),
    // Base64 of the DER without PEM's lines, which is what validation services of device managements take.
    certificationRequest: certificationRequest?.toString('base64'),
    remoteAddress,
    requestId,
    at: at.toISOString(),
  });
}

function describeName(name: GeneralName): { readonly type: string; readonly value: string } {
  return { type: name.type, value: formatGeneralName(name).slice(name.type.length + 1) };
}

/** The time is signed as well, so that the webhook can tell a message of now from a replayed one. */
async function signatureHeader(body: string, at: Date, secretFile: string): Promise<Record<string, string>> {
  const secret = withoutLineBreak(await readFile(secretFile));
  if (secret.length === 0) throw new Error(`${secretFile} is empty`);
  const time = Math.floor(at.getTime() / 1000);
  const code = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return { 'x-gatehouse-signature': `t=${time},v1=${code}` };
}

/** Editors end files with a line break that nobody means to be part of a secret. */
function withoutLineBreak(bytes: Buffer): Buffer {
  const [lineFeed, carriageReturn] = [0x0a, 0x0d];
  if (bytes.at(-1) !== lineFeed) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}

async function readCertificates(caFile: string): Promise<string> {
  const pem = await readFile(caFile, 'utf8');
  // Node would take such a file, and then trust nobody without saying why.
  if (fromPem(pem, 'CERTIFICATE').length === 0) throw new Error(`${caFile} has no certificate in PEM`);
  return pem;
}

const answerSchema = z.object({ allow: z.boolean(), reason: z.string().optional() });

function readVerdict({ status, body }: OutboundResponse): ChallengeVerdict {
  if (status !== 200) throw new Error(`the challenge webhook answered with HTTP status ${status}`);
  const answer = answerSchema.safeParse(parseJson(body));
  if (!answer.success)
    throw new Error('the challenge webhook answered with something else than {"allow": true or false}');
  const { allow, reason } = answer.data;
  if (allow) return { allowed: true };
  return reason === undefined ? { allowed: false } : { allowed: false, reason: fitForLog(reason) };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

function unavailable(cause: unknown, retryAfterSeconds = 30): GatewayError {
  return new GatewayError('unavailable', 'the challenge cannot be checked at the moment; try again later', {
    // As text it stands in the audit event too.
    cause: cause instanceof Error ? cause.message : String(cause),
    retryAfterSeconds,
  });
}
