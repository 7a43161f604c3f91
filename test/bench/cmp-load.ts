/** CMP ir over HTTP (RFC 9811). */
import { X509Certificate } from 'node:crypto';
import { nullValue } from '../../src/x509/der-writer.js';
import { fromPem } from '../../src/x509/pem.js';
import { type Check, problemsOf } from '../support/cmp/check.js';
import { encodeInfo } from '../support/cmp/header.js';
import { readMessage } from '../support/cmp/read-message.js';
import { createMessages, type PreparedMessage } from './cmp-message.js';
import type { Load } from './load.js';
import type { CmpJob } from './load-job.js';
import { createSampledLoad } from './sampled-load.js';

/** What an answer that issues has in its header: it is granted with the certificate only. */
const granted = Buffer.from(encodeInfo({ type: 'implicitConfirm', value: nullValue }));
export function prepareCmp({ target, requests, protection }: CmpJob): Load {
  return createSampledLoad({
    target,
    contentType: 'application/pkixcmp',
    shots: Array.from({ length: requests }, createMessages(protection)),
    bodyOf: ({ sent }) => sent.der,
    success: granted,
    refusalIn,
    checkAnswer: (shot, body) => checkAnswer(shot, body, target.caPem),
  });
}

function refusalIn(der: Buffer): string {
  const { body } = readMessage(der);
  const said = 'responses' in body ? body.responses[0]?.status : body.type === 'error' ? body.status : undefined;
  return [body.type, said?.status, ...(said?.failInfo ?? []), ...(said?.texts ?? [])].join(' ');
}

/** @throws Error unless it has a certificate for this key and is protected as it ought to be */
function checkAnswer({ sent, privateKey }: PreparedMessage, der: Buffer, caPem: string | undefined): void {
  const message = readMessage(der);
  const problems = problemsOf(message, {
    sent,
    trustAnchors: fromPem(caPem ?? '').map((anchor) => new X509Certificate(anchor)),
    now: new Date(),
    seenNonces: new Set(),
    unchecked: caPem === undefined ? withoutAnchors : whenever,
  });
  const { body } = message;
  const certificate = 'responses' in body ? body.responses[0]?.certificate : undefined;
  if (problems.length > 0 || !certificate?.checkPrivateKey(privateKey))
    throw new Error(`a wrong answer: ${problems.join(', ') || 'no certificate for the key'}`);
}

/** Answers are looked at when all have come. */
const whenever: readonly Check[] = ['messageTime'];
const withoutAnchors: readonly Check[] = [...whenever, 'chain'];
