/** CMP over HTTP (RFC 9811), plain or TLS, on node:http and node:https alone. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { toPem } from '../../../src/x509/pem.js';
import type { Answer, TlsIdentity } from '../est-client.js';

export interface CmpTransport {
  /** Posts to a path; headers in place of the usual Content-Type. */
  post(path: string, body: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): void;
}

/** @param origin as in `http://127.0.0.1:829`; a TLS certificate is not verified, for CMP does not rest on it */
export function createTransport(origin: string, identity?: TlsIdentity): CmpTransport {
  const isTls = origin.startsWith('https:');
  const client = identity && {
    cert: identity.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
    key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  // A connection for each message, as HTTP/1.0 servers expect, which openssl's is.
  const agent = isTls ? new HttpsAgent({ rejectUnauthorized: false, ...client }) : new HttpAgent();
  const request = isTls ? httpsRequest : httpRequest;
  return {
    close: () => agent.destroy(),
    post: (path, body, headers = { 'content-type': 'application/pkixcmp' }) =>
      new Promise((resolve, reject) => {
        const length = { 'content-length': String(body.length) };
        const outgoing = request(new URL(path, origin), { method: 'POST', agent, headers: { ...length, ...headers } });
        outgoing.on('response', (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const { headers: received, statusCode: status = 0 } = incoming;
            const whole = Buffer.concat(chunks);
            const requestId = String(received['x-request-id'] ?? '');
            resolve({ status, headers: received, body: whole, text: whole.toString('utf8'), requestId });
          });
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
  };
}
