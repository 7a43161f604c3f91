/** TLS handshakes, each with a client certificate of its own, on connections that carry nothing. */
import { connect } from 'node:tls';
import type { Load } from './load.js';
import type { HandshakeJob } from './load-job.js';
import { createRequestFactory } from './prepared-request.js';
import { createContext } from './secure-context.js';

export function prepareHandshakes({ target, requests, clientCa }: HandshakeJob): Load {
  const next = createRequestFactory(clientCa);
  const contexts = Array.from({ length: requests }, () => createContext(target, next().identity));
  const { hostname, port } = new URL(target.url);
  // Ends when the server has closed the connection, which it does when it has the client's Finished.
  const send = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host: hostname,
        port: Number(port || 443),
        servername: hostname,
        secureContext: contexts[index],
      });
      socket.on('error', reject);
      socket.on('close', (hadError) => {
        if (!hadError) resolve();
      });
      socket.resume();
    });
  return { requests, connect: () => ({ send, close: () => undefined }) };
}
