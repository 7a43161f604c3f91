/** OCSP over real connections, from the certificate's state to the signed answer. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RequestedReason } from '../../../src/enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import { openCore } from '../../../src/open-core.js';
import type { RevocationRecord } from '../../../src/store/revocation-repository.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeExtKeyUsage, decodeKeyUsage } from '../../../src/x509/extensions.js';
import { decodeAuthorityInfoAccess } from '../../../src/x509/location-extensions.js';
import { final, issued, request, startCmpFleet } from '../../src/enrollment/cmp-conversation.js';
import { createEstClient } from '../../support/est-client.js';
import { applyYaml } from '../../support/fleet.js';
import { getOcsp, type OcspAnswer, postOcsp, sendOcsp } from '../../support/ocsp-client.js';
import { makeCertId, makeOcspRequest, nonceExtension, readOcspResponse } from '../../support/ocsp-message.js';
import { operator } from '../../support/operator.js';
import { eventOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
// Whole seconds, as answers have them.
const clock = createTestClock(new Date(Math.floor(Date.now() / 1000) * 1000));

beforeAll(async () => {
  test = await startCmpFleet(clock);
});
afterAll(() => test.close());

const caOf = (generation: string) => test.gateway.core.authority.chain(generation)[0] ?? new Uint8Array();
const actor = operator('test');

async function newDevice(): Promise<string> {
  return (await issued(test, final({}))).serialNumber;
}

function certIdOf(serialNumber: string, hash: 'sha1' | 'sha256' = 'sha1', generation = 'devices-1'): Uint8Array {
  return makeCertId({ issuer: caOf(generation), serialNumber, hash });
}

async function revoke(serialNumber: string, reason: RequestedReason): Promise<void> {
  await revokeCertificate({ issuerId: 'devices-1', serialNumber, reason, actor }, test.gateway.core);
}

/** The serial number of a certificate of which no more is known than what a list says. */
async function listed(state: Pick<RevocationRecord, 'reason' | 'removed'>): Promise<string> {
  const { store } = test.gateway.core;
  const at = clock.now().getTime();
  const place = { issuerId: 'devices-1', partition: 0 };
  const serialNumber = `7f${randomBytes(8).toString('hex')}`;
  const row = { ...place, serialNumber, revokedAt: at, invalidityDate: null, notAfter: at + 1_000_000, ...state };
  const statements = [store.crls.markChanged({ ...place, at }), store.revocations.record(row)];
  await store.commit({ statements, audit: [] });
  return serialNumber;
}

const configureDevices = (changes: string) =>
  applyYaml(
    test,
    `certificateAuthorities:\n  - { name: devices, parent: root, subject: "CN=Devices,O=Plant", key: ec-p256, validity: 10y, pathLength: 0, ${changes} }\n`,
  );

/** Without the times, which are looked at elsewhere. */
function said({ response }: OcspAnswer): unknown {
  return response?.statuses.map(({ certId: _c, thisUpdate: _t, nextUpdate: _n, ...status }) => status);
}

describe('An OCSP answer (RFC 6960 2.2)', () => {
  const states = [
    ['of a valid certificate is good', async () => [await newDevice(), { status: 'good' }]],
    [
      'of a revoked one is revoked, with time and reason',
      async () => {
        const serialNumber = await newDevice();
        await revoke(serialNumber, 'keyCompromise');
        return [serialNumber, { status: 'revoked', revokedAt: clock.now(), reason: 1 }];
      },
    ],
    [
      'of one that is revoked for no special reason has none (RFC 5280 5.3.1)',
      async () => {
        const serialNumber = await newDevice();
        await revoke(serialNumber, 'unspecified');
        return [serialNumber, { status: 'revoked', revokedAt: clock.now() }];
      },
    ],
    [
      'of one on hold is revoked with certificateHold',
      async () => {
        const serialNumber = await newDevice();
        await revoke(serialNumber, 'certificateHold');
        return [serialNumber, { status: 'revoked', revokedAt: clock.now(), reason: 6 }];
      },
    ],
    [
      'of one that was not confirmed in time is revoked, from that time on',
      async () => {
        const { serialNumber } = await issued(test, request({}));
        clock.advance(300);
        return [serialNumber, { status: 'revoked', revokedAt: clock.now(), reason: 5 }];
      },
    ],
    [
      "of one on an imported CA's list, which is not on record, is revoked, with time and reason",
      async () => {
        const serialNumber = await listed({ reason: 1, removed: 0 });
        return [serialNumber, { status: 'revoked', revokedAt: clock.now(), reason: 1 }];
      },
    ],
    [
      'of one whose hold on such a list has ended is unknown',
      async () => [await listed({ reason: 6, removed: 1 }), { status: 'unknown' }],
    ],
    ['of what was never issued is unknown, never good', async () => ['0123456789abcdef', { status: 'unknown' }]],
  ] as const;

  it.each(states)(
    '%s: with SHA-1 and SHA-256, by GET and POST, without nonce and with one of 16 to 128 octets (RFC 9654 2.1)',
    async (_name, prepare) => {
      const [serialNumber, status] = await prepare();
      for (const hash of ['sha1', 'sha256'] as const) {
        const certId = certIdOf(String(serialNumber), hash);
        for (const length of [undefined, 16, 128]) {
          const nonce = length === undefined ? undefined : Buffer.alloc(length, 7);
          const der = makeOcspRequest([certId], { extensions: nonce ? [nonceExtension(nonce)] : [] });
          for (const ask of [getOcsp, postOcsp]) {
            const answer = await ask(test, der);
            expect({ code: answer.code, said: said(answer) }).toEqual({ code: 0, said: [status] });
            expect(answer.response?.statuses[0]?.certId).toEqual(Buffer.from(certId));
            expect(answer.response?.nonce).toEqual(nonce);
          }
        }
      }
    },
  );

  it.each([0, 129])('to a nonce of %d octets is malformedRequest (RFC 9654 2.1), and recorded', async (length) => {
    const der = makeOcspRequest([certIdOf('01')], { extensions: [nonceExtension(new Uint8Array(length))] });
    for (const ask of [getOcsp, postOcsp]) {
      const answer = await ask(test, der);
      expect(answer).toMatchObject({ httpStatus: 200, code: 1, headers: { 'cache-control': 'no-store' } });
      expect(await eventOf(test, answer)).toMatchObject({ protocol: 'ocsp', code: 'malformed-request' });
    }
  });

  it('is good again as soon as a hold is released, and revoked as soon as another process has revoked it', async () => {
    const serialNumber = await newDevice();
    const der = makeOcspRequest([certIdOf(serialNumber)]);
    const statusNow = async () => (await getOcsp(test, der)).response?.statuses[0]?.status;
    expect(await statusNow()).toBe('good');
    await revoke(serialNumber, 'certificateHold');
    expect(await statusNow()).toBe('revoked');
    await releaseCertificate({ issuerId: 'devices-1', serialNumber, actor }, test.gateway.core);
    expect(await statusNow()).toBe('good');
    const other = await openCore({ settings: test.settings, log: test.gateway.core.log, clock });
    await revokeCertificate({ issuerId: 'devices-1', serialNumber, reason: 'superseded', actor }, other);
    await other.close();
    expect(await statusNow()).toBe('revoked');
  });

  it('is never good once the revocation is committed, whatever number of requests is under way', async () => {
    const serialNumber = await newDevice();
    const plain = makeOcspRequest([certIdOf(serialNumber)]);
    const withNonce = makeOcspRequest([certIdOf(serialNumber)], { extensions: [nonceExtension(Buffer.alloc(32, 1))] });
    const ask = (length: number) =>
      Array.from({ length }, (_, i) => (i % 2 === 0 ? getOcsp(test, plain) : postOcsp(test, withNonce)));
    const before = ask(50);
    await revoke(serialNumber, 'keyCompromise');
    const after = ask(20);
    const statuses = async (answers: readonly Promise<OcspAnswer>[]) =>
      new Set((await Promise.all(answers)).map(({ response }) => response?.statuses[0]?.status));
    for (const status of await statuses(before)) expect(['good', 'revoked']).toContain(status);
    expect(await statuses(after)).toEqual(new Set(['revoked']));
  });

  it('says what is known of each certificate of a request, of the CA that the first known one is of (4.2.2.2)', async () => {
    const [own, revoked] = [await newDevice(), await newDevice()];
    await revoke(revoked, 'superseded');
    const { serialNumber: ofRoot } = decodeCertificate(caOf('devices-1'));
    const foreign = makeCertId({ issuer: (await issued(test, final({}))).certificate, serialNumber: own });
    const certIds = [
      foreign,
      certIdOf(own),
      certIdOf(revoked, 'sha256'),
      certIdOf(ofRoot, 'sha1', 'root-1'),
      certIdOf('01'),
    ];
    const answer = await postOcsp(test, makeOcspRequest(certIds));
    expect(answer.response?.statuses.map(({ status }) => status)).toEqual([
      'unknown',
      'good',
      'revoked',
      'unknown',
      'unknown',
    ]);
    expect(answer.response?.statuses.map(({ certId }) => certId)).toEqual(certIds.map((id) => Buffer.from(id)));
    const root = await postOcsp(test, makeOcspRequest([certIdOf(ofRoot, 'sha1', 'root-1')]));
    expect(said(root)).toEqual([{ status: 'good' }]);
    expect(root.response?.responder.issuer).toBe('O=Plant\nCN=Root');
    expect((await postOcsp(test, makeOcspRequest([foreign]))).code).toBe(6);
  });

  it('is given to 32 certificates at most, and to bodies of 16 kB: more is malformedRequest', async () => {
    const serialNumber = await newDevice();
    const of = (count: number) => makeOcspRequest(Array.from({ length: count }, () => certIdOf(serialNumber)));
    expect((await postOcsp(test, of(32))).response?.statuses).toHaveLength(32);
    expect(await postOcsp(test, of(33))).toMatchObject({ httpStatus: 200, code: 1 });
    const large = await postOcsp(test, of(5_000));
    expect(large).toMatchObject({ httpStatus: 413, code: 1 });
    expect(await eventOf(test, large)).toMatchObject({ protocol: 'ocsp', code: 'malformed-request' });
    expect((await postOcsp(test, Buffer.from('garbage'))).code).toBe(1);
    expect((await postOcsp(test, new Uint8Array())).code).toBe(1);
  });

  it('says of what was never issued that it is revoked, where the CA is configured so (2.2, 4.4.8)', async () => {
    await configureDevices('ocsp: { unissued: revoked }');
    const answer = await getOcsp(test, makeOcspRequest([certIdOf('77')]));
    expect(said(answer)).toEqual([{ status: 'revoked', revokedAt: new Date(0), reason: 6 }]);
    expect(answer.response?.extensionIds).toEqual(['1.3.6.1.5.5.7.48.1.9']);
    const known = await getOcsp(test, makeOcspRequest([certIdOf(await newDevice())]));
    expect(said(known)).toEqual([{ status: 'good' }]);
    await configureDevices('ocsp: { unissued: unknown }');
  });

  it('is unauthorized where the CA has OCSP turned off, and its new certificates name no responder', async () => {
    const access = ({ certificate }: { certificate: Uint8Array }) =>
      decodeAuthorityInfoAccess(extension(decodeCertificate(certificate), '1.3.6.1.5.5.7.1.1') ?? new Uint8Array())
        .ocsp;
    const before = await issued(test, final({}));
    expect(access(before)).toEqual([`${test.settings.publicHttpUrl}/ocsp/devices-1`]);
    await configureDevices('ocsp: { enabled: false }');
    expect((await getOcsp(test, makeOcspRequest([certIdOf(before.serialNumber)]))).code).toBe(6);
    expect(access(await issued(test, final({})))).toEqual([]);
    await configureDevices('ocsp: { enabled: true }');
    expect((await getOcsp(test, makeOcspRequest([certIdOf(before.serialNumber)]))).code).toBe(0);
  });
});

describe('A GET (RFC 6960 A.1, RFC 5019 5)', () => {
  /** A request whose base64 has two slashes in a row and a plus sign. */
  function awkward(): { der: Uint8Array; base64: string } {
    for (let i = 0; ; i++) {
      const serialNumber = `0fffff${i.toString(16).padStart(6, '0')}ffff`;
      const der = makeOcspRequest([certIdOf(serialNumber)], { extensions: [nonceExtension(Buffer.from('~~~?>>'))] });
      const base64 = Buffer.from(der).toString('base64');
      if (base64.includes('//') && base64.includes('+')) return { der, base64 };
    }
  }

  it('has the request in base64, escaped wholly, in part or not at all, in base64url, and with its padding or without', async () => {
    const { der, base64 } = awkward();
    const forms = [
      encodeURIComponent(base64),
      encodeURIComponent(base64).replaceAll('%2F', '/'),
      encodeURIComponent(base64).replaceAll('%2F', '%2f'),
      base64,
      base64.replaceAll('+', '%20'),
      base64.replaceAll('/', '%2F'),
      base64.replace(/=+$/, ''),
      Buffer.from(der).toString('base64url'),
    ];
    for (const form of forms) {
      const answer = await sendOcsp(test, { path: `/ocsp/devices-1/${form}` });
      expect({ form, said: said(answer) }).toEqual({ form, said: [{ status: 'unknown' }] });
    }
    const absolute = await sendOcsp(test, { path: `http://localhost/ocsp/devices-1/${encodeURIComponent(base64)}` });
    expect(absolute.code).toBe(0);
  });

  it.each([
    ['not base64', '/ocsp/devices-1/%2A%2A', 200, 1],
    ['escaped twice', '/ocsp/devices-1/MEI%252F', 200, 1],
    ['other DER', '/ocsp/devices-1/MAA=', 200, 1],
    ['longer than 1,024 characters', `/ocsp/devices-1/${'M'.repeat(1_025)}`, 200, 1],
    ['an escape that is none', '/ocsp/devices-1/%zz', 400, undefined],
    ['no request', '/ocsp/devices-1', 405, 1],
  ])('of %s is refused', async (_name, path, httpStatus, code) => {
    expect(await sendOcsp(test, { path })).toMatchObject({ httpStatus, code });
  });

  it('is answered over TLS as well', async () => {
    const der = makeOcspRequest([certIdOf(await newDevice())]);
    const client = createEstClient(test);
    const text = encodeURIComponent(Buffer.from(der).toString('base64'));
    const answer = await client.send(`/ocsp/devices-1/${text}`);
    client.close();
    expect(readOcspResponse(answer.body).response?.statuses[0]?.status).toBe('good');
  });
});

describe('HTTP caches (RFC 5019 6.2)', () => {
  it('keep an answer for maximumAge, know it by its tag, and get 304 until the status changes', async () => {
    const serialNumber = await newDevice();
    const der = makeOcspRequest([certIdOf(serialNumber)]);
    const first = await getOcsp(test, der);
    const [status] = first.response?.statuses ?? [];
    expect(first.response?.producedAt).toEqual(clock.now());
    expect(status?.thisUpdate).toEqual(clock.now());
    expect(status?.nextUpdate).toEqual(new Date(clock.now().getTime() + 3_600_000));
    expect(first.headers).toMatchObject({
      'content-type': 'application/ocsp-response',
      'content-length': String(first.body.length),
      'last-modified': clock.now().toUTCString(),
      expires: status?.nextUpdate?.toUTCString(),
      'cache-control': 'max-age=60, public, no-transform, must-revalidate',
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
    const known = { 'if-none-match': String(first.headers.etag) };
    clock.advance(1_799);
    const second = await getOcsp(test, der, { headers: known });
    expect(second).toMatchObject({ httpStatus: 304, headers: { etag: first.headers.etag } });
    expect(second.body).toHaveLength(0);
    expect((await postOcsp(test, der, { headers: known })).body).toEqual(first.body);
    await revoke(serialNumber, 'superseded');
    expect(said(await getOcsp(test, der, { headers: known }))).toMatchObject([{ status: 'revoked' }]);
  });

  it('get a new answer when half of the time of the last one is over', async () => {
    const der = makeOcspRequest([certIdOf(await newDevice())]);
    const first = await getOcsp(test, der);
    clock.advance(1_800);
    const second = await getOcsp(test, der, { headers: { 'if-none-match': String(first.headers.etag) } });
    expect(second.httpStatus).toBe(200);
    expect(second.response?.producedAt).toEqual(clock.now());
  });

  it('never keep an answer to a nonce, but are not told so by no-store', async () => {
    const extensions = [nonceExtension(Buffer.alloc(32, 3))];
    const { headers } = await getOcsp(test, makeOcspRequest([certIdOf(await newDevice())], { extensions }));
    expect(headers['cache-control']).toBe('max-age=0, public, no-transform, must-revalidate');
    expect(headers).not.toHaveProperty('etag');
  });

  it('keep an answer as long as the CA says, and never to its end', async () => {
    await configureDevices('ocsp: { validity: 1m, maximumAge: 1h }');
    const der = makeOcspRequest([certIdOf(await newDevice())]);
    expect((await getOcsp(test, der)).headers['cache-control']).toMatch(/^max-age=59,/);
    await configureDevices('ocsp: { maximumAge: 0s }');
    expect((await getOcsp(test, der)).headers['cache-control']).toMatch(/^max-age=0,/);
    await configureDevices('ocsp: {}');
  });

  it('may ask by HEAD', async () => {
    const text = encodeURIComponent(Buffer.from(makeOcspRequest([certIdOf(await newDevice())])).toString('base64'));
    const answer = await sendOcsp(test, { method: 'HEAD', path: `/ocsp/devices-1/${text}` });
    expect(answer).toMatchObject({ httpStatus: 200, headers: { etag: expect.any(String) } });
    expect(answer.body).toHaveLength(0);
  });
});

describe('An OCSP responder (RFC 6960 4.2.2.2, RFC 5019 2.2.2)', () => {
  async function responderOf(generation: string): Promise<X509Certificate> {
    const der = makeOcspRequest([certIdOf('01', 'sha1', generation)]);
    const { response } = await postOcsp(test, der);
    if (response === undefined) throw new Error('no answer');
    return response.responder;
  }

  it('is certified by the CA itself for OCSP alone, for two weeks, and nobody needs to ask whether it is revoked', async () => {
    const responder = await responderOf('devices-1');
    expect(responder.verify(new X509Certificate(caOf('devices-1')).publicKey)).toBe(true);
    expect(responder.subject).toBe('CN=Gatehouse OCSP devices-1');
    const certificate = decodeCertificate(responder.raw);
    const extensionOf = (id: string) => extension(certificate, id) ?? new Uint8Array();
    expect(decodeExtKeyUsage(extensionOf('2.5.29.37'))).toEqual(['1.3.6.1.5.5.7.3.9']);
    expect(decodeKeyUsage(extensionOf('2.5.29.15'))).toEqual(['digitalSignature']);
    expect(certificate.extensions.find(({ id }) => id === '1.3.6.1.5.5.7.48.1.5')).toEqual({
      id: '1.3.6.1.5.5.7.48.1.5',
      critical: false,
      value: Uint8Array.of(5, 0),
    });
    expect(certificate.extensions.map(({ id }) => id).toSorted()).toEqual([
      '1.3.6.1.5.5.7.48.1.5',
      '2.5.29.14',
      '2.5.29.15',
      '2.5.29.35',
      '2.5.29.37',
    ]);
    expect(certificate.notAfter.getTime() - clock.now().getTime()).toBeLessThanOrEqual(14 * daySeconds * 1000);
  });

  it('is renewed with a new key after two thirds of its time, and signs all answers from then on', async () => {
    const der = makeOcspRequest([certIdOf(await newDevice())]);
    clock.advance(9 * daySeconds);
    const before = await getOcsp(test, der);
    clock.advance(daySeconds / 2);
    const after = await getOcsp(test, der);
    const keyOf = ({ response }: OcspAnswer) => response?.responder.publicKey.export({ type: 'spki', format: 'der' });
    expect(keyOf(before)).toBeDefined();
    expect(keyOf(after)).not.toEqual(keyOf(before));
    expect(after.response?.producedAt).toEqual(clock.now());
  });

  it('of a generation goes on when the CA has the next one, which has a responder of its own', async () => {
    const { core } = test.gateway;
    const serialNumber = await newDevice();
    const old = makeOcspRequest([certIdOf(serialNumber)]);
    await configureDevices('stageNextGeneration: true');
    const staged = await responderOf('devices-2');
    expect(staged.verify(new X509Certificate(caOf('devices-2')).publicKey)).toBe(true);
    const { setState } = core.store.caGenerations;
    await core.store.commit({
      statements: [
        setState({ id: 'devices-1', from: 'current', to: 'previous' }),
        setState({ id: 'devices-2', from: 'next', to: 'current' }),
      ],
      audit: [],
    });
    await core.authority.reload();
    const { serialNumber: newer } = await issued(test, final({}));
    expect(said(await getOcsp(test, makeOcspRequest([certIdOf(newer, 'sha256', 'devices-2')])))).toEqual([
      { status: 'good' },
    ]);
    expect(said(await getOcsp(test, makeOcspRequest([certIdOf(newer)])))).toEqual([{ status: 'unknown' }]);
    // Its certificate has to be renewed by the generation that issues nothing else any more.
    clock.advance(10 * daySeconds);
    const answer = await getOcsp(test, old);
    expect(said(answer)).toEqual([{ status: 'good' }]);
    const { response } = answer;
    expect(response?.responder.verify(new X509Certificate(caOf('devices-1')).publicKey)).toBe(true);
    expect(decodeCertificate(response?.responder.raw ?? old).notBefore.getTime()).toBeGreaterThan(
      clock.now().getTime() - daySeconds * 1000,
    );
    await revoke(serialNumber, 'cessationOfOperation');
    expect(said(await getOcsp(test, old))).toMatchObject([{ status: 'revoked', reason: 5 }]);
  });
});
