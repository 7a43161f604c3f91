/** A web server on loopback that answers http-01 challenges (RFC 8555 8.3) and nothing else. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpResponder {
  readonly port: number;
  /** Has `/.well-known/acme-challenge/<token>` answer with the key authorization. */
  put(token: string, keyAuthorization: string): void;
  remove(token: string): void;
  /** The Host header and path of every request so far, as `example.org/path`. */
  requests(): readonly string[];
  close(): Promise<void>;
}

export async function startHttpResponder(host = '127.0.0.1'): Promise<HttpResponder> {
  const answers = new Map<string, string>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    const answer = answers.get(request.url ?? '');
    response.writeHead(answer === undefined ? 404 : 200, { connection: 'close' }).end(answer);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    put: (token, keyAuthorization) => void answers.set(pathOf(token), keyAuthorization),
    remove: (token) => void answers.delete(pathOf(token)),
    requests: () => requests,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function pathOf(token: string): string {
  return `/.well-known/acme-challenge/${token}`;
}
