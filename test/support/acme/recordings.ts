/** The recorded conversations of fixtures/acme/clients. */
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Identifier } from './objects.js';

const headersSchema = z.record(z.string(), z.string());

const exchangeSchema = z.object({
  request: z.object({
    method: z.string(),
    url: z.url(),
    headers: headersSchema,
    /** Of a POST: what its JWS says, for people; the payload of a POST-as-GET is the empty string. */
    protected: z.record(z.string(), z.unknown()).optional(),
    payload: z.unknown().optional(),
    /** As sent. */
    body: z.string().optional(),
  }),
  answer: z.object({
    status: z.int(),
    headers: headersSchema,
    /** JSON where it is that, text where it is not. */
    body: z.unknown(),
  }),
});
export type RecordedExchange = z.output<typeof exchangeSchema>;

export const recordingsFolder = 'fixtures/acme/clients';

export function recordedClients(): string[] {
  return readdirSync(recordingsFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length));
}

/** In their order. */
export function recordedExchanges(client: string): RecordedExchange[] {
  const text = readFileSync(`${recordingsFolder}/${client}.json`, 'utf8');
  return z.array(exchangeSchema).parse(JSON.parse(text));
}

const orderSchema = z.object({ identifiers: z.array(z.object({ type: z.string(), value: z.string() })) });

/** The identifiers of the order in an answer. */
export function orderedIn(body: unknown): readonly Identifier[] {
  return orderSchema.parse(body).identifiers;
}
