/**
 * Every protocol through the same situations: what is decided is the same, only its words differ. A new protocol adds a
 * driver to matrix-drivers.ts.
 */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../src/enrollment/approve.js';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import { applyYaml, fleetPasscode } from '../support/fleet.js';
import { newKey } from '../support/make-csr.js';
import { by, operator } from '../support/operator.js';
import { countRecords, eventOf, recordOf } from '../support/records.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { shortRsaKey } from '../support/weak-keys.js';
import {
  type Driver,
  drivers,
  matrixConfiguration,
  matrixPolicy,
  type Outcome,
  type Refusal,
  type RenewingDriver,
  renewingDrivers,
  type Wish,
} from './matrix-drivers.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: matrixConfiguration });
  await applyYaml(test, matrixPolicy('manual', 'approval: manual'));
});
afterAll(() => test.close());

let wishes = 0;

function wishFor(protocol: string, changes: Partial<Wish> = {}): Wish {
  wishes++;
  return { label: 'fleet', key: newKey(), commonName: `${protocol}-${wishes}`, passcode: fleetPasscode, ...changes };
}

async function enrolledBy(driver: Driver, wanted: Wish): Promise<X509Certificate> {
  const result = await driver.enroll(wanted);
  if (result.outcome !== 'issued') throw new Error(`not issued: ${JSON.stringify(result)}`);
  return result.certificate;
}

/** The refusal in the protocol's words, its event in the core's, and nothing on record. */
async function expectRefusalBy<Code extends string>(
  { protocol, wire }: { readonly protocol: string; readonly wire: Readonly<Record<Code, string>> },
  code: Code,
  ask: () => Promise<Outcome>,
): Promise<void> {
  const before = await countRecords(test);
  const result = await ask();
  expect(result).toMatchObject({ outcome: 'refused', wire: wire[code] });
  expect(await countRecords(test)).toEqual(before);
  const event = await eventOf(test, { requestId: result.outcome === 'refused' ? result.requestId : '' });
  expect(event).toMatchObject({ action: 'request.refused', protocol, code, reason: expect.stringMatching(/\w/) });
}

describe.each(drivers)('%s', (protocol, createDriver) => {
  let driver: Driver;
  beforeAll(() => {
    driver = createDriver(test);
  });

  const wish = (changes: Partial<Wish> = {}) => wishFor(protocol, changes);
  const enrolled = (wanted: Wish) => enrolledBy(driver, wanted);
  const expectRefusal = (code: Refusal, ask: () => Promise<Outcome>) => expectRefusalBy(driver, code, ask);

  it('issued: the certificate of the decision, on record with device and event', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const record = await recordOf(test, certificate);
    expect(certificate.subject).toBe(`CN=${wanted.commonName}`);
    expect(certificate.checkPrivateKey(wanted.key.privateKey)).toBe(true);
    expect(record).toMatchObject({
      protocol,
      policy: 'fleet',
      profile: 'device',
      usage: 'operational',
      status: 'valid',
    });
    expect(await eventOf(test, { requestId: record.requestId })).toMatchObject({
      action: 'certificate.issued',
      subject: record.id,
    });
    const device = await test.gateway.core.store.devices.findById({ id: record.deviceId ?? '' });
    expect(device).toMatchObject({ name: wanted.commonName, state: 'operational', groupName: 'pumps' });
  });

  it('pending: issued to who asks again after the approval', async () => {
    const wanted = wish({ label: 'manual' });
    const first = await driver.enroll(wanted);
    if (first.outcome !== 'pending') throw new Error(`not pending: ${JSON.stringify(first)}`);
    expect(await driver.enroll(wanted)).toMatchObject({ outcome: 'pending' });
    await approveRequest(first.requestId, by('alice'), test.gateway.core);
    expect((await enrolled(wanted)).subject).toBe(`CN=${wanted.commonName}`);
  });

  it('denied name', async () => {
    await expectRefusal('rejected-name', () => driver.enroll(wish({ commonName: 'not_allowed' })));
  });

  it('unknown policy', async () => {
    await expectRefusal('not-found', () => driver.enroll(wish({ label: 'nobody' })));
  });

  it('bad credential', async () => {
    await expectRefusal('bad-secret', () => driver.enroll(wish({ passcode: 'not-the-passcode' })));
  });

  it('used-up credential: refuses what is new, answers what it opened', async () => {
    const passcode = await driver.limitedPasscode();
    const wanted = wish({ passcode });
    const certificate = await enrolled(wanted);
    await expectRefusal('bad-secret', () => driver.enroll(wish({ passcode })));
    expect((await enrolled(wanted)).raw).toEqual(certificate.raw);
  });

  it('weak key', async () => {
    await expectRefusal('unacceptable-key', () => driver.enroll(wish({ key: shortRsaKey() })));
  });

  it('retransmission: the same certificate, once on record', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const before = await countRecords(test);
    expect((await enrolled(wanted)).raw).toEqual(certificate.raw);
    expect(await countRecords(test)).toEqual(before);
    expect((await enrolled({ ...wanted, key: newKey() })).serialNumber).not.toBe(certificate.serialNumber);
  });
});

describe.each(renewingDrivers)('%s, by a certificate', (protocol, createDriver) => {
  let driver: RenewingDriver;
  beforeAll(() => {
    driver = createDriver(test);
  });

  const wish = (changes: Partial<Wish> = {}) => wishFor(protocol, changes);
  const enrolled = (wanted: Wish) => enrolledBy(driver, wanted);

  it('re-enrollment: a successor of the same device, which names what it replaces', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const identity = { chain: [certificate.raw], privateKey: wanted.key.privateKey };
    const { passcode: _, ...renewal } = wanted;
    const result = await driver.reenroll({ ...renewal, key: newKey(), identity });
    if (result.outcome !== 'issued') throw new Error(`not issued: ${JSON.stringify(result)}`);
    const old = await recordOf(test, certificate);
    expect(await recordOf(test, result.certificate)).toMatchObject({ replaces: old.id, deviceId: old.deviceId });
  });

  it('revoked requester', async () => {
    const wanted = wish();
    const certificate = await enrolled(wanted);
    const { issuerId, serialNumber } = await recordOf(test, certificate);
    await revokeCertificate(
      { issuerId, serialNumber, reason: 'keyCompromise', actor: operator('test') },
      test.gateway.core,
    );
    const identity = { chain: [certificate.raw], privateKey: wanted.key.privateKey };
    const { passcode: _, ...renewal } = wanted;
    await expectRefusalBy(driver, 'revoked-requester', () => driver.reenroll({ ...renewal, key: newKey(), identity }));
  });
});
