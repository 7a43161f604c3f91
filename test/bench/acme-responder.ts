/** What a CA that validates finds on loopback: a DNS server for which every name is there, and http-01 (RFC 8555 8.3). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface Responder {
  /** From now on the challenge is answered; resolves when it has been for the first time. */
  expect(token: string, keyAuthorization: string): Promise<void>;
  forget(token: string): void;
  close(): void;
}

interface ResponderPorts {
  readonly httpPort: number;
  readonly dnsPort: number;
}

/** @throws Error when a port is taken */
export async function startResponder({ httpPort, dnsPort }: ResponderPorts): Promise<Responder> {
  const expected = new Map<string, { readonly keyAuthorization: string; readonly onAnswered: () => void }>();
  const http = createServer((request, response) => {
    const challenge = expected.get(request.url?.split('/').at(-1) ?? '');
    response.statusCode = challenge === undefined ? 404 : 200;
    response.end(challenge?.keyAuthorization, challenge?.onAnswered);
  });
  const dns = createSocket('udp4');
  dns.on('message', (query, { port, address }) => {
    const answer = answerQuery(query);
    if (answer !== undefined) dns.send(answer, port, address);
  });
  dns.bind(dnsPort, loopback);
  http.listen(httpPort, loopback);
  await Promise.all([once(dns, 'listening'), once(http, 'listening')]);
  return {
    expect: (token, keyAuthorization) =>
      new Promise((resolve) => expected.set(token, { keyAuthorization, onAnswered: resolve })),
    forget: (token) => expected.delete(token),
    close() {
      dns.close();
      http.close();
      http.closeAllConnections();
    },
  };
}

const loopback = '127.0.0.1';

const headerLength = 12;
const typeA = 1;
/** A response with authority, recursion wanted and available, no error. */
const flags = 0x8580;
/** The name of the question, type A, class IN, no time to live, 127.0.0.1. */
const addressRecord = Buffer.from([0xc0, headerLength, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);

/** RFC 1035 4: an address, or for other types that there is none. */
function answerQuery(query: Buffer): Buffer | undefined {
  let end = headerLength;
  for (let length = query[end]; length !== 0; length = query[end]) {
    if (length === undefined) return undefined;
    end += 1 + length;
  }
  const question = query.subarray(headerLength, end + 5);
  if (question.length < end + 5 - headerLength) return undefined;
  const records = query.readUInt16BE(end + 1) === typeA ? [addressRecord] : [];
  const header = Buffer.alloc(headerLength);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}
