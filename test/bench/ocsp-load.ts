/** OCSP requests over connections that are kept, for some certificates in turn (RFC 6960, RFC 5019). */
import { randomBytes, X509Certificate } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { makeCertId, makeOcspRequest, nonceExtension, readOcspResponse } from '../support/ocsp-message.js';
import type { Load } from './load.js';
import type { OcspJob } from './load-job.js';
import { createContext } from './secure-context.js';
import { describeRefusal, send } from './send.js';

interface Shot {
  readonly url: URL;
  /** Of a POST. */
  readonly body?: Uint8Array;
  readonly nonce?: Buffer;
}

/** One answer of so many is read in full, which takes longer than to make it. */
const checkedShare = 100;
/** A refusal has five octets. */
const leastAnswer = 100;

export function prepareOcsp({ target, requests, issuerPem, serialNumbers, question }: OcspJob): Load {
  const issuer = new X509Certificate(issuerPem).raw;
  const certIds = serialNumbers.map((serialNumber) => makeCertId({ issuer, serialNumber }));
  const shots = Array.from({ length: requests }, (_, i): Shot => {
    const certId = certIds[i % certIds.length] ?? new Uint8Array();
    if (question === 'get') {
      const text = encodeURIComponent(Buffer.from(makeOcspRequest([certId])).toString('base64'));
      return { url: new URL(`${target.url}/${text}`) };
    }
    const nonce = randomBytes(32);
    return {
      url: new URL(target.url),
      body: makeOcspRequest([certId], { extensions: [nonceExtension(nonce)] }),
      nonce,
    };
  });
  const secureContext = createContext(target);
  const answers = new Map<Shot, Buffer>();
  return {
    requests,
    connect() {
      const Agent = target.url.startsWith('http:') ? HttpAgent : HttpsAgent;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { 'Content-Type': 'application/ocsp-request' };
      return {
        async send(index) {
          const shot = shots[index];
          if (shot === undefined) throw new Error(`no request ${index}`);
          const options = shot.body === undefined ? { agent, secureContext } : { agent, secureContext, headers };
          const answer = await send(shot.url, options, shot.body);
          if (answer.status !== 200) throw new Error(describeRefusal(answer));
          if (answer.body.length < leastAnswer) throw new Error(`refused: ${answer.body.toString('hex')}`);
          if (index % checkedShare === 0) answers.set(shot, answer.body);
        },
        close: () => agent.destroy(),
      };
    },
    check() {
      for (const [shot, body] of answers) checkAnswer(shot, body);
    },
  };
}

/** @throws Error unless it says, signed, that the certificate is good, and to this nonce */
function checkAnswer({ nonce }: Shot, body: Buffer): void {
  const { response } = readOcspResponse(body);
  const isToNonce = nonce === undefined || response?.nonce?.equals(nonce);
  if (response?.statuses[0]?.status !== 'good' || !isToNonce) throw new Error('a wrong answer');
}
