import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { type CsrOptions, makeCsr, newKey } from '../../support/make-csr.js';
import { createTestClock, type TestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let clock: TestClock;
let test: TestGateway;
const clients: EstClient[] = [];

beforeAll(async () => {
  clock = createTestClock();
  test = await startTestGateway({ configuration: fleet, clock, settings: { failedAuthenticationsPerMinute: '5' } });
  await applyYaml(test, policyLike('linked', 'est: { challengePassword: require }'));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await test.close();
});

function client(options: Parameters<typeof createEstClient>[1]): EstClient {
  const made = createEstClient(test, { label: 'fleet', ...options });
  clients.push(made);
  return made;
}

const csr = (options: CsrOptions) => makeCsr({ key: newKey(), ...options });

describe('a passcode of one device', () => {
  it.each<[string, CsrOptions]>([
    ['common name', { subject: 'CN=other' }],
    ['serial number', { subject: 'CN=pump-17,serialNumber=other' }],
    ['DNS name', { subject: 'CN=pump-17', alternatives: [{ type: 'dns', value: 'other.example' }] }],
    ['name that only looks like its own', { subject: 'CN=pump-170' }],
  ])("does not open another device's %s", async (_, options) => {
    const passcode = await makePasscode(test, { device: 'pump-17' });
    const answer = await client({ passcode }).post('simpleenroll', csr(options));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('of device "pump-17"');
  });

  it("opens its own, also in the operator's domain", async () => {
    const passcode = await makePasscode(test, { device: 'pump-17' });
    const dns = [{ type: 'dns', value: 'pump-17.plant.example' }] as const;
    const answer = await client({ passcode }).post('simpleenroll', csr({ subject: 'CN=pump-17', alternatives: dns }));
    expect(certificateOf(answer).subject).toBe('CN=pump-17');
  });
});

describe('a one-time passcode that serverkeygen has used up', () => {
  it('makes another key for one that did not arrive for an hour, however often it is repeated', async () => {
    const est = client({ passcode: await makePasscode(test, { usageLimit: 1 }) });
    const again = async () => (await est.post('serverkeygen', csr({ subject: 'CN=made' }))).status;
    expect(await again()).toBe(200);
    clock.advance(40 * 60);
    expect(await again()).toBe(200);
    clock.advance(40 * 60);
    expect(await again()).toBe(401);
  });
});

describe('a client that guesses passcodes', () => {
  it('has to wait, while certificates at the same address are served', async () => {
    const key = newKey();
    const at = { localAddress: '127.0.0.9' };
    const own = certificateOf(
      await client({ ...at, passcode: fleetPasscode }).post('simpleenroll', csr({ subject: 'CN=neighbour', key })),
    );
    const guesser = client({ ...at, passcode: 'wrong-passcode' });
    for (let i = 0; i < 5; i++) expect((await guesser.post('simpleenroll', csr({}))).status).toBe(401);
    expect((await guesser.post('simpleenroll', csr({}))).status).toBe(429);
    const identity = { chain: [own.raw], privateKey: key.privateKey };
    const renewal = await client({ ...at, identity }).post('simplereenroll', csr({ subject: 'CN=neighbour', key }));
    expect(renewal.status).toBe(200);
  });

  it('is not let in by an X-Forwarded-For of its own', async () => {
    for (let i = 0; i < 6; i++) {
      const headers = { 'x-forwarded-for': `192.0.2.${i}` };
      const guesser = client({ localAddress: '127.0.0.10', passcode: 'wrong-passcode', headers });
      expect((await guesser.post('simpleenroll', csr({}))).status).toBe(i < 5 ? 401 : 429);
    }
  });
});

describe('a stranger', () => {
  it('cannot fill the audit log: beyond 600 refusals a minute of an address only the log has them', async () => {
    const est = client({ localAddress: '127.0.0.11', isSingleConnection: true });
    for (let i = 0; i < 600; i++) await est.post('simpleenroll', 'junk');
    const last = await est.post('simpleenroll', 'junk');
    expect(last.status).toBe(400);
    const { audit } = test.gateway.core.store;
    expect(await audit.findById({ id: last.requestId })).toBeUndefined();
    const other = await client({ localAddress: '127.0.0.12' }).post('simpleenroll', 'junk');
    expect(await audit.findById({ id: other.requestId })).toMatchObject({ action: 'request.refused' });
    clock.advance(61);
    const later = await est.post('simpleenroll', 'junk');
    expect(await audit.findById({ id: later.requestId })).toMatchObject({ action: 'request.refused' });
  });

  it('cannot renegotiate a TLS 1.2 connection', async () => {
    const { deviceTlsPort: port } = test.gateway.listeners;
    const refused = await new Promise<unknown>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => {
        socket.renegotiate({}, resolve);
      });
      socket.on('error', resolve);
    });
    expect(String(refused)).toContain('no renegotiation');
  });
});
