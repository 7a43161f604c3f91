import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createAnswers } from '../../../protocols/ocsp/answers.js';
import type { CertificateStatus } from '../../../src/ca-view.js';
import type { OcspResponder } from '../../../src/service-key.js';
import { decodeOcspRequest } from '../../../src/x509/ocsp-request.js';
import { subjectKeyIdentifier } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { x509Fixture } from '../../src/x509/fixture.js';
import { spkiOf } from '../../support/make-csr.js';
import { makeCertId, makeOcspRequest, nonceExtension } from '../../support/ocsp-message.js';
import { selfSigned } from '../../support/scep-message.js';
import { createTestClock } from '../../support/test-clock.js';

const issuer = x509Fixture('ca.cert.der');
const start = new Date('2030-01-01T00:00:00Z');
const good: CertificateStatus = { generation: 'ca-1', status: 'good' };

function requestOf(serialNumber: string, nonce?: Uint8Array) {
  const extensions = nonce ? [nonceExtension(nonce)] : [];
  return decodeOcspRequest(makeOcspRequest([makeCertId({ issuer, serialNumber })], { extensions }));
}

/** Answers for a CA whose certificates all have one status, by a responder that counts what it signs. */
function createWorld() {
  const clock = createTestClock(start);
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const state: { signed: number; status: CertificateStatus; responder: OcspResponder } = {
    signed: 0,
    status: good,
    responder: {
      certificate: selfSigned(key, 'CN=Responder', start).certificate,
      signatureAlgorithm: signatureAlgorithmFor('ec', 'sha256').identifier,
      keyHash: subjectKeyIdentifier(spkiOf(key)),
      notAfter: new Date('2030-01-10T00:00:00Z'),
      validity: 3_600,
      maximumAge: 60,
      // What is signed is not looked at here.
      sign: async () => {
        state.signed++;
        return Uint8Array.of(state.signed);
      },
    },
  };
  const answer = createAnswers({
    clock,
    certificateStatus: async () => state.status,
    ocspResponder: async () => state.responder,
  });
  return { clock, state, answer };
}

describe('A signed answer', () => {
  it('serves all who ask for the same, at once and later, until half of its time is over (RFC 6960 2.5)', async () => {
    const { clock, state, answer } = createWorld();
    const answers = await Promise.all(Array.from({ length: 20 }, () => answer(requestOf('01'))));
    expect(new Set(answers.map(({ der }) => der)).size).toBe(1);
    clock.advance(1_799);
    expect(await answer(requestOf('01'))).toBe(answers[0]);
    expect(state.signed).toBe(1);
    clock.advance(1);
    expect((await answer(requestOf('01'))).thisUpdate).toEqual(clock.now());
    expect(state.signed).toBe(2);
  });

  it.each([
    ['another status', { status: { generation: 'ca-1', status: 'revoked', revokedAt: start } }],
    ['another responder key', { responder: { keyHash: new Uint8Array(20) } }],
    ['another validity', { responder: { validity: 7_200 } }],
  ] as const)(
    'is not used again for %s',
    async (_name, {
      status = good,
      responder = {},
    }: {
      status?: CertificateStatus;
      responder?: Partial<OcspResponder>;
    }) => {
      const { state, answer } = createWorld();
      await answer(requestOf('01'));
      state.status = status;
      state.responder = { ...state.responder, ...responder };
      await answer(requestOf('01'));
      expect(state.signed).toBe(2);
    },
  );

  it('is not used again when the reason of a revocation or its time has changed', async () => {
    const { state, answer } = createWorld();
    const revoked = { generation: 'ca-1', status: 'revoked' } as const;
    for (const status of [
      { ...revoked, revokedAt: start },
      { ...revoked, revokedAt: start, reason: 'certificateHold' },
      { ...revoked, revokedAt: new Date('2030-01-02T00:00:00Z'), reason: 'certificateHold' },
    ] as const) {
      state.status = status;
      await answer(requestOf('01'));
    }
    expect(state.signed).toBe(3);
  });

  it('is not used again by a clock that was set back before it', async () => {
    const { clock, state, answer } = createWorld();
    await answer(requestOf('01'));
    clock.advance(-10);
    expect((await answer(requestOf('01'))).thisUpdate).toEqual(clock.now());
    expect(state.signed).toBe(2);
  });

  it.each([
    ['a nonce', good, new Uint8Array(16)],
    ['what is unknown', { generation: 'ca-1', status: 'unknown' }, undefined],
    ['what was never issued', { generation: 'ca-1', status: 'revoked', revokedAt: start, isUnissued: true }, undefined],
  ] as const)('is not kept for %s', async (_name, status, nonce) => {
    const { state, answer } = createWorld();
    state.status = status;
    await answer(requestOf('01', nonce));
    await answer(requestOf('01', nonce));
    expect(state.signed).toBe(2);
  });

  it('ends with the certificate of its responder at the latest', async () => {
    const { state, answer } = createWorld();
    state.responder = { ...state.responder, notAfter: new Date('2030-01-01T00:20:00Z') };
    expect((await answer(requestOf('01'))).nextUpdate).toEqual(new Date('2030-01-01T00:20:00Z'));
  });

  it('is one of 10,000 that are kept; those go first that were not asked for longest', async () => {
    const { state, answer } = createWorld();
    const serialOf = (i: number) => (i + 0x100000).toString(16);
    for (let i = 0; i < 10_000; i++) await answer(requestOf(serialOf(i)));
    await answer(requestOf(serialOf(0)));
    expect(state.signed).toBe(10_000);
    await answer(requestOf(serialOf(10_000)));
    await answer(requestOf(serialOf(0)));
    expect(state.signed).toBe(10_001);
    await answer(requestOf(serialOf(1)));
    expect(state.signed).toBe(10_002);
  });
});

describe('Answers that are being signed', () => {
  it('are 500 at once: who comes then is told to come again, and the others get theirs', async () => {
    const { state, answer } = createWorld();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const sign = async () => {
      await gate;
      return Uint8Array.of(1);
    };
    state.responder = { ...state.responder, sign };
    const all = Array.from({ length: 510 }, () => answer(requestOf('01', new Uint8Array(16))));
    const settled = Promise.allSettled(all);
    await new Promise((resolve) => setImmediate(resolve));
    release();
    const refused = (await settled).filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ reason: { code: 'rate-limited' } });
    expect((await answer(requestOf('01', new Uint8Array(16)))).der).toBeInstanceOf(Uint8Array);
  });

  it('that fail are signed anew for who asks next', async () => {
    const { state, answer } = createWorld();
    const { sign } = state.responder;
    state.responder = { ...state.responder, sign: () => Promise.reject(new Error('the key is away')) };
    await expect(answer(requestOf('01'))).rejects.toThrow('the key is away');
    state.responder = { ...state.responder, sign };
    expect((await answer(requestOf('01'))).der).toBeInstanceOf(Uint8Array);
  });
});
