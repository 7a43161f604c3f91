/** A TLS proxy between an ACME client and a gateway, which writes down what they say to each other. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { toPem } from '../../src/x509/pem.js';
import type { RecordedExchange } from '../support/acme/recordings.js';
import {
  basicConstraints,
  ca,
  extendedKeyUsage,
  makeChain,
  privateKeyOf,
  subjectAltName,
} from '../support/make-chain.js';

export interface AcmeRecorder {
  /** PEM of what clients have to trust. */
  readonly roots: string;
  /** What was said since the last time. */
  take(): readonly RecordedExchange[];
  close(): Promise<void>;
}

interface RecorderOptions {
  /** Where the gateway listens. */
  readonly gatewayAddress: string;
  /** The gateway's, and the recorder's on 127.0.0.1: so clients, and their signatures, name the gateway. */
  readonly port: number;
}

export async function startAcmeRecorder({ gatewayAddress, port }: RecorderOptions): Promise<AcmeRecorder> {
  const [root, own] = makeChain([
    ca('CN=Recorder CA'),
    {
      subject: 'CN=localhost',
      extensions: [basicConstraints(false), extendedKeyUsage(serverAuth), subjectAltName('dns:localhost')],
    },
  ]).map((der) => toPem('CERTIFICATE', der));
  const key = privateKeyOf('CN=localhost').export({ type: 'pkcs8', format: 'pem' });
  let exchanges: RecordedExchange[] = [];

  const server = createServer({ cert: own ?? '', key }, (incoming, response) => {
    forward(incoming).then(
      ({ status, headers, body, exchange }) => {
        exchanges.push(exchange);
        response.writeHead(status, headers).end(body);
      },
      (error) => response.writeHead(502).end(String(error)),
    );
  });

  async function forward(incoming: IncomingMessage) {
    const { method = '', url = '', headers } = incoming;
    const sent = await buffer(incoming);
    const outgoing = request({
      ...{ host: gatewayAddress, port, method, path: url, headers, agent: false },
      // It is this machine's own gateway; its certificate is made a moment ago, and is not what is recorded.
      rejectUnauthorized: false,
    });
    outgoing.end(sent);
    const [answer]: [IncomingMessage] = (await once(outgoing, 'response')) as [IncomingMessage];
    const body = await buffer(answer);
    const exchange = describe({ method, url: `https://${headers.host}${url}`, headers, sent, answer, body });
    return { status: answer.statusCode ?? 0, headers: answer.headers, body, exchange };
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    roots: root ?? '',
    take() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const serverAuth = '1.3.6.1.5.5.7.3.1';

interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly sent: Buffer;
  readonly answer: IncomingMessage;
  readonly body: Buffer;
}

function describe({ method, url, headers, sent, answer, body }: Heard): RecordedExchange {
  return {
    request: {
      method,
      url,
      headers: pick(headers, ['content-type', 'accept', 'user-agent']),
      ...(method === 'POST' && { ...decoded(sent.toString()), body: sent.toString() }),
    },
    answer: {
      status: answer.statusCode ?? 0,
      headers: pick(answer.headers, ['content-type', 'location', 'link', 'retry-after', 'replay-nonce']),
      body: /json/.test(answer.headers['content-type'] ?? '') ? JSON.parse(body.toString()) : body.toString(),
    },
  };
}

/** For people who read a recording. */
function decoded(body: string) {
  const jws: { protected: string; payload: string } = JSON.parse(body);
  const text = (part: string) => Buffer.from(part, 'base64url').toString();
  return { protected: JSON.parse(text(jws.protected)), payload: jws.payload && JSON.parse(text(jws.payload)) };
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}
