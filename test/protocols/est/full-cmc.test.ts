import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idCmcIdentityProofV2, idCmcQueryPending, idCmcTransactionId } from '../../../protocols/est/cmc.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { GatewayError } from '../../../src/errors.js';
import type { Reply } from '../../../src/protocol.js';
import { octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from '../../src/cms/openssl.js';
import { makeCsr, rsaKey } from '../../support/make-csr.js';
import { control, createCsr, octets, pkiData, signRequest, taggedRequest } from './cmc-messages.js';
import { base64, basic, createFakeGateway, type FakeOptions, issued } from './fake-gateway.js';

let openssl: OpenSsl;
let gatewayKey: Identity;
let client: Identity;

beforeAll(() => {
  openssl = createOpenSsl();
  gatewayKey = createIdentity(openssl, 'gateway', 'rsa');
  client = createIdentity(openssl, 'client', 'P-256');
});
afterAll(() => openssl.remove());

function create(options: FakeOptions = {}) {
  const { certificate, signer } = gatewayKey;
  const serviceKey = {
    certificate,
    chain: [certificate],
    algorithm: 'rsa',
    sign: (data: Uint8Array, hash: 'sha256' | 'sha384' | 'sha512') => signer.sign(data, hash),
  } as const;
  const [issuedCertificate] = [gatewayKey.certificate];
  return createFakeGateway({
    serviceKey,
    result: { ...issued, certificate: issuedCertificate, chain: [] },
    ...options,
  });
}

function message(csr = makeCsr(), controls = [control(1, idCmcTransactionId, smallInteger(300))]): Uint8Array {
  return signRequest(openssl, 'client', pkiData(controls, [taggedRequest(7, csr)]));
}

/** Verifies the response with openssl and returns its PKIResponse as openssl shows it. */
function open(reply: Reply): string {
  expect(reply.headers['Content-Type']).toBe('application/pkcs7-mime; smime-type=CMC-response');
  openssl.write('response.der', Buffer.from(String(reply.body), 'base64'));
  const content = openssl.run(
    ...[
      'cms',
      '-verify',
      '-inform',
      'DER',
      '-in',
      'response.der',
      '-binary',
      '-CAfile',
      'gateway.pem',
      '-purpose',
      'any',
    ],
  );
  openssl.write('content.der', content);
  return openssl.run('asn1parse', '-inform', 'DER', '-in', 'content.der').toString();
}

/** CMCStatus, and CMCFailInfo where there is one: the INTEGERs of the status control. */
function statusOf(reply: Reply): { status: number; bodyPart: number; failInfo: number | undefined } {
  const text = open(reply);
  const numbers = [...text.matchAll(/INTEGER\s+:([0-9A-F]+)/g)].map(([, hex]) => Number.parseInt(hex ?? '', 16));
  const [, status = -1, bodyPart = -1, failInfo] = numbers;
  return { status, bodyPart, failInfo };
}

describe('EST /fullcmc (RFC 7030 4.3)', () => {
  it('asks the core in the name of who signed the message', async () => {
    const gateway = create();
    const reply = await gateway.post('fullcmc', base64(message()), { headers: { authorization: basic('u', 'p') } });
    expect(reply.status).toBe(200);
    expect(gateway.requests).toMatchObject([
      {
        protocol: 'est',
        operation: 'enroll',
        requested: { requestHash: 'sha256' },
        credentials: [
          { kind: 'password', username: 'u', password: 'p' },
          { kind: 'certificate', proof: 'message', chain: [client.certificate] },
        ],
      },
    ]);
  });

  it('takes the TLS client for the requester where both are the same, with the chain of TLS', async () => {
    const gateway = create();
    const tls = { clientChain: [client.certificate, gatewayKey.certificate], channelBinding: () => undefined };
    await gateway.post('fullcmc', base64(message()), { tls });
    expect(gateway.requests[0]?.credentials).toEqual([{ kind: 'certificate', proof: 'tls', chain: tls.clientChain }]);
  });

  it('lets the signer of the message speak, not another TLS client', async () => {
    const gateway = create();
    const tls = { clientChain: [gatewayKey.certificate], channelBinding: () => undefined };
    await gateway.post('fullcmc', base64(message()), { tls });
    expect(gateway.requests[0]?.credentials).toMatchObject([{ proof: 'message', chain: [client.certificate] }]);
  });

  it('answers success for the body part, with the certificate and the transaction', async () => {
    const reply = await create().post('fullcmc', base64(message()));
    expect(statusOf(reply)).toMatchObject({ status: 0, bodyPart: 7 });
    expect(open(reply)).toMatch(/INTEGER\s+:012C/);
    const { certificates } = decodeSignedData(Buffer.from(String(reply.body), 'base64'));
    expect(certificates).toEqual([gatewayKey.certificate]);
  });

  it('answers pending under 202 with Retry-After', async () => {
    const result = { outcome: 'pending', requestId: 'r', retryAfterSeconds: 60 } as const;
    const reply = await create({ result }).post('fullcmc', base64(message()));
    expect(reply).toMatchObject({ status: 202, headers: { 'Retry-After': '60' } });
    expect(statusOf(reply)).toMatchObject({ status: 3, bodyPart: 7 });
  });

  it.each([
    ['rejected-name', 400, 2],
    ['unacceptable-key', 400, 2],
    ['bad-secret', 401, 7],
    ['untrusted-signer', 403, 1],
    ['rate-limited', 429, 12],
  ] as const)('answers %s as CMCFailInfo under its HTTP status', async (code, status, failInfo) => {
    const gateway = create({ result: new GatewayError(code, 'Why.') });
    const reply = await gateway.post('fullcmc', base64(message()));
    expect(reply.status).toBe(status);
    expect(statusOf(reply)).toEqual({ status: 2, bodyPart: 7, failInfo });
    expect(open(reply)).toContain('Why.');
    expect(gateway.refusals).toEqual([]);
  });

  it.each<[string, () => Uint8Array, string, number, number]>([
    [
      'a PKCS #10 request signed by another key',
      () => message(makeCsr({ signedBy: rsaKey })),
      'invalid-proof-of-possession',
      7,
      9,
    ],
    ['a malformed PKCS #10 request', () => message(sequence()), 'malformed-request', 7, 2],
    ['a signature that fails', () => tampered(message()), 'invalid-signature', 0, 1],
    ['no request at all', () => Uint8Array.of(0x30, 0x80), 'malformed-request', 0, 2],
  ])('refuses %s', async (_, body, code, bodyPart, failInfo) => {
    const gateway = create();
    const reply = await gateway.post('fullcmc', body());
    expect(reply.status).toBe(400);
    expect(statusOf(reply)).toEqual({ status: 2, bodyPart, failInfo });
    expect(gateway.requests).toEqual([]);
    expect(gateway.refusals).toMatchObject([{ operation: 'fullcmc', code }]);
  });

  it('refuses an identity proof, which it cannot verify', async () => {
    const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'));
    const hmac = sequence(oid('1.2.840.113549.2.9'));
    const proof = control(1, idCmcIdentityProofV2, sequence(sha256, hmac, octetString(new Uint8Array(32))));
    const gateway = create();
    const reply = await gateway.post('fullcmc', base64(message(makeCsr(), [proof])));
    expect(reply.status).toBe(401);
    expect(statusOf(reply)).toEqual({ status: 2, bodyPart: 1, failInfo: 7 });
    expect(gateway.requests).toEqual([]);
  });

  it('answers Query Pending with what has become of the request (RFC 5272 6.13)', async () => {
    const gateway = create();
    const query = signRequest(openssl, 'client', pkiData([control(1, idCmcQueryPending, octets('token'))], []));
    const reply = await gateway.post('fullcmc', base64(query));
    expect(statusOf(reply)).toMatchObject({ status: 0, bodyPart: 1 });
    expect(gateway.requests).toEqual([]);
    expect(gateway.polls).toMatchObject([
      { pending: { requestId: 'token', credentials: [{ kind: 'certificate', proof: 'message' }] } },
    ]);
  });

  it('answers Query Pending for what nobody asked for as a failure', async () => {
    const gateway = create({ result: new GatewayError('not-found', 'no such request') });
    const query = signRequest(openssl, 'client', pkiData([control(1, idCmcQueryPending, octets('token'))], []));
    const reply = await gateway.post('fullcmc', base64(query));
    expect(reply.status).toBe(404);
    expect(statusOf(reply)).toMatchObject({ status: 2, bodyPart: 1 });
  });

  it('demands a challengePassword, where the policy does, of a request that only its own key has signed', async () => {
    const policy = { est: { challengePassword: 'require' } } as const;
    const csr = createCsr(openssl, 'client');
    const data = pkiData([], [taggedRequest(7, csr)]);
    const unlinked = signRequest(openssl, 'client', data, '-keyid', '-nocerts');
    const headers = { authorization: basic('device', 'passcode') };
    expect((await create().post('fullcmc', base64(unlinked), { headers })).status).toBe(200);
    const reply = await create({ policy }).post('fullcmc', base64(unlinked), { headers });
    expect(reply.status).toBe(400);
    expect(statusOf(reply)).toMatchObject({ status: 2, failInfo: 9 });
  });

  it('checks a challengePassword and demands none of a message that a certificate has signed', async () => {
    const policy = { est: { challengePassword: 'require' } } as const;
    expect((await create({ policy }).post('fullcmc', base64(message()))).status).toBe(200);
    const tls = { clientChain: [], channelBinding: () => new Uint8Array(32) };
    const wrong = message(makeCsr({ challengePassword: 'wrong' }));
    expect((await create({ policy }).post('fullcmc', base64(wrong), { tls })).status).toBe(400);
  });

  it.each(['application/pkcs10', 'application/pkcs7-mime; smime-type=certs-only', undefined])(
    'refuses Content-Type %s with 415 in plain text',
    async (type) => {
      const gateway = create();
      const reply = await gateway.post('fullcmc', base64(message()), { headers: { 'content-type': type } });
      expect(reply.status).toBe(415);
      expect(reply.headers['Content-Type']).toBe('text/plain; charset=utf-8');
      expect(gateway.refusals).toHaveLength(1);
    },
  );

  it('accepts a Content-Type without smime-type', async () => {
    const headers = { 'content-type': 'application/pkcs7-mime' };
    expect((await create().post('fullcmc', base64(message()), { headers })).status).toBe(200);
  });

  it('answers 404 in plain text for an unknown label', async () => {
    const reply = await create().post('fullcmc', base64(message()), { params: { label: 'unknown' } });
    expect(reply.status).toBe(404);
    expect(reply.headers['Content-Type']).toBe('text/plain; charset=utf-8');
  });

  it('never answers 500, whatever the body is', async () => {
    const good = message();
    const gateway = create();
    const mutated = fc
      .tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => good.map((octet, i) => (i === at ? octet ^ bits : octet)));
    const truncated = fc.nat({ max: good.length - 1 }).map((length) => good.subarray(0, length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, truncated), async (body) => {
        expect([200, 400, 401, 403]).toContain((await gateway.post('fullcmc', base64(body))).status);
      }),
      { numRuns: 300 },
    );
  });
});

function tampered(der: Uint8Array): Uint8Array {
  return der.map((octet, i) => (i === der.length - 1 ? octet ^ 1 : octet));
}
