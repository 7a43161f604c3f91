/** What Node's parser refuses before there is a request to hand on: answered with a sentence, not with a bare status. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** For the event `clientError` of a server, which also has failures of TLS and of the network: nobody is there to read. */
export function answerUnreadRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const refusal = refusals.get(error.code ?? '') ?? (error.code?.startsWith('HPE_') ? malformed : undefined);
  if (refusal === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, sentence } = refusal;
  const body = `${sentence}\n`;
  socket.write(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
  // Not left to a client that may never close its side.
  socket.destroy(error);
}

interface Refusal {
  readonly status: number;
  readonly sentence: string;
}

const malformed: Refusal = { status: 400, sentence: 'the HTTP request is malformed' };

/** By Node's error code. */
const refusals: ReadonlyMap<string, Refusal> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    { status: 431, sentence: 'the address or the headers are too large; send the message by POST' },
  ],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', { status: 413, sentence: 'the chunk extensions of the body are too large' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, sentence: 'the request did not arrive in time' }],
]);
