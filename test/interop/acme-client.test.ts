/** The client of npm's package acme-client, inside of the test's process. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { axios, Client, type ClientOptions, crypto } from 'acme-client';
import { type AcmeServer, hostAddress, placeNames } from '../support/acme/server.js';
import { startAcmeServer } from './acme-server.js';

describe('ACME with acme-client', () => {
  let server: AcmeServer;
  let agent: Agent;
  beforeAll(async () => {
    server = await startAcmeServer();
    agent = new Agent({ ca: server.tlsRoots });
    axios.defaults.httpsAgent = agent;
    await placeNames(server, hostAddress, ['valve-1.plant.example']);
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
  });

  async function newClient(options: Partial<ClientOptions> = {}): Promise<Client> {
    const accountKey = await crypto.createPrivateEcdsaKey('P-256');
    // It would wait five seconds before it looks a second time.
    return new Client({ directoryUrl: server.directory, accountKey, backoffMin: 100, ...options });
  }

  async function issue(client: Client, name: string, type: string, key?: Buffer): Promise<X509Certificate> {
    const [privateKey, csr] = await crypto.createCsr({ altNames: [name] }, key);
    const { challenges } = server;
    const chain = await client.auto({
      csr,
      email: 'admin@plant.example',
      termsOfServiceAgreed: true,
      skipChallengeVerification: true,
      challengePriority: [type],
      async challengeCreateFn({ identifier }, { token }, answer) {
        if (type === 'http-01') return await challenges.serveFile(token, answer);
        if (type === 'tls-alpn-01') return await challenges.serveCertificate(identifier.value, answer);
        return await challenges.addText(`_acme-challenge.${identifier.value}`, answer);
      },
      challengeRemoveFn: async ({ identifier }) => await challenges.removeTexts(`_acme-challenge.${identifier.value}`),
    });
    const issued = new X509Certificate(chain);
    expect(issued.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    return issued;
  }

  it.each([
    ['http-01', 'valve-1.plant.example'],
    ['tls-alpn-01', 'valve-1.plant.example'],
    ['dns-01', '*.plant.example'],
  ])('gets a certificate by %s for %s', async (type, name) => {
    const issued = await issue(await newClient(), name, type);
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('gets one for an RSA key with an RSA account key', async () => {
    const accountKey = await crypto.createPrivateRsaKey(2048);
    const key = await crypto.createPrivateRsaKey(2048);
    const issued = await issue(await newClient({ accountKey }), 'valve-1.plant.example', 'http-01', key);
    expect(issued.publicKey.asymmetricKeyType).toBe('rsa');
  });

  it('gets one for an address (RFC 8738), step by step', async () => {
    const client = await newClient();
    await client.createAccount({ termsOfServiceAgreed: true });
    const order = await client.createOrder({ identifiers: [{ type: 'ip', value: hostAddress }] });
    const [authorization] = await client.getAuthorizations(order);
    const challenge = authorization?.challenges.find(({ type }) => type === 'http-01');
    if (challenge === undefined) throw new Error('http-01 is not offered');
    const answer = await client.getChallengeKeyAuthorization(challenge);
    await server.challenges.serveFile(challenge.token, answer);
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
    const [, csr] = await crypto.createCsr({ altNames: [hostAddress] });
    const finalized = await client.finalizeOrder(order, csr);
    const issued = new X509Certificate(await client.getCertificate(finalized));
    expect(issued.subjectAltName).toBe(`IP Address:${hostAddress}`);
  });

  it('gets one with an account that is bound to an external account', async () => {
    const { boundDirectory, externalAccount } = server;
    const { keyId: kid, hmacKey } = externalAccount;
    const client = await newClient({ directoryUrl: boundDirectory, externalAccountBinding: { kid, hmacKey } });
    const issued = await issue(client, 'valve-1.plant.example', 'http-01');
    expect(issued.subjectAltName).toBe('DNS:valve-1.plant.example');
  });

  it('changes the key of its account, and revokes with the new one', async () => {
    const client = await newClient();
    const issued = await issue(client, 'valve-1.plant.example', 'http-01');
    await client.updateAccountKey(await crypto.createPrivateEcdsaKey('P-384'));
    await client.revokeCertificate(issued.toString(), { reason: 4 });
    expect(await server.isRevoked(issued)).toBe(true);
  });

  it('changes the address of its account, and gives the account up', async () => {
    const client = await newClient();
    await client.createAccount({ termsOfServiceAgreed: true, contact: ['mailto:admin@plant.example'] });
    const changed = await client.updateAccount({ contact: ['mailto:other@plant.example'] });
    expect(changed.contact).toEqual(['mailto:other@plant.example']);
    expect((await client.updateAccount({ status: 'deactivated' })).status).toBe('deactivated');
    await expect(client.createOrder({ identifiers: [{ type: 'dns', value: 'plant.example' }] })).rejects.toThrow();
  });
});
