import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { problemsOf } from '../../support/cmp/check.js';
import { infoTypes } from '../../support/cmp/identifiers.js';
import type { CmpCredential, SentMessage } from '../../support/cmp/message.js';
import { type CmpOutcome, outcomeOf } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createTransport } from '../../support/cmp/transport.js';
import { newKey } from '../../support/make-csr.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const mac: CmpCredential = { kind: 'mac', reference: 'recorded', secret: 'recorded-secret' };
/** Of a signature the answer only shows that it is one. */
const certificate: CmpCredential = { kind: 'certificate', chain: [], privateKey: newKey().privateKey };

function readFixture(name: string): Buffer {
  return readFileSync(`fixtures/cmp/${name}`);
}

let test: TestGateway;
beforeAll(async () => {
  // The CA keys are others than those of the recording.
  test = await startTestGateway({
    configuration: readFixture('gateway/configuration.yaml').toString(),
    clock: createTestClock(new Date(readFixture('gateway/clock.txt').toString().trim())),
  });
});
afterAll(() => test.close());

/** Sends the first message of a conversation, and takes the answer if a client should. */
async function replay(name: string, credential: CmpCredential, label = 'recorded'): Promise<CmpOutcome> {
  const [, bodyType = ''] = name.split('/01-');
  const der = readFixture(`${name}.der`);
  const { pvno, sender, transactionId, senderNonce } = readMessage(der).header;
  const sent: SentMessage = {
    der,
    bodyType: bodyType as SentMessage['bodyType'],
    pvno,
    sender,
    transactionId,
    senderNonce,
    credential,
  };
  const { listeners, core } = test.gateway;
  const transport = createTransport(`http://127.0.0.1:${listeners.deviceHttpPort}`);
  const answer = await transport.post(`/cmp/${label}`, der);
  transport.close();
  const message = readMessage(answer.body);
  const [, root] = core.authority.chain(core.authority.issuer('issuing').id);
  const trustAnchors = [new X509Certificate(root ?? new Uint8Array())];
  const now = core.clock.now();
  expect(problemsOf(message, { sent, trustAnchors, now, seenNonces: new Set(), unchecked: [] })).toEqual([]);
  return outcomeOf({ sent, earlier: [], certReqId: bodyType === 'p10cr' ? -1 : 0, answer, message });
}

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
    const outcome = await replay(name, credential);
    expect(outcome).toMatchObject({ body: { type }, pkiStatus: 'accepted', isImplicitlyConfirmed });
    expect(outcome.certificate?.subject).toBe(`O=Gatehouse Test\nCN=${commonName}`);
    const again = await replay(name, credential);
    expect(again.certificate?.raw).toEqual(outcome.certificate?.raw);
  });

  it('gatehouse-ir asked for names and a validity', async () => {
    const { certificate: issued } = await replay('gatehouse-ir/01-ir', mac);
    expect(issued?.subjectAltName).toBe('DNS:pump-1.example.com, IP Address:192.0.2.7');
    const days = (Date.parse(issued?.validTo ?? '') - Date.parse(issued?.validFrom ?? '')) / 86_400_000;
    expect(days).toBeCloseTo(30, 0);
  });

  it('gatehouse-poll waits', async () => {
    const outcome = await replay('gatehouse-poll/01-cr', mac, 'waiting');
    expect(outcome).toMatchObject({ body: { type: 'cp' }, pkiStatus: 'waiting' });
  });
});

describe('What else openssl sent, recorded', () => {
  it('gatehouse-genm gets the CA certificates', async () => {
    const { body } = await replay('gatehouse-genm/01-genm', mac);
    expect(body).toMatchObject({ type: 'genp', infos: [{ type: infoTypes.caCerts }] });
  });

  it('gatehouse-wrong-secret is refused, and signed because no secret is known', async () => {
    const outcome = await replay('gatehouse-wrong-secret/01-ir', { kind: 'none' });
    expect(outcome).toMatchObject({ body: { type: 'error' }, failInfo: ['badMessageCheck'] });
  });

  it.each([
    ['gatehouse-kur/01-kur', 'kup', 'signerNotTrusted'],
    ['gatehouse-rr/01-rr', 'rp', 'badCertId'],
  ])(
    '%s is read and its signature taken; the certificate it is about was not issued here',
    async (name, type, failInfo) => {
      const outcome = await replay(name, certificate);
      expect(outcome).toMatchObject({ body: { type }, pkiStatus: 'rejection', failInfo: [failInfo] });
    },
  );
});
