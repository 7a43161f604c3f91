import { describe, expect, it } from '@jest/globals';
import { acmeOnOneStore, base, jsonOf, nonceOf, refusalOf } from './acme-gateway.js';

const withAcme = acmeOnOneStore();
describe('the directory (RFC 8555 7.1.1)', () => {
  it('has the URL of each resource', () =>
    withAcme(async (acme) => {
      const reply = await acme.send('GET', 'directory');
      expect(reply.status).toBe(200);
      expect(jsonOf(reply)).toEqual({
        newNonce: `${base}/new-nonce`,
        newAccount: `${base}/new-account`,
        newOrder: `${base}/new-order`,
        newAuthz: `${base}/new-authz`,
        revokeCert: `${base}/revoke-cert`,
        keyChange: `${base}/key-change`,
        renewalInfo: `${base}/renewal-info`,
        meta: { externalAccountRequired: false },
      });
    }));

  it('has in meta what the policy says, profiles by name (draft-ietf-acme-profiles)', () =>
    withAcme(
      async (acme) => {
        expect(jsonOf(await acme.send('GET', 'directory')).meta).toEqual({
          termsOfService: 'https://acme.example/terms',
          website: 'https://acme.example/',
          caaIdentities: ['acme.example'],
          externalAccountRequired: true,
          profiles: { server: 'for servers', plain: 'plain' },
        });
      },
      {
        acme: {
          termsOfService: 'https://acme.example/terms',
          website: 'https://acme.example/',
          caaIdentities: ['acme.example'],
        },
        needsExternalAccount: true,
        profiles: [{ name: 'server', description: 'for servers' }, { name: 'plain' }],
      },
    ));

  it('is at the host that the client has named', () =>
    withAcme(async (acme) => {
      const reply = await acme.send('GET', 'directory', { headers: { host: 'other.example' } });
      expect(jsonOf(reply).newNonce).toBe('https://other.example/acme/servers/new-nonce');
      expect(reply.links).toEqual(['<https://other.example/acme/servers/directory>;rel="index"']);
    }));

  it('is 404 for a label that stands for nothing, and for a policy that is not open to ACME', () =>
    withAcme(
      async (acme) => {
        const unknown = await acme.send('GET', 'https://acme.example/acme/unknown/directory');
        expect(refusalOf(unknown)).toBe('404 malformed');
        const closed = await acme.send('GET', 'directory');
        expect(refusalOf(closed)).toBe('404 malformed');
        expect(closed.links).toEqual([`<${base}/directory>;rel="index"`]);
      },
      { methods: ['est'] },
    ));

  it('is linked to by no answer where the label stands for nothing, whatever is in it', () =>
    withAcme(async (acme) => {
      for (const label of [
        'unknown',
        '%00',
        '%0d%0ax',
        '%E2%80%A8',
        'x%3E;rel=%22alternate%22,%3Chttps:%2F%2Fother.example',
      ]) {
        const reply = await acme.send('GET', `https://acme.example/acme/${label}/directory`);
        expect(refusalOf(reply)).toBe('404 malformed');
        expect(reply.links).toEqual([]);
      }
    }));

  it('is also fetched by POST-as-GET (6.3)', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      expect(jsonOf(await account.ask('directory')).newOrder).toBe(`${base}/new-order`);
      expect((await account.ask('new-nonce')).status).toBe(204);
    }));
});

describe('newNonce (RFC 8555 7.2)', () => {
  it.each([
    ['HEAD', 200],
    ['GET', 204],
  ])('answers %s with %d, a nonce and no body, and no cache may keep it', (method, status) =>
    withAcme(async (acme) => {
      const reply = await acme.send(method, 'new-nonce');
      expect(reply).toMatchObject({ status, body: '', headers: { 'Cache-Control': 'no-store' } });
      expect(nonceOf(reply)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(reply.links).toEqual([`<${base}/directory>;rel="index"`]);
    }),
  );
});

describe('ACME for clients in browsers (RFC 8555 6.1)', () => {
  it('answers what they ask beforehand', () =>
    withAcme(async (acme) => {
      expect(await acme.send('OPTIONS', 'new-account')).toMatchObject({
        status: 204,
        headers: {
          'Access-Control-Allow-Origin': '*',
          'Access-Control-Allow-Methods': 'POST',
          'Access-Control-Allow-Headers': 'Content-Type',
        },
      });
      expect((await acme.send('OPTIONS', 'directory')).headers['Access-Control-Allow-Methods']).toBe('GET, HEAD, POST');
      const paths = new Set(acme.handler.routes.map(({ path }) => path));
      const asked = acme.handler.routes.filter(({ method }) => method === 'OPTIONS').map(({ path }) => path);
      expect(new Set(asked)).toEqual(paths);
    }));

  it('lets them see the headers of answers and refusals, without the names that getssl takes for such headers', () =>
    withAcme(async (acme) => {
      for (const reply of [await acme.send('GET', 'directory'), await acme.post('new-account', '{}')]) {
        expect(reply.headers).toMatchObject({
          'Access-Control-Allow-Origin': '*',
          'Access-Control-Expose-Headers': '*',
        });
      }
    }));
});

describe('the routes of ACME', () => {
  it('are on TLS only, and take no large bodies', () =>
    withAcme(async ({ handler }) => {
      expect(handler.routes.some(({ plainHttp }) => plainHttp)).toBe(false);
      expect(handler.routes.every(({ bodyLimit }) => bodyLimit <= 65_536)).toBe(true);
      expect(new Set(handler.routes.map(({ path }) => path.replace('/acme/:label/', '')))).toEqual(
        new Set([
          ...['directory', 'new-nonce', 'new-account', 'new-order', 'new-authz', 'revoke-cert', 'key-change'],
          ...['account/:id', 'account/:id/orders', 'order/:id', 'order/:id/finalize', 'authorization/:id'],
          ...['challenge/:id/:type', 'certificate/:id', 'certificate/:id/:chain', 'renewal-info/:certificate'],
        ]),
      );
    }));
});
