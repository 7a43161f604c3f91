/** The tests' own client against a server that is not ours, so that the two do not share one mistake. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { accountKeyOf, newAccountKey, thumbprint } from '../support/acme/account-key.js';
import { type AcmeClient, createAcmeClient } from '../support/acme/client.js';
import { certificatesIn, issue, readyOrder } from '../support/acme/flow.js';
import { isProblem, readAccount, readAuthorization, readOrderList, readProblem } from '../support/acme/objects.js';
import { startPebble } from '../support/acme/pebble.js';
import { renewalName } from '../support/acme/renewal-name.js';
import { type AcmeServer, hostAddress, placeNames, respondersOf } from '../support/acme/server.js';
import type { SessionOptions } from '../support/acme/session.js';
import { describeWith } from '../support/interop.js';

describeWith(['pebble', 'pebble-challtestsrv'], 'the ACME client of the tests with Pebble', () => {
  let server: AcmeServer;
  const clients: AcmeClient[] = [];
  beforeAll(async () => {
    server = await startPebble(5);
    await placeNames(server, hostAddress, ['valve-1.plant.example']);
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.close();
  });

  function newClient(options: Partial<SessionOptions> = {}): AcmeClient {
    const client = createAcmeClient({ directory: server.directory, roots: server.tlsRoots, ...options });
    clients.push(client);
    return client;
  }

  async function withAccount(options: Partial<SessionOptions> = {}): Promise<AcmeClient> {
    const client = newClient(options);
    readAccount(await client.newAccount({ termsOfServiceAgreed: true }));
    return client;
  }

  it.each(['ES256', 'ES384', 'ES512', 'RS256'] as const)('has an account with a key for %s', async (alg) => {
    const client = newClient({ key: newAccountKey(alg) });
    const made = await client.newAccount({ termsOfServiceAgreed: true, contact: ['mailto:admin@plant.example'] });
    expect(made.status).toBe(201);
    expect(readAccount(made)).toMatchObject({ status: 'valid', contact: ['mailto:admin@plant.example'] });
    const again = await client.newAccount({ onlyReturnExisting: true });
    expect({ status: again.status, location: again.location }).toEqual({ status: 200, location: made.location });
    expect(readAccount(await client.updateAccount({ contact: [] })).contact ?? []).toEqual([]);
    expect(readAccount(await client.updateAccount({ status: 'deactivated' })).status).toBe('deactivated');
  });

  it('binds an external account, and is refused with a key that is not its key', async () => {
    const { externalAccount } = server;
    const bound = await newClient().newAccount({ termsOfServiceAgreed: true, externalAccount });
    expect(bound.status).toBe(201);
    const wrong = { ...externalAccount, hmacKey: Buffer.alloc(32).toString('base64url') };
    const refused = await newClient().newAccount({ termsOfServiceAgreed: true, externalAccount: wrong });
    expect(readProblem(refused)).toMatchObject({ type: 'urn:ietf:params:acme:error:unauthorized', status: 403 });
  });

  it('changes its key', async () => {
    const client = await withAccount();
    const { key: old } = client;
    expect((await client.changeKey(newAccountKey('ES384'))).status).toBe(200);
    readAccount(await client.updateAccount());
    const refused = await client.post(client.account ?? '', undefined, { key: old });
    expect(refused.status).toBeGreaterThanOrEqual(400);
  });

  it.each(['http-01', 'tls-alpn-01', 'dns-01'])('gets a certificate by %s', async (type) => {
    const client = await withAccount();
    const responder = respondersOf(server)[type];
    if (responder === undefined) throw new Error('no such challenge');
    const issued = await issue(client, { identifiers: ['valve-1.plant.example'], responders: { [type]: responder } });
    expect(issued.certificate.subjectAltName).toBe('DNS:valve-1.plant.example');
    expect(issued.certificate.checkPrivateKey(issued.key.privateKey)).toBe(true);
    const root = new X509Certificate(await server.issuingRoot());
    expect(issued.chain.at(-1)?.verify(root.publicKey)).toBe(true);
  });

  it('gets one for a wildcard by dns-01 and for an address by http-01', async () => {
    const client = await withAccount();
    const identifiers = ['*.plant.example', { type: 'ip', value: hostAddress, placeNames }];
    const { certificate, order } = await issue(client, { identifiers, responders: respondersOf(server) });
    expect(certificate.subjectAltName).toBe('DNS:*.plant.example, IP Address:127.0.0.2');
    const again = certificatesIn(await client.fetch(order.certificate ?? ''));
    expect(again[0]?.fingerprint256).toBe(certificate.fingerprint256);
  });

  it('revokes by its account, and by the key of the certificate', async () => {
    const client = await withAccount();
    const wish = { identifiers: ['valve-1.plant.example'], responders: respondersOf(server) };
    const first = await issue(client, wish);
    expect(await server.isRevoked(first.certificate)).toBe(false);
    expect((await client.revoke(first.certificate, { reason: 4 })).status).toBe(200);
    expect(await server.isRevoked(first.certificate)).toBe(true);
    expect(isProblem(await client.revoke(first.certificate), 'alreadyRevoked')).toBe(true);
    const { certificate, key } = await issue(client, wish);
    const stranger = newClient();
    expect((await stranger.revoke(certificate, { by: accountKeyOf(key.privateKey, 'ES256') })).status).toBe(200);
  });

  it('lists its orders, and gives up an authorization', async () => {
    const client = await withAccount();
    const { url, order } = await readyOrder(client, {
      identifiers: ['valve-1.plant.example'],
      responders: respondersOf(server),
    });
    const { orders = '' } = readAccount(await client.updateAccount());
    expect(readOrderList(await client.fetch(orders)).orders).toEqual([url]);
    const [authorization = ''] = order.authorizations;
    expect(readAuthorization(await client.deactivateAuthorization(authorization)).status).toBe('deactivated');
  });

  it('sends a refused nonce once if it is not to try again, and messages that are no messages', async () => {
    const client = newClient({ retriesBadNonce: false });
    const { newAccount } = await client.directory();
    const refused = await client.post(newAccount, {}, { header: { nonce: 'bm9uY2U' } });
    expect(readProblem(refused).type).toBe('urn:ietf:params:acme:error:badNonce');
    expect(refused.nonce).toMatch(/^[A-Za-z0-9_-]+$/);
    const plain = await client.send(newAccount, { method: 'POST', body: 'no JWS' });
    expect(plain.status).toBe(415);
    const [index] = plain.links;
    expect(index).toEqual({ url: server.directory, relation: 'index' });
  });

  it('makes the thumbprint of RFC 7638', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    expect(thumbprint({ kty: 'RSA', n, e: 'AQAB' })).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it('makes the name that RFC 9773 gives to its example', () => {
    const der =
      'MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFtcGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDASBgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFfqzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4ByNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK';
    const example = new X509Certificate(Buffer.from(der, 'base64'));
    expect(renewalName(example)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });
});
