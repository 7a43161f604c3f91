/** CMP ir over HTTP (RFC 9811). */
import { X509Certificate } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { nullValue } from '../../src/x509/der-writer.js';
import { fromPem } from '../../src/x509/pem.js';
import { type Check, problemsOf } from '../support/cmp/check.js';
import { encodeInfo } from '../support/cmp/header.js';
import { readMessage } from '../support/cmp/read-message.js';
import { createMessages, type PreparedMessage } from './cmp-message.js';
import type { Load } from './load.js';
import type { CmpJob } from './load-job.js';
import { createContext } from './secure-context.js';
import { describeRefusal, type ServerAnswer, send } from './send.js';

/** What an answer that issues has in its header: it is granted with the certificate only. */
const granted = Buffer.from(encodeInfo({ type: 'implicitConfirm', value: nullValue }));
/** One answer of so many is read in full, which takes longer than to make it. */
const checkedShare = 25;

export function prepareCmp({ target, requests, protection }: CmpJob): Load {
  const next = createMessages(protection);
  const shots = Array.from({ length: requests }, next);
  const answers = new Map<PreparedMessage, Buffer>();
  const url = new URL(target.url);
  const headers = { 'Content-Type': 'application/pkixcmp' };
  const secureContext = createContext(target);
  return {
    requests,
    connect() {
      const Agent = url.protocol === 'http:' ? HttpAgent : HttpsAgent;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return {
        async send(index) {
          const shot = shots[index];
          if (shot === undefined) throw new Error(`no request ${index}`);
          const answer = await send(url, { agent, secureContext, headers }, shot.sent.der);
          if (answer.status !== 200 || !answer.body.includes(granted)) throw new Error(refusalOf(answer));
          if (index % checkedShare === 0) answers.set(shot, answer.body);
        },
        close: () => agent.destroy(),
      };
    },
    check() {
      for (const [shot, body] of answers) checkAnswer(shot, body, target.caPem);
    },
  };
}

function refusalOf(answer: ServerAnswer): string {
  if (answer.status !== 200) return describeRefusal(answer);
  const { body } = readMessage(answer.body);
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
