import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { errorCodes, GatewayError } from '../../../src/errors.js';
import { httpStatuses } from '../../../src/http/text-answer.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { toPem } from '../../../src/x509/pem.js';
import { deviceKey, makeCsr, rsaKey, spkiOf } from '../../support/make-csr.js';
import { base64, basic, createFakeGateway, issued } from './fake-gateway.js';

const clientChain = [Uint8Array.of(0x30, 0)];
const tls = { clientChain, channelBinding: () => undefined };
const fixture = (name: string): Uint8Array => readFileSync(`fixtures/x509/${name}`);
const dns = [{ type: 'dns', value: 'device-1.example' }] as const;

describe('EST /simpleenroll (RFC 7030 4.2.1)', () => {
  it('asks the core for what the request says', async () => {
    const gateway = createFakeGateway();
    const reply = await gateway.post('simpleenroll', base64(makeCsr({ alternatives: dns })), {
      params: { label: 'quickstart~group' },
      headers: { authorization: basic('', 'pass:wörd') },
      tls,
    });
    expect(reply.status).toBe(200);
    expect(gateway.refusals).toEqual([]);
    expect(gateway.requests).toEqual([
      {
        protocol: 'est',
        label: 'quickstart~group',
        operation: 'enroll',
        transactionId: expect.stringMatching(/^[0-9a-f]{64}$/),
        requested: {
          subjectPublicKeyInfo: spkiOf(deviceKey),
          subject: encodeName(parseName('CN=device-1')),
          extensions: [{ id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(dns) }],
          requestHash: 'sha256',
        },
        credentials: [
          { kind: 'password', username: '', password: 'pass:wörd' },
          { kind: 'certificate', chain: clientChain, proof: 'tls' },
        ],
        remoteAddress: '192.0.2.1',
        requestId: 'request-1',
      },
    ]);
  });

  it('answers the issued certificate alone, in one line of base64 (RFC 7030 4.2.3, RFC 8951)', async () => {
    const reply = await createFakeGateway().post('simpleenroll', base64(makeCsr()));
    expect(reply.headers).toEqual({
      'Content-Type': 'application/pkcs7-mime; smime-type=certs-only',
      'Content-Transfer-Encoding': 'base64',
    });
    expect(reply.body).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(decodeCertsOnly(Buffer.from(String(reply.body), 'base64'))).toEqual([issued.certificate]);
  });

  it('passes no credential and no label where there is none: the core decides what that means', async () => {
    const gateway = createFakeGateway();
    await gateway.post('simpleenroll', base64(makeCsr()), { tls: { ...tls, clientChain: [] } });
    expect(gateway.requests[0]?.credentials).toEqual([]);
    expect(gateway.requests[0]).not.toHaveProperty('label');
  });

  const der = makeCsr();
  it.each([
    ['base64 in lines', base64(der).replace(/.{64}/g, '$&\r\n')],
    ['base64 with blanks and tabs', ` ${base64(der).replace(/.{10}/g, '$& \t')}\n`],
    ['PEM', toPem('CERTIFICATE REQUEST', der)],
    ['PEM with the old label', toPem('NEW CERTIFICATE REQUEST', der).replaceAll('\n', '\r\n')],
    ['DER', der],
  ])('accepts %s', async (_, body) => {
    const gateway = createFakeGateway();
    expect((await gateway.post('simpleenroll', body)).status).toBe(200);
    expect(gateway.requests[0]?.requested.subjectPublicKeyInfo).toEqual(spkiOf(deviceKey));
  });

  it('takes no notice of Content-Transfer-Encoding (RFC 8951 3)', async () => {
    const headers = { 'content-transfer-encoding': 'binary' };
    expect((await createFakeGateway().post('simpleenroll', base64(der), { headers })).status).toBe(200);
  });

  it.each(['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519', 'rsa-pss', 'ec-compressed'])(
    'accepts the request of openssl with %s',
    async (name) => {
      const gateway = createFakeGateway({ policy: { est: { challengePassword: 'ignore' } } });
      expect(await gateway.post('simpleenroll', base64(fixture(`${name}.csr.der`)))).toMatchObject({ status: 200 });
    },
  );

  it.each(['application/pkcs10; charset=utf-8', 'APPLICATION/PKCS10'])('accepts Content-Type %s', async (type) => {
    const headers = { 'content-type': type };
    expect((await createFakeGateway().post('simpleenroll', base64(der), { headers })).status).toBe(200);
  });

  it.each([undefined, 'application/pkcs7-mime', 'application/pkcs10x', 'text/plain', ''])(
    'refuses Content-Type %s with 415',
    async (type) => {
      const gateway = createFakeGateway();
      const reply = await gateway.post('simpleenroll', base64(der), { headers: { 'content-type': type } });
      expect(reply.status).toBe(415);
      expect(gateway.requests).toEqual([]);
      expect(gateway.refusals).toMatchObject([{ operation: 'simpleenroll', code: 'malformed-request' }]);
    },
  );
});

describe('EST requests that are refused before the core sees them', () => {
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const withoutKey = makeCsr({ subjectPublicKeyInfo: sequence() });
  const csr = makeCsr();
  it.each([
    ['an empty body', '', 'malformed-request'],
    ['no base64', '%%%%', 'malformed-request'],
    ['base64 without padding', base64(csr).replace(/=+$/, '').slice(0, -1), 'malformed-request'],
    ['armour of another kind', toPem('CERTIFICATE', csr), 'malformed-request'],
    ['armour without an end', toPem('CERTIFICATE REQUEST', csr).slice(0, -30), 'malformed-request'],
    ['a truncated request', csr.subarray(0, -1), 'malformed-request'],
    ['trailing bytes', Buffer.concat([csr, Buffer.of(0)]), 'malformed-request'],
    ['a key that is none', withoutKey, 'malformed-request'],
    ['explicit EC parameters', fixture('ec-explicit-parameters.csr.der'), 'unacceptable-key'],
    ['the signature of another key', makeCsr({ signedBy: otherKey }), 'invalid-proof-of-possession'],
    ['a signature of another kind of key', makeCsr({ signedBy: rsaKey }), 'invalid-proof-of-possession'],
  ])('%s', async (_, body, code) => {
    const gateway = createFakeGateway({ policy: { est: { challengePassword: 'ignore' } } });
    const reply = await gateway.post('simpleenroll', body, { params: { label: 'a' } });
    expect(reply.status).toBe(400);
    expect(reply.headers['Content-Type']).toBe('text/plain; charset=utf-8');
    expect(reply.body).toMatch(/^[a-z].*[^.]\n$/);
    expect(gateway.requests).toEqual([]);
    expect(gateway.refusals).toEqual([
      {
        protocol: 'est',
        label: 'a',
        operation: 'simpleenroll',
        code,
        reason: String(reply.body).trimEnd(),
        remoteAddress: '192.0.2.1',
        requestId: 'request-1',
      },
    ]);
  });

  it('a signature algorithm that nobody knows is unsupported-algorithm', async () => {
    const gateway = createFakeGateway();
    const unknown = Buffer.from(csr);
    // ecdsa-with-SHA256, the last octet of which becomes 9.
    unknown[unknown.lastIndexOf(Buffer.from('2a8648ce3d040302', 'hex')) + 7] = 9;
    expect((await gateway.post('simpleenroll', unknown)).status).toBe(400);
    expect(gateway.refusals[0]?.code).toBe('unsupported-algorithm');
  });

  it('an unknown label is 404 and recorded', async () => {
    const gateway = createFakeGateway();
    const reply = await gateway.post('simpleenroll', base64(csr), { params: { label: 'unknown' } });
    expect(reply.status).toBe(404);
    expect(gateway.refusals).toMatchObject([{ label: 'unknown', code: 'not-found' }]);
  });

  it('never answers 500, whatever the body is', async () => {
    const gateway = createFakeGateway({ result: { ...issued, generatedKey: { pkcs8: Uint8Array.of(0x30, 0) } } });
    const operations = ['simpleenroll', 'simplereenroll', 'serverkeygen'];
    const mutated = fc
      .tuple(fc.nat({ max: csr.length - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => csr.map((octet, i) => (i === at ? octet ^ bits : octet)));
    const truncated = fc.nat({ max: csr.length - 1 }).map((length) => csr.subarray(0, length));
    const bodies = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, truncated);
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(...operations), fc.boolean(), async (body, operation, encoded) => {
        const reply = await gateway.post(operation, encoded ? base64(body) : body);
        expect([200, 400]).toContain(reply.status);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('EST transactions (RFC 7030 4.2.3)', () => {
  async function idOf(csr: Uint8Array, operation = 'simpleenroll'): Promise<string | undefined> {
    const gateway = createFakeGateway({ policy: { est: { challengePassword: 'ignore' } } });
    await gateway.post(operation, base64(csr));
    return gateway.requests[0]?.transactionId;
  }

  it('are the same for the same key and names, whatever signature and challengePassword are', async () => {
    const first = await idOf(makeCsr({ alternatives: dns, challengePassword: 'one' }));
    expect(await idOf(makeCsr({ alternatives: dns, challengePassword: 'two', hash: 'sha384' }))).toBe(first);
  });

  it('differ with key, subject, alternative names and operation', async () => {
    const ids = [
      await idOf(makeCsr()),
      await idOf(makeCsr({ key: rsaKey })),
      await idOf(makeCsr({ subject: 'CN=device-2' })),
      await idOf(makeCsr({ alternatives: dns })),
      await idOf(makeCsr(), 'simplereenroll'),
      await idOf(makeCsr(), 'serverkeygen'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('EST answers to what the core says', () => {
  const post = (result: GatewayError, acceptsPasswords = true) =>
    createFakeGateway({ result, policy: { acceptsPasswords } }).post('simpleenroll', base64(makeCsr()));

  it('202 and Retry-After while the request waits (RFC 7030 4.2.3)', async () => {
    const result = { outcome: 'pending', requestId: 'r', retryAfterSeconds: 90 } as const;
    const reply = await createFakeGateway({ result }).post('simpleenroll', base64(makeCsr()));
    expect(reply).toMatchObject({ status: 202, headers: { 'Retry-After': '90' } });
    expect(reply.body).toContain('approval');
  });

  it.each(errorCodes.filter((code) => code !== 'internal'))('%s in plain text under its status', async (code) => {
    const gateway = createFakeGateway({ result: new GatewayError(code, 'Why.'), policy: { acceptsPasswords: false } });
    const reply = await gateway.post('simpleenroll', base64(makeCsr()));
    expect(reply).toMatchObject({ status: httpStatuses[code], body: 'Why.\n' });
    expect(reply.headers['Content-Type']).toBe('text/plain; charset=utf-8');
    // The core has its own record of what it refuses.
    expect(gateway.refusals).toEqual([]);
  });

  it('401 for a bad secret where a password helps, 403 where it does not', async () => {
    const error = new GatewayError('bad-secret', 'The passcode is wrong.');
    const reply = await post(error);
    expect(reply.status).toBe(401);
    expect(reply.headers['WWW-Authenticate']).toBe('Basic realm="estrealm", charset="UTF-8"');
    const other = await post(error, false);
    expect(other.status).toBe(403);
    expect(other.headers).not.toHaveProperty('WWW-Authenticate');
  });

  it.each(['rate-limited', 'unavailable'] as const)('Retry-After with %s', async (code) => {
    expect((await post(new GatewayError(code, 'Later.', { retryAfterSeconds: 1.5 }))).headers['Retry-After']).toBe('2');
    expect((await post(new GatewayError(code, 'Later.'))).headers['Retry-After']).toBe('60');
  });

  it('500 with a fixed text and the request id for what nobody foresaw', async () => {
    const result = new GatewayError('internal', 'database secret');
    const reply = await createFakeGateway({ result }).post('simpleenroll', base64(makeCsr()));
    expect(reply.status).toBe(500);
    expect(reply.body).toContain('request-1');
    expect(reply.body).not.toContain('secret');
  });
});

describe('EST /simplereenroll (RFC 7030 4.2.2)', () => {
  it('is a re-enrollment with the same wishes', async () => {
    const gateway = createFakeGateway();
    expect((await gateway.post('simplereenroll', base64(makeCsr()), { tls })).status).toBe(200);
    expect(gateway.requests).toMatchObject([
      { operation: 'reenroll', credentials: [{ kind: 'certificate', proof: 'tls' }] },
    ]);
    expect(gateway.requests[0]).not.toHaveProperty('changesNames');
  });
});

describe('EST transaction ids', () => {
  it('hold nothing that another field could be mistaken for', async () => {
    const gateway = createFakeGateway();
    await gateway.post('simpleenroll', base64(makeCsr()));
    const subject = encodeName(parseName('CN=device-1'));
    const expected = createHash('sha256').update('enroll\0').update(spkiOf(deviceKey)).update(subject).digest('hex');
    expect(gateway.requests[0]?.transactionId).toBe(expected);
  });
});
