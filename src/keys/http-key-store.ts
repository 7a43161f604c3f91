/** A key store behind an HTTP/JSON signing service; docs/keys.md describes the protocol. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import { type HttpStoreConfig, isLoopback } from '../model/key-store.js';
import type { OutboundClient } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { KeyStoreAwayError } from './outage.js';
import type { KeyStoreAccess } from './remote-key-store.js';

interface HttpAccessOptions {
  readonly config: HttpStoreConfig;
  readonly outbound: Pick<OutboundClient, 'request'>;
}

export function createHttpAccess({ config, outbound }: HttpAccessOptions): KeyStoreAccess {
  const base = config.url.replace(/\/$/, '');
  const allowed = isLoopback(new URL(base).hostname) ? ['127.0.0.0/8', '::1/128'] : [];

  async function send({ method, path, body, timeoutMilliseconds = usualMilliseconds }: Question): Promise<Answer> {
    const ca = config.caFile === undefined ? undefined : await readSecretFile(config.caFile);
    try {
      const { status, body: octets } = await outbound.request({
        url: `${base}${path}`,
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${await tokenOf(config)}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        timeoutMilliseconds,
        maximumResponseBytes,
        networks: { allowed, denied: [] },
        ...(ca === undefined ? {} : { ca }),
      });
      return { status, json: parseJson(octets) };
    } catch (error) {
      if (error instanceof OutboundError) throw new KeyStoreAwayError(error.message);
      throw error;
    }
  }

  async function ask<T>(schema: z.ZodType<T>, question: Question): Promise<T> {
    const answer = await send(question);
    if (answer.status !== 200 && answer.status !== 201) throw refusalOf(answer);
    const parsed = schema.safeParse(answer.json);
    if (parsed.success) return parsed.data;
    throw new KeyStoreAwayError(
      `the signing service answered ${question.method} ${question.path} with something else than agreed`,
    );
  }

  return {
    async create(id, type, purpose) {
      const { publicKey } = await ask(keySchema, {
        method: 'POST',
        path: '/keys',
        body: { id, type, purpose },
        timeoutMilliseconds: creationMilliseconds,
      });
      return { reference: id, publicKey };
    },
    async find(reference) {
      // As steps of a path they would lead elsewhere.
      if (/^\.{1,2}$/.test(reference)) throw new GatewayError('not-found', `no key is called "${reference}"`);
      const { publicKey } = await ask(keySchema, { method: 'GET', path: pathOf(reference) });
      return { reference, publicKey };
    },
    sign: (reference) => async (algorithm, data) => {
      const { name, hash } = algorithm;
      const input =
        hash === undefined
          ? { data: Buffer.from(data).toString('base64') }
          : { digest: createHash(hash).update(data).digest('base64') };
      const body = { algorithm: name, ...input };
      return (await ask(signatureSchema, { method: 'POST', path: `${pathOf(reference)}/sign`, body })).signature;
    },
    async destroy(reference) {
      await ask(z.unknown(), { method: 'POST', path: `${pathOf(reference)}/destroy`, body: {} });
    },
    async look() {
      const { keys } = await ask(keysSchema, { method: 'GET', path: '/keys' });
      return {
        detail: `signing service at ${base}`,
        keys: keys.map(({ id, purpose }) => ({ reference: id, purpose })),
      };
    },
    close: async () => {},
  };
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly timeoutMilliseconds?: number;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

const usualMilliseconds = 5_000;
/** RSA keys take their time. */
const creationMilliseconds = 60_000;
const maximumResponseBytes = 262_144;

const octets = z.base64().transform((text) => Uint8Array.from(Buffer.from(text, 'base64')));
const keySchema = z.object({ publicKey: octets });
const signatureSchema = z.object({ signature: octets });
const keysSchema = z.object({ keys: z.array(z.object({ id: z.string().max(200), purpose: z.string().max(200) })) });
const errorSchema = z.object({ error: z.string().max(300) });

function pathOf(reference: string): string {
  return `/keys/${encodeURIComponent(reference)}`;
}

/** 401, 403 and 5xx are of the whole service, the others of the one key. */
function refusalOf({ status, json }: Answer): Error {
  const said = errorSchema.safeParse(json);
  const words = said.success ? `: ${printable(said.data.error)}` : '';
  if (status === 401 || status === 403) {
    return new KeyStoreAwayError(`the signing service refuses the bearer token (${status}${words})`);
  }
  if (status === 404) return new GatewayError('not-found', `the signing service has no such key${words}`);
  if (status === 422) return new GatewayError('unsupported-algorithm', `the signing service has no such keys${words}`);
  if (status === 409 || status === 507) {
    return new GatewayError('unavailable', `the signing service makes no key (${status}${words})`);
  }
  return new KeyStoreAwayError(`the signing service answers ${status}${words}`);
}

/** What a service says goes to the log and to operators, on one line. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

async function tokenOf({ tokenFile, tokenVariable }: HttpStoreConfig): Promise<string> {
  const text = tokenVariable === undefined ? await readSecretFile(tokenFile ?? '') : process.env[tokenVariable];
  const token = (text ?? '').trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new KeyStoreAwayError(`the bearer token in ${tokenVariable ?? tokenFile} is empty or not one line of ASCII`);
}

async function readSecretFile(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error) => {
    throw new KeyStoreAwayError(`${file} cannot be read (${error instanceof Error ? error.message : error})`);
  });
}
