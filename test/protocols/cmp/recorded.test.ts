import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { infoTypes } from '../../support/cmp/identifiers.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { recordedMessage, replay, startRecordedGateway } from '../../support/cmp-recordings.js';
import { newKey } from '../../support/make-csr.js';
import type { TestGateway } from '../../support/test-gateway.js';

const mac: CmpCredential = { kind: 'mac', reference: 'recorded', secret: 'recorded-secret' };
/** Of a signature the answer only shows that it is one. */
const certificate: CmpCredential = { kind: 'certificate', chain: [], privateKey: newKey().privateKey };

let test: TestGateway;
beforeAll(async () => {
  test = await startRecordedGateway();
});
afterAll(() => test.close());

const replayed = (name: string, credential: CmpCredential, label = 'recorded') =>
  replay(test, recordedMessage(name), { credential, label });

describe('What openssl sent to enroll, recorded', () => {
  it.each([
    ['gatehouse-ir/01-ir', mac, { type: 'ip', isImplicitlyConfirmed: false, commonName: 'pump-1' }],
    ['gatehouse-cr-implicit/01-cr', mac, { type: 'cp', isImplicitlyConfirmed: true, commonName: 'pump-2' }],
    ['gatehouse-p10cr/01-p10cr', mac, { type: 'cp', isImplicitlyConfirmed: false, commonName: 'pump-3' }],
    [
      'gatehouse-ir-vendor/01-ir',
      certificate,
      { type: 'ip', isImplicitlyConfirmed: false, commonName: 'station-4711' },
    ],
  ] as const)('%s gets its certificate, and the same one when it comes again', async (name, credential, wanted) => {
    const { type, isImplicitlyConfirmed, commonName } = wanted;
    const outcome = await replayed(name, credential);
    expect(outcome).toMatchObject({ body: { type }, pkiStatus: 'accepted', isImplicitlyConfirmed });
    expect(outcome.certificate?.subject).toBe(`O=Gatehouse Test\nCN=${commonName}`);
    const again = await replayed(name, credential);
    expect(again.certificate?.raw).toEqual(outcome.certificate?.raw);
  });

  it('gatehouse-ir asked for names and a validity', async () => {
    const { certificate: issued } = await replayed('gatehouse-ir/01-ir', mac);
    expect(issued?.subjectAltName).toBe('DNS:pump-1.example.com, IP Address:192.0.2.7');
    const days = (Date.parse(issued?.validTo ?? '') - Date.parse(issued?.validFrom ?? '')) / 86_400_000;
    expect(days).toBeCloseTo(30, 0);
  });

  it('gatehouse-poll waits', async () => {
    const outcome = await replayed('gatehouse-poll/01-cr', mac, 'waiting');
    expect(outcome).toMatchObject({ body: { type: 'cp' }, pkiStatus: 'waiting' });
  });
});

describe('What else openssl sent, recorded', () => {
  it('gatehouse-genm gets the CA certificates', async () => {
    const { body } = await replayed('gatehouse-genm/01-genm', mac);
    expect(body).toMatchObject({ type: 'genp', infos: [{ type: infoTypes.caCerts }] });
  });

  it('gatehouse-wrong-secret is refused, and signed because no secret is known', async () => {
    const outcome = await replayed('gatehouse-wrong-secret/01-ir', { kind: 'none' });
    expect(outcome).toMatchObject({ body: { type: 'error' }, failInfo: ['badMessageCheck'] });
  });

  it.each([
    ['gatehouse-kur/01-kur', 'kup', 'signerNotTrusted'],
    ['gatehouse-rr/01-rr', 'rp', 'badCertId'],
  ])(
    '%s is read and its signature taken; the certificate it is about was not issued here',
    async (name, type, failInfo) => {
      const outcome = await replayed(name, certificate);
      expect(outcome).toMatchObject({ body: { type }, pkiStatus: 'rejection', failInfo: [failInfo] });
    },
  );
});
