/** When certificates are best renewed (RFC 9773), as the core says it to whoever asks. */
import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthorityKeyIdentifierExtension, X509Certificate as OtherCertificate } from '@peculiar/x509';
import { planReplacement } from '../../../src/enrollment/plan-replacement.js';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import type { Renewal } from '../../../src/enrollment/result.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import type { ProtocolServices } from '../../../src/protocol.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { operator } from '../../support/operator.js';
import { recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let services: ProtocolServices;
const clients = new Map<string, EstClient>();

/** A policy with a profile of its own, which has these validity and renewal keys. */
async function addPolicy(name: string, validity: string): Promise<void> {
  await applyYaml(
    test,
    `profiles: [{ name: ${name}, template: device, subject: [{ attribute: commonName, source: request }], ${validity} }]\n${policyLike(name, `profiles: [{ usage: operational, profile: ${name} }]`)}`,
  );
}

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await addPolicy('windowed', 'validity: 90d, renewal: { window: 10d }');
  await addPolicy('always', 'validity: 6h, renewal: { window: 30d }');
  await addPolicy('closed', 'validity: 6h, renewal: { window: 0s }');
  await addPolicy('brief', 'validity: 3s');
  const { core } = test.gateway;
  services = createProtocolServices(core, createServiceKeys(core), test.settings);
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

async function issue(label = 'fleet'): Promise<X509Certificate> {
  const client = clients.get(label) ?? createEstClient(test, { label, passcode: fleetPasscode });
  clients.set(label, client);
  return certificateOf(await client.post('simpleenroll', makeCsr({ subject: 'CN=pump', key: newKey() })));
}

/** What a client that has the certificate asks with. */
function queryOf({ raw, serialNumber }: X509Certificate): Parameters<ProtocolServices['renewal']>[0] {
  const { keyId = '' } = new OtherCertificate(raw).getExtension(AuthorityKeyIdentifierExtension) ?? {};
  return { authorityKeyIdentifier: Buffer.from(keyId, 'hex'), serialNumber: serialNumber.toLowerCase() };
}

function renewalOf(certificate: X509Certificate, label = 'fleet'): Promise<Renewal> {
  return services.renewal({ label, ...queryOf(certificate) });
}

/** In days before the certificate's end. */
function daysBeforeEnd({ window }: Renewal, { validTo }: X509Certificate): number[] {
  return [window.start, window.end].map((time) => (Date.parse(validTo) - time.getTime()) / 1000 / daySeconds);
}

describe('The window for the renewal of a certificate (RFC 9773 4.2)', () => {
  it('is the first half of the last third of its lifetime', async () => {
    const certificate = await issue();
    const renewal = await renewalOf(certificate);
    const { requester } = await recordOf(test, certificate);
    expect(renewal).toMatchObject({ certificate: new Uint8Array(certificate.raw), requester });
    expect(renewal.explanationUrl).toBeUndefined();
    const [start = 0, end = 0] = daysBeforeEnd(renewal, certificate);
    // The lifetime is a minute longer for slow clocks, of which a third is 20 seconds.
    expect(start).toBeCloseTo(30, 3);
    expect(end).toBeCloseTo(15, 3);
  });

  it('is the first half of that of the profile', async () => {
    const certificate = await issue('windowed');
    expect(daysBeforeEnd(await renewalOf(certificate, 'windowed'), certificate)).toEqual([10, 5]);
  });

  it.each(['always', 'closed', 'brief'])('never begins with the certificate, and ends before it: %s', async (label) => {
    const certificate = await issue(label);
    const { start, end } = (await renewalOf(certificate, label)).window;
    expect(end.getTime()).toBeGreaterThan(start.getTime());
    expect(start.getTime()).toBeGreaterThan(Date.parse(certificate.validFrom));
    expect(end.getTime()).toBeLessThan(Date.parse(certificate.validTo));
    // Some write times in whole seconds.
    expect([start.getTime() % 1000, end.getTime() % 1000]).toEqual([0, 0]);
  });

  it('has passed for one that is revoked, and comes back with the end of a hold', async () => {
    const certificate = await issue();
    const usual = await renewalOf(certificate);
    const { issuerId, serialNumber } = await recordOf(test, certificate);
    const which = { issuerId, serialNumber, actor: operator('test') };
    const { core } = test.gateway;
    await revokeCertificate({ ...which, reason: 'certificateHold' }, core);
    expect(await renewalOf(certificate)).toEqual(usual);
    await releaseCertificate(which, core);
    const revokedAt = clock.now();
    await revokeCertificate({ ...which, reason: 'superseded' }, core);
    clock.advance(1);
    const { start, end } = (await renewalOf(certificate)).window;
    expect(end).toEqual(revokedAt);
    expect(start.getTime()).toBeLessThan(end.getTime());
  });

  it('has passed for one that has expired', async () => {
    const certificate = await issue('brief');
    clock.advance(10);
    const { start, end } = (await renewalOf(certificate, 'brief')).window;
    expect(end.getTime()).toBeLessThan(clock.now().getTime());
    expect(start.getTime()).toBeLessThan(end.getTime());
  });
});

describe('A planned replacement', () => {
  const plan = (id: string, by: Date | undefined, explanationUrl?: string) =>
    planReplacement(
      {
        selection: { id },
        actor: operator('test'),
        ...(by === undefined ? {} : { by }),
        ...(explanationUrl === undefined ? {} : { explanationUrl }),
      },
      test.gateway.core,
    );
  const inDays = (days: number) => new Date(clock.now().getTime() + days * daySeconds * 1000);

  it('moves the window to now, and taking it back moves it back', async () => {
    const certificate = await issue();
    const usual = await renewalOf(certificate);
    const { id } = await recordOf(test, certificate);
    const [now, by] = [clock.now(), inDays(3)];
    const explanationUrl = 'https://ca.example.com/move';
    expect(await plan(id, by, explanationUrl)).toBe(1);
    expect(await renewalOf(certificate)).toMatchObject({ window: { start: now, end: by }, explanationUrl });
    expect(await plan(id, undefined)).toBe(1);
    expect(await renewalOf(certificate)).toEqual(usual);
    expect(await plan(id, undefined)).toBe(0);
  });

  it('never moves it to a later time', async () => {
    const certificate = await issue();
    const usual = (await renewalOf(certificate)).window;
    const { id } = await recordOf(test, certificate);
    await plan(id, inDays(200));
    const early = (await renewalOf(certificate)).window;
    expect([early.start, early.end]).toEqual([clock.now(), usual.end]);
    await plan(id, undefined);
    clock.advance(80 * daySeconds);
    await plan(id, inDays(20));
    expect((await renewalOf(certificate)).window).toEqual(usual);
  });
});

describe('Renewal information', () => {
  it('is only given for certificates of the policy that is asked', async () => {
    const certificate = await issue();
    const query = queryOf(certificate);
    const unknown = { code: 'unknown-certificate' };
    await expect(services.renewal({ ...query, label: 'windowed' })).rejects.toMatchObject(unknown);
    await expect(services.renewal({ ...query, label: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(services.renewal(query)).resolves.toMatchObject({ certificate: new Uint8Array(certificate.raw) });
    await expect(services.renewal({ ...query, label: 'fleet~valves' })).resolves.toBeDefined();
    const { authorityKeyIdentifier, serialNumber } = query;
    for (const wrong of [
      { authorityKeyIdentifier, serialNumber: `${serialNumber}00` },
      { authorityKeyIdentifier, serialNumber: '' },
      { authorityKeyIdentifier: Buffer.alloc(20), serialNumber },
      { authorityKeyIdentifier: new Uint8Array(), serialNumber },
    ]) {
      await expect(services.renewal(wrong)).rejects.toMatchObject(unknown);
    }
  });

  it('is not given for certificates of the gateway itself, and refusing it writes nothing', async () => {
    const { store } = test.gateway.core;
    const ofGateway = (await store.certificates.list({ limit: 100 })).filter(({ usage }) => usage === 'service');
    expect(ofGateway.length).toBeGreaterThan(0);
    const [before] = await store.audit.list({ limit: 1 });
    const { authority } = test.gateway.core;
    for (const { issuerId, serialNumber } of ofGateway) {
      const [issuer = new Uint8Array()] = authority.chain(issuerId);
      const query = { authorityKeyIdentifier: keyIdOf(issuer), serialNumber };
      await expect(services.renewal(query)).rejects.toMatchObject({ code: 'unknown-certificate' });
    }
    expect(await store.audit.list({ limit: 1 })).toEqual([before]);
  });
});

function keyIdOf(der: Uint8Array): Buffer {
  const extension = new OtherCertificate(der).getExtension('2.5.29.14');
  // An OCTET STRING of 20 octets.
  return Buffer.from(extension?.value ?? new ArrayBuffer(0)).subarray(2);
}
