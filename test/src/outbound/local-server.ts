/** Servers on loopback for outbound requests to reach, and the certificates of those with TLS. */
import { createServer as createPlainServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { toPem } from '../../../src/x509/pem.js';
import { ca, leaf, makeCertificate, makeChain, privateKeyOf, subjectAltName } from '../../support/make-chain.js';

export interface LocalServer {
  readonly port: number;
  /** Connections that it has accepted. */
  connections(): number;
  close(): Promise<void>;
}

interface TlsSettings {
  readonly names: readonly string[];
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
}

const caKey = 'outbound test CA';

/** PEM of the CA that certifies the servers here. */
export const testCaPem = caPem(caKey);

/** PEM of a CA of the same name with another key. */
export const otherCaPem = caPem('another outbound test CA');

export function listenPlain(listener: RequestListener, host = '127.0.0.1'): Promise<LocalServer> {
  return listen(createPlainServer(listener), host);
}

/** With a certificate for `names`, such as `dns:localhost`. */
export function listenTls(listener: RequestListener, { names, maxVersion }: TlsSettings): Promise<LocalServer> {
  const subject = `CN=server ${names.join(' ')}`;
  const [, certificate = new Uint8Array()] = makeChain([
    { ...ca('CN=outbound test CA'), key: caKey },
    leaf(subject, subjectAltName(...names)),
  ]);
  const settings = {
    cert: toPem('CERTIFICATE', certificate),
    key: privateKeyOf(subject).export({ type: 'pkcs8', format: 'pem' }),
    // OpenSSL has versions before 1.2 at this security level only.
    ...(maxVersion ? { maxVersion, minVersion: maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  };
  return listen(createTlsServer(settings, listener), '127.0.0.1');
}

/** With a certificate of each key, named as make-chain.ts has them; the client's preferences decide which one is shown. */
export function listenTlsWithKeys(keys: readonly string[]): Promise<LocalServer> {
  const settings = {
    cert: keys.map((key) => toPem('CERTIFICATE', makeCertificate({ subject: `CN=${key}`, key }))),
    key: keys.map((key) => privateKeyOf(key).export({ type: 'pkcs8', format: 'pem' })),
    honorCipherOrder: false,
  };
  return listen(createTlsServer(settings), '127.0.0.1');
}

/** One that is no HTTP server. */
export function listenTcp(listener: (socket: Socket) => void): Promise<LocalServer> {
  return listen(createTcpServer(listener), '127.0.0.1');
}

export async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function listen(server: Server, host: string): Promise<LocalServer> {
  const open = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        connections: () => connections,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of open) socket.destroy();
          }),
      }),
    );
  });
}

function caPem(key: string): string {
  const [certificate = new Uint8Array()] = makeChain([{ ...ca('CN=outbound test CA'), key }]);
  return toPem('CERTIFICATE', certificate);
}
