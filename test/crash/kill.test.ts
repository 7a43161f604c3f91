import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPasscodes } from '../../src/catalog/passcodes.js';
import type { CertificateRecord } from '../../src/store/certificate-record.js';
import { toPem } from '../../src/x509/pem.js';
import { fleet, fleetPasscode } from '../support/fleet.js';
import { testActor } from '../support/operator.js';
import { createEnrollingClient, type EnrollingClient, type Received } from './enrolling-client.js';
import { type KillableFleet, startKillableFleet } from './killable-gateway.js';

const kills = 20;
const clientCount = 8;
const usageLimits = new Map([
  ['few', 7],
  ['some', 150],
  ['many', 5_000],
]);

let gateway: KillableFleet;
const passcodes = new Map<string, string>();
let clients: EnrollingClient[] = [];
let received: Received[] = [];

beforeAll(async () => {
  gateway = await startKillableFleet(fleet);
  const { core, deviceTlsPort } = gateway;
  for (const [name, usageLimit] of usageLimits) {
    const [made] = await createPasscodes(
      { authenticationPolicy: 'fleet', name, count: 1, usageLimit },
      { ...core, actor: testActor },
    );
    passcodes.set(name, made?.passcode ?? '');
  }
  await gateway.kill();
  const [root] = core.authority.chain(core.authority.issuer('devices').id).slice(-1);
  clients = Array.from({ length: clientCount }, (_, i) =>
    createEnrollingClient({
      name: `client-${i}`,
      port: deviceTlsPort,
      root: toPem('CERTIFICATE', root ?? new Uint8Array()),
      passcodes: [fleetPasscode, ...passcodes.values()],
    }),
  );
  for (let round = 0; round < kills; round++) {
    await gateway.start();
    const work = clients.map((client) => client.work());
    // Other moments of the load in each round: some soon after the start, some in the midst of answers on any machine.
    if (round % 2 === 1) await answers(2 * clientCount);
    await passed(150 + ((round * 137) % 300));
    await gateway.kill();
    await Promise.all(work);
  }
  // It starts by itself once more, and answers what the last kill left open.
  await gateway.start();
  const work = clients.map((client) => client.work());
  await answers(clientCount);
  await gateway.kill();
  await Promise.all(work);
  received = clients.flatMap((client) => client.received);
}, 120_000);

afterAll(async () => {
  await gateway.close();
});

/** So many more than the clients have. */
async function answers(count: number): Promise<void> {
  const answered = () => clients.reduce((sum, client) => sum + client.received.length, 0);
  const wanted = answered() + count;
  while (answered() < wanted) await passed(10);
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function allCertificates(): Promise<readonly CertificateRecord[]> {
  return await gateway.core.store.certificates.list({ policy: 'fleet', usage: 'operational', limit: 1_000_000 });
}

describe(`After ${kills} times kill -9 under load, the gateway`, () => {
  it('has enrolled devices all the while, and answered repeated requests', () => {
    expect(received.length).toBeGreaterThan(kills * clientCount);
    expect(clients.reduce((sum, client) => sum + client.repeated(), 0)).toBeGreaterThan(kills);
  });

  it('has every certificate that a client received in its database, with its audit event', async () => {
    const bySubject = new Map((await allCertificates()).map((record) => [record.subject, record]));
    for (const { body, subject } of received) {
      const record = bySubject.get(subject);
      const answer = Buffer.from(body.toString('latin1'), 'base64');
      expect({ subject, isThere: record !== undefined && answer.includes(Buffer.from(record.der)) }).toEqual({
        subject,
        isThere: true,
      });
      const event = await gateway.core.store.audit.findById({ id: record?.requestId ?? '' });
      expect(event).toMatchObject({ action: 'certificate.issued', outcome: 'success', subject: record?.id });
    }
  });

  it('has an audit event for every certificate in its database', async () => {
    for (const { id, requestId } of await allCertificates()) {
      expect(await gateway.core.store.audit.findById({ id: requestId })).toMatchObject({ subject: id });
    }
  });

  it('has issued no serial number twice, and one certificate for each device', async () => {
    const certificates = await allCertificates();
    expect(new Set(certificates.map(({ serialNumber }) => serialNumber)).size).toBe(certificates.length);
    expect(new Set(certificates.map(({ subject }) => subject)).size).toBe(certificates.length);
  });

  it.each([...usageLimits])('has let the passcode "%s" open no more than %d enrollments', async (name, limit) => {
    const record = await gateway.core.store.credentials.findByName({ authenticationPolicy: 'fleet', name });
    const opened = received.filter(({ passcode }) => passcode === passcodes.get(name));
    const certificates = (await allCertificates()).filter(({ requester }) => requester === `passcode:${record?.id}`);
    expect(certificates.length).toBeLessThanOrEqual(limit);
    expect(opened.length).toBeLessThanOrEqual(certificates.length);
    expect(record?.uses).toBe(certificates.length);
  });

  it('has used up the passcode for few, and refused it then', async () => {
    const record = await gateway.core.store.credentials.findByName({ authenticationPolicy: 'fleet', name: 'few' });
    expect(record?.uses).toBe(usageLimits.get('few'));
    for (const { refused } of clients) expect(refused.get(passcodes.get('few') ?? '')).toBe(401);
  });

  it('has refused nothing else', () => {
    const usedUp = ['few', 'some'].map((name) => passcodes.get(name));
    const others = clients.flatMap(({ refused }) => [...refused].filter(([passcode]) => !usedUp.includes(passcode)));
    expect(others).toEqual([]);
  });

  it('has an unbroken chain of audit events', async () => {
    const check = await gateway.core.store.audit.verifyChain({ from: 1, limit: 1_000_000 });
    expect(check).toMatchObject({ intact: true, next: undefined });
  });
});
