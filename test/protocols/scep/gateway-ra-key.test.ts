import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { countRecords, eventsOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient, type ScepWish } from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
/** It goes on with the RA certificate that it got at first, as a device does. */
let device: ScepClient;
let first: X509Certificate;
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  device = createScepClient(test, { label: 'fleet' });
  first = (await device.getCaCert()).ra;
});
afterAll(async () => {
  device.close();
  await test.close();
});

async function currentRa(): Promise<X509Certificate> {
  return (await device.getCaCert()).ra;
}

async function restart(): Promise<void> {
  device.close();
  test = await test.restart();
  device = createScepClient(test, { label: 'fleet' });
}

let wishes = 0;
/** Encrypted to a certificate, however old. */
function wishTo(ra: X509Certificate): ScepWish {
  return { key: newKey(), subject: `CN=device-${++wishes}`, challenge: fleetPasscode, message: { recipient: ra.raw } };
}

/** Issued, and signed by the RA certificate that the message was encrypted to. */
async function expectAnswered(ra: X509Certificate): Promise<void> {
  const outcome = await device.enroll(wishTo(ra));
  issuedBy(outcome);
  expect(outcome.reply?.signer).toMatchObject({ isValid: true });
  expect(outcome.reply?.signer.certificate.raw).toEqual(ra.raw);
  expect(outcome.reply?.signerCertificates.map(({ raw }) => raw)).toEqual([ra.raw]);
}

const wrongRecipient = { failInfo: 'badRequest', code: 'malformed-request', says: 'GetCACert' } as const;

describe('the RA key of a SCEP policy', () => {
  it('stays the same as long as it is young, also over a restart', async () => {
    await expectAnswered(first);
    await restart();
    expect((await currentRa()).raw).toEqual(first.raw);
    await expectAnswered(first);
    clock.advance(240 * daySeconds);
    expect((await currentRa()).raw).toEqual(first.raw);
  });

  it('is made once for all who ask at once', async () => {
    clock.advance(5 * daySeconds);
    const found = await Promise.all(Array.from({ length: 8 }, currentRa));
    expect(new Set(found.map(({ serialNumber }) => serialNumber)).size).toBe(1);
    const [renewed] = found;
    expect(renewed?.raw).not.toEqual(first.raw);
    expect(renewed?.publicKey.equals(first.publicKey)).toBe(false);
    const issued = await eventsOf(test, 'certificate.issued');
    expect(issued.filter(({ content }) => content.includes('service-scep-ra'))).toHaveLength(2);
  });

  it('opens what is encrypted to the earlier certificate after the renewal, and signs the answer with it', async () => {
    await expectAnswered(first);
    await expectAnswered(await currentRa());
  });

  it('does so after a restart too', async () => {
    await restart();
    await expectAnswered(first);
    await expectAnswered(await currentRa());
  });

  it('refuses what is encrypted to a certificate that has expired, signed with the present one', async () => {
    clock.advance(121 * daySeconds);
    const before = await countRecords(test);
    const outcome = await device.enroll(wishTo(first));
    await expectFailure(test, outcome, wrongRecipient);
    expect(outcome.reply?.signer.certificate.raw).toEqual((await currentRa()).raw);
    expect(await countRecords(test)).toEqual(before);
    await expectAnswered(await currentRa());
    await restart();
    await expectFailure(test, await device.enroll(wishTo(first)), wrongRecipient);
  });

  it('is shared by the groups of its policy, and by no other policy', async () => {
    await applyYaml(test, policyLike('other'));
    const raOf = async (label: string) => {
      const client = createScepClient(test, { label });
      const { ra } = await client.getCaCert();
      client.close();
      return ra;
    };
    expect((await raOf('fleet~valves')).raw).toEqual((await currentRa()).raw);
    await expectFailure(test, await device.enroll(wishTo(await raOf('other'))), wrongRecipient);
  });
});
