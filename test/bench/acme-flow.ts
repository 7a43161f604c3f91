/** One order from newOrder to the certificate (RFC 8555 7.4). */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { AcmeClient } from './acme-client.js';
import { encode } from './acme-jws.js';
import type { Responder } from './acme-responder.js';
import type { ServerAnswer } from './send.js';

interface OrderWish {
  readonly name: string;
  /** base64url of the JSON that finalizes the order. */
  readonly finalization: string;
}

/** Returns the certificate as it was downloaded, PEM. @throws Error for a refusal, or when it takes too long */
export async function runOrder(client: AcmeClient, responder: Responder, wish: OrderWish): Promise<Buffer> {
  const identifiers = [{ type: 'dns', value: wish.name }];
  const answer = await client.post(client.newOrderUrl, encode(JSON.stringify({ identifiers })));
  const url = answer.headers.location;
  if (url === undefined) throw new Error('newOrder: an answer without Location');
  const order = read(orderSchema, answer);
  if (order.status === 'pending') for (const each of order.authorizations) await authorize(client, responder, each);
  const finalized = read(orderSchema, await client.post(order.finalize, wish.finalization));
  const { certificate } = finalized.status === 'valid' ? finalized : await poll(client, url, orderSchema, 'processing');
  if (certificate === undefined) throw new Error('a valid order without a certificate');
  return (await client.post(certificate)).body;
}

async function authorize(client: AcmeClient, responder: Responder, url: string): Promise<void> {
  const { challenges, status } = read(authorizationSchema, await client.post(url));
  if (status === 'valid') return;
  const challenge = challenges.find(({ type }) => type === 'http-01');
  if (challenge?.token === undefined) throw new Error('the server offers no http-01');
  const { token } = challenge;
  const answered = responder.expect(token, `${token}.${client.key.thumbprint}`);
  try {
    await client.post(challenge.url, emptyObject);
    // A client that looks again after some seconds finds the authorization valid at once: so does this one, without them.
    await Promise.race([answered, wait(patienceMilliseconds, undefined, { ref: false })]);
    await poll(client, url, authorizationSchema, 'pending');
  } finally {
    responder.forget(token);
  }
}

const emptyObject = encode('{}');
const patienceMilliseconds = 10_000;
/** Before the first look, doubled for each further one: shorter than any Retry-After, so that waiting is not what is measured. */
const pauseMilliseconds = 5;
const mostLooks = 12;

/** Looks until it is valid. */
async function poll<T extends { readonly status: string }>(
  client: AcmeClient,
  url: string,
  schema: z.ZodType<T>,
  waiting: string,
): Promise<T> {
  for (let look = 1, pause = pauseMilliseconds; look <= mostLooks; look++, pause *= 2) {
    await wait(pause);
    const answer = await client.post(url);
    const found = read(schema, answer);
    if (found.status === 'valid') return found;
    if (found.status !== waiting) throw new Error(answer.body.toString().replaceAll(/\s+/g, ' ').slice(0, 800));
  }
  throw new Error(`${new URL(url).pathname}: not valid after ${mostLooks} looks`);
}

const orderSchema = z.object({
  status: z.string(),
  authorizations: z.array(z.string()),
  finalize: z.string(),
  certificate: z.string().optional(),
});

const authorizationSchema = z.object({
  status: z.string(),
  challenges: z.array(z.object({ type: z.string(), url: z.string(), token: z.string().optional() })),
});

function read<T>(schema: z.ZodType<T>, { body }: ServerAnswer): T {
  return schema.parse(JSON.parse(body.toString()));
}
