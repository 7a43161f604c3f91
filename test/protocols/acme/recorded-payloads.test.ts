/** What real clients sent, recorded: a gateway of today answers the same payloads in the same way. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { macKey, newAccountKey, type SignatureAlgorithm, thumbprint } from '../../support/acme/account-key.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { signJws } from '../../support/acme/jws.js';
import { readAuthorization } from '../../support/acme/objects.js';
import { type RecordedExchange, recordedClients, recordedExchanges } from '../../support/acme/recordings.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import type { AcmeAnswer } from '../../support/acme/transport.js';
import { type AcmeFleet, externalAccount, startAcmeFleet } from '../../support/acme-fleet.js';

let fleet: AcmeFleet;
beforeAll(async () => {
  fleet = await startAcmeFleet();
  const names = ['pump-1', 'pump-2', 'valve-1', 'valve-2'].map((name) => `${name}.plant.example`);
  await placeNames(fleet, hostAddress, names);
});
afterAll(() => fleet.close());

describe('What real clients sent, recorded, is answered as it was', () => {
  it.each(recordedClients())('for %s, from its account to the end', async (name) => {
    const exchanges = recordedExchanges(name).filter(({ request }) => request.method === 'POST');
    const [first] = exchanges;
    const policy = first?.request.url.split('/').at(4);
    const client = fleet.client(policy, { key: newAccountKey(algorithmOf(first?.request.protected)) });
    const today = await client.directory();
    const [recorded] = recordedExchanges(name);
    const replay = { client, known: new Map<string, string>() };
    learn(recorded?.answer.body, today, replay.known);
    for (const exchange of exchanges) {
      const answer = await send(exchange, replay);
      expect([exchange.request.url, shapeOf(answer)]).toEqual([exchange.request.url, recordedShape(exchange)]);
      learn(exchange.answer.body, answer.json, replay.known);
      learn(exchange.answer.headers.location, answer.location, replay.known);
      learn(leafOf(exchange.answer.body), leafOf(answer.text), replay.known);
    }
  });
});

interface Replay {
  readonly client: AcmeClient;
  /** URLs and certificates of today by those of the recording. */
  readonly known: Map<string, string>;
}

/** The payload as it was, with URLs, certificates and keys of today, as its client would send it. */
async function send({ request }: RecordedExchange, { client, known }: Replay): Promise<AcmeAnswer> {
  const url = known.get(request.url) ?? '';
  const payload: unknown = translate(request.payload, known);
  const header = request.protected ?? {};
  if (url.endsWith('/key-change')) return await client.changeKey(newAccountKey(innerAlgorithm(payload)));
  if (url.includes('/challenge/') && payload !== '') await prepare(url, client);
  const identifyBy = header.jwk === undefined ? 'kid' : 'jwk';
  const answer = await client.post(url, payload === '' ? undefined : bound(payload, url, client), { identifyBy });
  if (url.endsWith('/new-account') && answer.status < 300) client.account = answer.location;
  return url.includes('/challenge/') ? await settled(url, answer, client) : answer;
}

/** What the server will ask for is there. */
async function prepare(url: string, client: AcmeClient): Promise<void> {
  const { identifier, challenges } = readAuthorization(await client.fetch(authorizationOf(url)));
  const challenge = challenges.find((each) => each.url === url);
  const respond = respondersOf(fleet)[challenge?.type ?? ''];
  if (challenge === undefined || respond === undefined) throw new Error(`no challenge at ${url}`);
  const { token } = challenge;
  await respond({ identifier, token, keyAuthorization: `${token}.${thumbprint(client.key.jwk)}` });
}

function authorizationOf(challengeUrl: string): string {
  return challengeUrl.replace('/challenge/', '/authorization/').replace(/\/[^/]+$/, '');
}

/** The recorded clients had the answer at once; it may take longer. */
async function settled(url: string, first: AcmeAnswer, client: AcmeClient): Promise<AcmeAnswer> {
  let answer = first;
  while (shapeOf(answer).status === 'processing') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer = await client.fetch(url);
  }
  return answer;
}

/** With a binding for the account's key of today, where there was one. */
function bound(payload: unknown, url: string, { key }: AcmeClient): unknown {
  if (!isObject(payload) || payload.externalAccountBinding === undefined) return payload;
  const { keyId: kid, hmacKey } = externalAccount;
  return { ...payload, externalAccountBinding: signJws(macKey(hmacKey), { kid, url }, key.jwk) };
}

function shapeOf({ status: code, headers, json, location, links }: AcmeAnswer) {
  return shape(
    code,
    headers['content-type'],
    json,
    location,
    links.map(({ relation }) => relation),
  );
}

function recordedShape({ answer: { status, headers, body } }: RecordedExchange) {
  const relations = [...(headers.link ?? '').matchAll(/rel="([^"]+)"/g)].map(([, relation = '']) => relation);
  return shape(status, headers['content-type'], isObject(body) ? body : undefined, headers.location, relations);
}

function shape(code: number, type: string | undefined, body: unknown, location: string | undefined, links: string[]) {
  const members = isObject(body) ? Object.keys(body).sort() : [];
  const [status, problem] = isObject(body) ? [body.status, body.type] : [];
  return { code, type, members, status, problem, hasLocation: location !== undefined, links: links.sort() };
}

/** Pairs the URLs and the like that differ. */
function learn(recorded: unknown, today: unknown, known: Map<string, string>): void {
  if (typeof recorded === 'string' && typeof today === 'string') known.set(recorded, today);
  if (!isObject(recorded) || !isObject(today)) return;
  for (const [name, value] of Object.entries(recorded)) {
    if (typeof value !== 'string' || value.startsWith('https:')) learn(value, today[name], known);
  }
}

function translate(payload: unknown, known: ReadonlyMap<string, string>): unknown {
  return JSON.parse(JSON.stringify(payload ?? ''), (_, value) =>
    typeof value === 'string' ? (known.get(value) ?? value) : value,
  );
}

/** base64url of the first certificate of a chain, as revokeCert takes it. */
function leafOf(chain: unknown): string | undefined {
  const [, base64] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(String(chain)) ?? [];
  return base64 && Buffer.from(base64, 'base64').toString('base64url');
}

function innerAlgorithm(jws: unknown): SignatureAlgorithm {
  const text = isObject(jws) ? Buffer.from(String(jws.protected), 'base64url').toString() : '{}';
  return algorithmOf(JSON.parse(text));
}

function algorithmOf(header: unknown): SignatureAlgorithm {
  const known = ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'] as const;
  const found = known.find((name) => isObject(header) && header.alg === name);
  if (found === undefined) throw new Error('signed by no known algorithm');
  return found;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
