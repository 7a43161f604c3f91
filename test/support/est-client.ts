/** An EST client over real connections, on node:https alone; what it reads, it reads with other libraries than ours. */
import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { TLSSocket } from 'node:tls';
import { ContentInfo, SignedData } from 'pkijs';
import { toPem } from '../../src/x509/pem.js';
import type { TestGateway } from './test-gateway.js';

/** A client certificate with what leads to its CA (DER), and its key. */
export interface TlsIdentity {
  readonly chain: readonly Uint8Array[];
  readonly privateKey: KeyObject;
}

interface EstClientOptions {
  readonly label?: string;
  readonly username?: string;
  readonly passcode?: string;
  readonly identity?: TlsIdentity;
  readonly tlsVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The loopback address to connect from. */
  readonly localAddress?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** One connection for everything, which {@link EstClient.binding} speaks of. */
  readonly isSingleConnection?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
  readonly requestId: string;
}

interface Message {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface EstClient {
  /** A message to any path. */
  send(path: string, message?: Message): Promise<Answer>;
  get(operation: string): Promise<Answer>;
  /** Posts a body to an operation: DER goes in base64, text as it is. */
  post(operation: string, body: Uint8Array | string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Base64 of the connection's channel binding value, as a challengePassword has it. */
  binding(type: 'tls-unique' | 'tls-exporter'): Promise<string>;
  close(): void;
}

/** The server's certificate is verified by time only where the gateway's clock is the real one; its issuer always is. */
export function createEstClient({ gateway }: TestGateway, options: EstClientOptions = {}): EstClient {
  const { label, username = '', passcode, identity, tlsVersion, localAddress } = options;
  const roots = gateway.core.authority
    .generations()
    .filter(({ certificate }) => Buffer.compare(certificate.issuer, certificate.subject) === 0);
  const isRealTime = Math.abs(gateway.core.clock.now().getTime() - Date.now()) < 60_000;
  const agent = new Agent({
    keepAlive: true,
    ...(options.isSingleConnection ? { maxSockets: 1 } : {}),
    ca: roots.map(({ certificate }) => toPem('CERTIFICATE', certificate.der)),
    rejectUnauthorized: isRealTime,
    ...(identity && {
      cert: identity.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
      key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
    ...(tlsVersion && { minVersion: tlsVersion, maxVersion: tlsVersion }),
  });
  const base = label === undefined ? '/.well-known/est' : `/.well-known/est/${label}`;
  const always = {
    ...(passcode === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${username}:${passcode}`).toString('base64')}` }),
    ...options.headers,
  };
  let socket: TLSSocket | undefined;

  function send(path: string, { method = 'GET', headers = {}, body = '' }: Message = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const where = { host: 'localhost', family: 4, port: gateway.listeners.deviceTlsPort, path, method };
      const outgoing = request({
        ...where,
        agent,
        headers: { ...always, ...headers },
        ...(localAddress && { localAddress }),
      });
      outgoing.on('response', (incoming) => {
        if (incoming.socket instanceof TLSSocket) socket = incoming.socket;
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve(answerOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks))));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  return {
    send,
    get: (operation) => send(`${base}/${operation}`),
    post: (operation, body, headers = {}) =>
      send(`${base}/${operation}`, {
        method: 'POST',
        headers: { 'content-type': contentTypes.get(operation) ?? 'application/pkcs10', ...headers },
        body: typeof body === 'string' ? body : Buffer.from(body).toString('base64'),
      }),
    async binding(type) {
      await send(`${base}/cacerts`);
      if (socket === undefined) throw new Error('there is no connection');
      const value =
        type === 'tls-unique'
          ? socket.getFinished()
          : socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
      return value?.toString('base64') ?? '';
    },
    close: () => agent.destroy(),
  };
}

const contentTypes: ReadonlyMap<string, string> = new Map([
  ['fullcmc', 'application/pkcs7-mime; smime-type=CMC-request'],
]);

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  return { status, headers, body, text: body.toString('utf8'), requestId: String(headers['x-request-id'] ?? '') };
}

/** The certificates of a certs-only answer (RFC 5272 4.1), in its order. */
export function certificatesOf({ body }: Pick<Answer, 'body'>): X509Certificate[] {
  const content = ContentInfo.fromBER(Buffer.from(body.toString('latin1'), 'base64'));
  const { certificates = [] } = new SignedData({ schema: content.content });
  return certificates.map((certificate) => new X509Certificate(Buffer.from(certificate.toSchema().toBER())));
}

/** The one certificate of a successful enrollment. */
export function certificateOf(answer: Answer): X509Certificate {
  const [certificate, second] = answer.status === 200 ? certificatesOf(answer) : [];
  if (certificate === undefined || second !== undefined)
    throw new Error(`no certificate but ${answer.status}: ${answer.text}`);
  return certificate;
}
