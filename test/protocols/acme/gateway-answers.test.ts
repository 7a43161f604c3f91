/** The headers of every answer of a real gateway (RFC 8555 6.1, 6.5, 6.7, 7.1), whatever it is about. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AcmeClient } from '../../support/acme/client.js';
import { issue } from '../../support/acme/flow.js';
import { readAccount, readProblem } from '../../support/acme/objects.js';
import { renewalName } from '../../support/acme/renewal-name.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import type { AcmeAnswer, AcmeMessage } from '../../support/acme/transport.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectUsualHeaders } from '../../support/acme-refusals.js';

const name = 'pump-1.plant.example';

let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  await placeNames(fleet, hostAddress, [name]);
  client = await fleet.clientWithAccount();
});
afterAll(() => fleet.close());

describe('Every answer', () => {
  it('has a fresh nonce, the link to the directory, and what browsers need', async () => {
    const nonces = new Set<string>();
    const seen = (answer: AcmeAnswer, status: number): AcmeAnswer => {
      expect(answer.status).toBe(status);
      expectUsualHeaders(answer);
      expect(answer.headers['access-control-expose-headers']).toBe('*');
      expect(nonces.has(answer.nonce ?? '')).toBe(false);
      nonces.add(answer.nonce ?? '');
      return answer;
    };
    const { newNonce, newOrder, revokeCert } = await client.directory();
    seen(await client.send(fleet.directory), 200);
    seen(await client.fetch(fleet.directory), 200);
    seen(await client.send(newNonce, { method: 'HEAD' }), 200);
    seen(await client.fetch(newNonce), 204);
    const { orders = '' } = readAccount(seen(await client.updateAccount(), 200));
    seen(await client.fetch(orders), 200);
    const { order, url, certificate } = await issue(client, { identifiers: [name], responders: respondersOf(fleet) });
    seen(await client.fetch(url), 200);
    const [authorization = ''] = order.authorizations;
    const { json } = seen(await client.fetch(authorization), 200);
    const [challenge] = (json as { challenges: { url: string }[] }).challenges;
    const responded = seen(await client.respond(challenge?.url ?? ''), 200);
    expect(responded.links).toContainEqual({ url: authorization, relation: 'up' });
    seen(await client.fetch(order.certificate ?? ''), 200);
    const made = seen(await client.newOrder({ identifiers: [name] }), 201);
    expect(made.location).toMatch(/\/order\/[\w-]+$/);
    seen(await client.revoke(certificate), 200);
    for (const [target, payload, status] of [
      [newOrder, {}, 400],
      [revokeCert, {}, 400],
      [order.finalize, {}, 400],
      [`${url}0`, undefined, 404],
      [`${authorization}0`, undefined, 404],
      [`${challenge?.url}0`, undefined, 404],
    ] as const) {
      readProblem(seen(await client.post(target, payload), status));
    }
  });

  it.each<[string, number, AcmeMessage]>([
    ['new-order', 405, { method: 'GET' }],
    ['new-order', 405, { method: 'PUT' }],
    ['directory', 405, { method: 'DELETE' }],
    ['new-order', 415, { method: 'POST', body: '{}' }],
    ['new-order', 400, { method: 'POST', body: '{}', headers: { 'content-type': 'application/jose+json' } }],
    ['new-order', 413, { method: 'POST', body: 'x'.repeat(70_000) }],
    ['renewal-info/nonsense', 400, {}],
  ])('also a refusal: /%s with %i', async (path, status, message) => {
    const answer = await client.send(fleet.directory.replace('directory', path), message);
    expect(answer.status).toBe(status);
    expect(readProblem(answer)).toMatchObject({ type: 'urn:ietf:params:acme:error:malformed', status });
    expectUsualHeaders(answer);
  });

  it('says nothing of a directory where there is none', async () => {
    for (const url of [fleet.directoryOf('nobody'), fleet.directoryOf('fleet')]) {
      const answer = await client.send(url);
      expect(readProblem(answer)).toMatchObject({ type: 'urn:ietf:params:acme:error:malformed', status: 404 });
      expect(answer.nonce).toBeDefined();
    }
  });

  it('on renewal information may be kept by anybody, so it has no nonce', async () => {
    const { certificate } = await issue(client, { identifiers: [name], responders: respondersOf(fleet) });
    const answer = await client.renewalInfo(renewalName(certificate));
    expect(answer.nonce).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('public, max-age=3600');
    expect(answer.links.map(({ relation }) => relation)).toEqual(['index']);
  });
});

describe('Browsers (RFC 8555 6.1)', () => {
  it.each([
    ['directory', 'GET, HEAD, POST'],
    ['new-nonce', 'GET, HEAD, POST'],
    ['new-account', 'POST'],
    ['order/1/finalize', 'POST'],
    ['renewal-info/x', 'GET, HEAD'],
  ])('are told beforehand what may be sent to /%s: %s', async (path, methods) => {
    const headers = { origin: 'https://console.example', 'access-control-request-method': 'POST' };
    const url = fleet.directory.replace('directory', path);
    const answer = await client.send(url, { method: 'OPTIONS', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'Content-Type',
    });
  });
});
