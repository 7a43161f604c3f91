/** The management API of a gateway on this machine, as the bench uses it: with the first administrator's key. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Management {
  /** Returns the body, parsed. @throws Error for every other status than 2xx */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Sends octets while they are made. */
  upload(path: string, type: string, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** Returns how many octets came. */
  download(path: string): Promise<number>;
}

interface ManagementOptions {
  /** The data directory of the gateway. */
  readonly directory: string;
  readonly port: number;
}

export async function openManagement({ directory, port }: ManagementOptions): Promise<Management> {
  const key = (await readFile(join(directory, 'first-administrator-key'), 'utf8')).trim();

  async function send(method: string, path: string, type: string, body: Readable): Promise<IncomingMessage> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': type };
    // The certificate of a gateway that lives for one measurement proves nothing.
    const where = { host: '127.0.0.1', port, path: `/api/v1${path}`, rejectUnauthorized: false };
    const outgoing = request({ ...where, method, headers });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
    });
    await pipeline(body, outgoing);
    const answer = await answered;
    const { statusCode = 0 } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    throw new Error(`${method} ${path}: ${statusCode} ${await textOf(answer)}`);
  }

  return {
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const content = body === undefined ? [] : [JSON.stringify(body)];
      return JSON.parse(await textOf(await send(method, path, 'application/json', Readable.from(content))));
    },
    async upload(path, type, body) {
      await textOf(await send('PUT', path, type, Readable.from(body)));
    },
    async download(path) {
      let octets = 0;
      for await (const piece of await send('GET', path, 'application/json', Readable.from([]))) octets += piece.length;
      return octets;
    },
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece;
  return text;
}
