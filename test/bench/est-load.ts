/** EST simpleenroll, each request with a P-256 key and device name of its own. */
import { Agent } from 'node:https';
import type { SecureContext } from 'node:tls';
import type { Load } from './load.js';
import type { EstJob } from './load-job.js';
import { createRequestFactory } from './prepared-request.js';
import { createContext } from './secure-context.js';
import { describeRefusal, send } from './send.js';

interface Shot {
  readonly body: Buffer;
  readonly context: SecureContext;
}

export function prepareEst({ target, requests, keepAlive, basic, identity, clientCa }: EstJob): Load {
  const next = createRequestFactory(clientCa);
  const shared = createContext(target, identity);
  const shots = Array.from({ length: requests }, (): Shot => {
    const { body, identity: own } = next();
    return { body, context: own ? createContext(target, own) : shared };
  });
  const url = new URL(target.url);
  const headers = {
    'Content-Type': 'application/pkcs10',
    'Content-Transfer-Encoding': 'base64',
    ...(basic ? { Authorization: `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}` } : {}),
  };
  return {
    requests,
    connect() {
      const kept = keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
      return {
        async send(index) {
          const shot = shots[index];
          if (shot === undefined) throw new Error(`no request ${index}`);
          // Without an agent of its own each request would still share Node's global one, and its sessions.
          const agent = kept ?? new Agent({ maxCachedSessions: 0 });
          const answer = await send(url, { agent, secureContext: shot.context, headers }, shot.body);
          if (answer.status !== 200) throw new Error(describeRefusal(answer));
        },
        close: () => kept?.destroy(),
      };
    },
  };
}
