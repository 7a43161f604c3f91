/** Messages that are posted once each over a keep-alive connection for each client; some of the answers are read in full. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Load } from './load.js';
import type { LoadTarget } from './load-job.js';
import { createContext } from './secure-context.js';
import { describeRefusal, type ServerAnswer, send } from './send.js';

interface SampledLoad<Shot> {
  readonly target: LoadTarget;
  readonly contentType: string;
  readonly shots: readonly Shot[];
  bodyOf(shot: Shot): Uint8Array;
  /** What an answer that issues has in it, and no other. */
  readonly success: Buffer;
  /** Reads an answer with status 200 that has not issued. */
  refusalIn(body: Buffer, shot: Shot): string;
  /** @throws Error for a wrong answer */
  checkAnswer(shot: Shot, body: Buffer): void;
}

/** One answer of so many is read in full, which takes longer than to make it. */
const checkedShare = 25;

export function createSampledLoad<Shot>(load: SampledLoad<Shot>): Load {
  const { target, contentType, shots, bodyOf, success, refusalIn, checkAnswer } = load;
  const answers = new Map<Shot, Buffer>();
  const url = new URL(target.url);
  const headers = { 'Content-Type': contentType };
  const secureContext = createContext(target);

  function requireSuccess(answer: ServerAnswer, shot: Shot): void {
    if (answer.status !== 200) throw new Error(describeRefusal(answer));
    if (!answer.body.includes(success)) throw new Error(refusalIn(answer.body, shot));
  }

  return {
    requests: shots.length,
    connect() {
      const Agent = url.protocol === 'http:' ? HttpAgent : HttpsAgent;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return {
        async send(index) {
          const shot = shots[index];
          if (shot === undefined) throw new Error(`no request ${index}`);
          const answer = await send(url, { agent, secureContext, headers }, bodyOf(shot));
          requireSuccess(answer, shot);
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
