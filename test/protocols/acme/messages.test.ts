import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { GatewayError, HttpError } from '../../../src/errors.js';
import type { Reply } from '../../../src/protocol.js';
import {
  type AcmeGateway,
  acmeOnOneStore,
  base,
  flipped,
  jsonOf,
  nonceOf,
  problemOf,
  refusalOf,
} from './acme-gateway.js';
import { type Algorithm, base64url, type Jws, makeJws, makeSigner } from './signer.js';

const withAcme = acmeOnOneStore();
const signer = makeSigner();
const url = `${base}/new-account`;

async function goodJws(acme: AcmeGateway, payload: unknown = {}): Promise<Jws> {
  return makeJws(signer, { nonce: await acme.nonce(), url, jwk: signer.jwk }, payload);
}

describe('messages of ACME (RFC 8555 6.2)', () => {
  it.each<Algorithm>(['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'])('may be signed with %s', (algorithm) =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({}, makeSigner(algorithm));
      expect(jsonOf(await account.ask(account.path)).status).toBe('valid');
    }),
  );

  it.each([undefined, 'application/json', 'application/jose', 'text/plain; x=application/jose+json'])(
    'are 415 as %s',
    (type) =>
      withAcme(async (acme) => {
        const reply = await acme.post('new-account', await goodJws(acme), { headers: { 'content-type': type } });
        expect(refusalOf(reply)).toBe('415 malformed');
      }),
  );

  it('may say more about their media type', () =>
    withAcme(async (acme) => {
      const headers = { 'content-type': 'Application/JOSE+JSON; charset=utf-8' };
      expect((await acme.post('new-account', await goodJws(acme), { headers })).status).toBe(201);
    }));

  it.each<[string, (jws: Jws) => unknown]>([
    ['no JSON', () => 'hello'],
    ['an empty body', () => ''],
    ['a list', (jws) => [jws]],
    ['compact serialization', (jws) => `${jws.protected}.${jws.payload}.${jws.signature}`],
    ['an unprotected header', (jws) => ({ ...jws, header: { kid: 'x' } })],
    ['a list of signatures', ({ payload, ...one }) => ({ payload, signatures: [one] })],
    ['a list of signatures beside the one', (jws) => ({ ...jws, signatures: [] })],
    ['no payload (detached)', ({ payload, ...jws }) => jws],
    ['no signature', ({ signature, ...jws }) => jws],
    ['an empty signature', (jws) => ({ ...jws, signature: '' })],
    ['a signature that is a list', (jws) => ({ ...jws, signature: [jws.signature] })],
    ['padding', (jws) => ({ ...jws, signature: `${jws.signature}==` })],
    ['base64 that is not base64url', (jws) => ({ ...jws, payload: 'e30+' })],
    ['spare bits', (jws) => ({ ...jws, payload: 'e31' })],
    ['a header that is no object', (jws) => ({ ...jws, protected: base64url('[]') })],
    ['a payload that was changed', (jws) => ({ ...jws, payload: base64url('{"contact":[]}') })],
    ['a signature that was changed', (jws) => flipped(jws, 'signature')],
    [
      'a signature by another key',
      (jws) => ({ ...jws, signature: makeSigner().sign(`${jws.protected}.${jws.payload}`) }),
    ],
    ['deep JSON', () => '['.repeat(60_000)],
  ])('are malformed with %s, and use up no nonce', (_, change) =>
    withAcme(async (acme) => {
      const jws = await goodJws(acme);
      expect(refusalOf(await acme.post('new-account', change(jws)))).toBe('400 malformed');
      expect(acme.refusals).toMatchObject([{ protocol: 'acme', operation: 'newAccount', label: 'servers' }]);
      expect(acme.openings).toEqual([]);
      expect((await acme.post('new-account', jws)).status).toBe(201);
    }),
  );

  it.each<[string, object, string]>([
    ['crit', { crit: ['exp'], exp: 1 }, 'malformed'],
    ['an empty crit', { crit: [] }, 'malformed'],
    ['b64', { b64: true }, 'malformed'],
    ['no alg', { alg: undefined }, 'malformed'],
    ['an alg that is a list', { alg: ['ES256'] }, 'malformed'],
    ['no url', { url: undefined }, 'malformed'],
    ['no key', { jwk: undefined }, 'malformed'],
    ['a kid in place of the key', { jwk: undefined, kid: `${base}/account/1` }, 'malformed'],
    ['a kid beside the key', { kid: `${base}/account/1` }, 'malformed'],
    ['a kid that is no text', { kid: 1 }, 'malformed'],
    ['a key that is no object', { jwk: 'key' }, 'malformed'],
    ['a private key', { jwk: signer.privateKey.export({ format: 'jwk' }) }, 'badPublicKey'],
    ['a key of another curve than alg says', { jwk: makeSigner('ES384').jwk }, 'badPublicKey'],
    ['a key of another kind than alg says', { jwk: makeSigner('RS256').jwk }, 'badPublicKey'],
    ['a point off the curve', { jwk: { ...signer.jwk, y: signer.jwk.x } }, 'badPublicKey'],
    ['a nonce that is not base64url', { nonce: 'not a nonce' }, 'malformed'],
    ['a nonce of somebody else', { nonce: 'A'.repeat(43) }, 'badNonce'],
    ['no nonce', { nonce: undefined }, 'badNonce'],
  ])('are refused with %s in the protected header: %j is %s', (_, header, type) =>
    withAcme(async (acme) => {
      const jws = makeJws(signer, { nonce: await acme.nonce(), url, jwk: signer.jwk, ...header }, {});
      expect(refusalOf(await acme.post('new-account', jws))).toBe(`400 ${type}`);
      expect(acme.openings).toEqual([]);
    }),
  );

  it('ignore what they do not know in the header and beside it (RFC 7515 4, 7.2.2)', () =>
    withAcme(async (acme) => {
      const header = { nonce: await acme.nonce(), url, jwk: signer.jwk, typ: 'JOSE', cty: 'x', further: [{}] };
      const reply = await acme.post('new-account', { ...makeJws(signer, header, { further: {} }), more: 1 });
      expect(reply.status).toBe(201);
    }));

  it.each(['none', 'HS256', 'HS512', 'RS384', 'PS256', 'ES256K', 'es256', 'RS1', 'constructor'])(
    'are badSignatureAlgorithm with %s, which names those that would do',
    (alg) =>
      withAcme(async (acme) => {
        const jws = makeJws(signer, { nonce: await acme.nonce(), url, jwk: signer.jwk, alg }, {});
        const reply = await acme.post('new-account', jws);
        expect(refusalOf(reply)).toBe('400 badSignatureAlgorithm');
        expect(problemOf(reply).algorithms).toEqual(['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA']);
      }),
  );

  it('are no MACs by a public key (algorithm confusion)', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({}, makeSigner('RS256'));
      const secret = JSON.stringify(account.signer.jwk);
      const mac = (input: string) => createHmac('sha256', secret).update(input).digest('base64url');
      for (const algorithm of ['HS256', 'none', 'ES256', 'EdDSA'] as const) {
        const header = { alg: algorithm, nonce: await acme.nonce(), url: account.url, kid: account.url };
        const reply = await acme.post(account.path, makeJws({ algorithm: 'ES256', sign: mac }, header, ''));
        expect(refusalOf(reply)).toBe('400 badSignatureAlgorithm');
      }
    }));

  it('tell the algorithm of the account where they say another', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({}, makeSigner('ES384'));
      const reply = await account.ask(account.path, undefined, { alg: 'ES256' });
      expect(refusalOf(reply)).toBe('400 badSignatureAlgorithm');
      expect(problemOf(reply).algorithms).toEqual(['ES384']);
    }));
});

describe('the url of a message (RFC 8555 6.4)', () => {
  it.each([
    ['another resource', `${base}/new-order`],
    ['another host', 'https://other.example/acme/servers/new-account'],
    ['another policy', 'https://acme.example/acme/others/new-account'],
    ['another scheme', 'http://acme.example/acme/servers/new-account'],
    ['a port', 'https://acme.example:443/acme/servers/new-account'],
    ['a query', `${url}?x`],
    ['an upper-case host', url.replace('acme.example', 'ACME.example')],
    ['an escape', url.replace('new-account', 'new%2Daccount')],
  ])('is unauthorized for %s, and the message uses up no nonce', (_, wrong) =>
    withAcme(async (acme) => {
      const header = { nonce: await acme.nonce(), jwk: signer.jwk };
      const reply = await acme.post('new-account', makeJws(signer, { ...header, url: wrong }, {}));
      expect(refusalOf(reply)).toBe('403 unauthorized');
      expect(problemOf(reply).detail).toContain(url);
      expect((await acme.post('new-account', makeJws(signer, { ...header, url }, {}))).status).toBe(201);
    }),
  );

  it('is that of the host and with the query that the message is sent to', () =>
    withAcme(async (acme) => {
      const there = 'https://other.example/acme/servers/new-account';
      const jws = makeJws(signer, { nonce: await acme.nonce(), url: there, jwk: signer.jwk }, {});
      const reply = await acme.post('new-account', jws, { headers: { host: 'other.example' } });
      expect(reply).toMatchObject({ status: 201 });
      expect(reply.headers.Location).toMatch(/^https:\/\/other\.example\/acme\/servers\/account\//);
      const account = await acme.openAccount();
      expect((await account.ask(`${account.path}?x=1`)).status).toBe(200);
      expect(refusalOf(await account.ask(`${account.path}?x=1`, undefined, { url: account.url }))).toBe(
        '403 unauthorized',
      );
    }));
});

describe('the kid of a message (RFC 8555 6.2)', () => {
  it.each([
    ['an unknown account', `${base}/account/nobody`, '400 accountDoesNotExist'],
    ['no account', `${base}/account/`, '400 accountDoesNotExist'],
    ['the id alone', 'nobody', '400 malformed'],
    ['another server', 'https://evil.example/acme/servers/account/nobody', '400 malformed'],
    ['another directory', 'https://acme.example/acme/others/account/nobody', '400 malformed'],
  ])('of %s is refused: %s is %s', (_, kid, refusal) =>
    withAcme(async (acme) => {
      expect(refusalOf(await acme.ask(signer, 'account/nobody', undefined, { kid }))).toBe(refusal);
    }),
  );

  it('is none of another policy, where its id is unknown', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      const there = `https://acme.example/acme/others/${account.path}`;
      expect(refusalOf(await acme.ask(account.signer, there, undefined, { kid: there }))).toBe(
        '400 accountDoesNotExist',
      );
    }));

  it('is refused where the key of another account signs', () =>
    withAcme(async (acme) => {
      const [one, other] = [await acme.openAccount(), await acme.openAccount()];
      const nonce = await acme.nonce();
      expect(refusalOf(await one.ask(other.path, undefined, { kid: other.url, nonce }))).toBe('400 malformed');
      // Nobody has signed it: the nonce is still good.
      expect((await other.ask(other.path, undefined, { nonce })).status).toBe(200);
    }));

  it('is needed where an account has to sign', () =>
    withAcme(async (acme) => {
      const { jwk } = signer;
      expect(refusalOf(await acme.ask(signer, 'new-order', {}, { jwk }))).toBe('400 malformed');
    }));
});

describe('nonces in messages (RFC 8555 6.5)', () => {
  it('are good once, and the refusal brings one that is good', () =>
    withAcme(async (acme) => {
      const jws = await goodJws(acme);
      expect((await acme.post('new-account', jws)).status).toBe(201);
      const again = await acme.post('new-account', jws);
      expect(refusalOf(again)).toBe('400 badNonce');
      expect(again.refusal).toMatchObject({ code: 'stale-message' });
      const fresh = makeJws(signer, { nonce: nonceOf(again), url, jwk: signer.jwk }, {});
      expect((await acme.post('new-account', fresh)).status).toBe(200);
    }));

  it('are no news for the audit log where they are stale', () =>
    withAcme(async (acme) => {
      const jws = await goodJws(acme);
      await acme.post('new-account', jws);
      await acme.post('new-account', jws);
      expect(acme.refusals).toEqual([]);
    }));

  it('let one of fifty copies of a message through', () =>
    withAcme(async (acme) => {
      const jws = await goodJws(acme);
      const replies = await Promise.all(Array.from({ length: 50 }, () => acme.post('new-account', jws)));
      expect(replies.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 400).map(refusalOf)).toEqual(Array(49).fill('400 badNonce'));
    }));
});

describe('payloads (RFC 8555 6.3)', () => {
  it.each(['order/1', 'account/1/orders', 'certificate/1', 'certificate/1/2', 'directory'])(
    'are empty for what is only fetched: %s',
    (path) =>
      withAcme(async (acme) => {
        const account = await acme.openAccount();
        for (const payload of ['{}', 'null', ' ']) {
          expect(refusalOf(await account.ask(path, payload))).toBe('400 malformed');
        }
      }),
  );

  it.each(['new-order', 'new-authz', 'revoke-cert', 'key-change', 'order/1/finalize'])(
    'are not empty for what is done: %s',
    (path) =>
      withAcme(async (acme) => {
        const account = await acme.openAccount();
        expect(refusalOf(await account.ask(path))).toBe('400 malformed');
      }),
  );

  it.each(['[]', 'null', '"x"', '{', '\u0000', `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`])(
    'are JSON objects: %j is malformed',
    (payload) =>
      withAcme(async (acme) => {
        expect(refusalOf(await acme.post('new-account', await goodJws(acme, payload)))).toBe('400 malformed');
      }),
  );
});

describe('every answer of ACME', () => {
  it('has a link to the directory, a fresh nonce, and is kept by nobody', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      const replies: Reply[] = [
        await acme.send('GET', 'directory'),
        await account.ask(account.path),
        await acme.post('new-account', 'garbage'),
        await acme.post('new-account', '{}', { headers: { 'content-type': 'text/plain' } }),
        acme.handler.failure(new HttpError(405, 'unsupported-operation', 'PUT is not answered here'), lost),
        acme.handler.failure(new HttpError(413, 'malformed-request', 'the request body is too large'), lost),
        acme.handler.failure(new Error('broken'), lost),
      ];
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 400, 415, 405, 413, 500]);
      for (const reply of replies) {
        expect(reply.links).toEqual([`<${base}/directory>;rel="index"`]);
        expect(reply.headers['Cache-Control']).toBe('no-store');
      }
      expect(new Set(replies.map(nonceOf)).size).toBe(replies.length);
    }));

  it('says of a failure no more than where its cause is found', () =>
    withAcme(async (acme) => {
      const reply = acme.handler.failure(new Error('secret'), lost);
      expect(problemOf(reply)).toEqual({
        type: 'urn:ietf:params:acme:error:serverInternal',
        detail: 'the gateway failed; its operator finds the cause under request request-9',
        status: 500,
      });
      const busy = acme.handler.failure(new GatewayError('unavailable', 'the database is busy'), lost);
      expect(refusalOf(busy)).toBe('503 serverInternal');
      expect(busy.headers['Retry-After']).toBe('60');
      expect(refusalOf(acme.handler.failure(new HttpError(405, 'unsupported-operation', 'no'), lost))).toBe(
        '405 malformed',
      );
    }));

  it('has no link where the label stands for no directory', () =>
    withAcme(async (acme) => {
      const reply = await acme.post('https://acme.example/acme/unknown/new-account', await goodJws(acme));
      expect(refusalOf(reply)).toBe('404 malformed');
      expect(acme.refusals).toMatchObject([{ label: 'unknown', code: 'not-found' }]);
    }));
});

const lost = { requestId: 'request-9', params: { label: 'servers' }, headers: { host: 'acme.example' } };
