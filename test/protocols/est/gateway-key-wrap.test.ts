import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { octetString } from '../../../src/x509/der-writer.js';
import { type Answer, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { countRecords, eventOf, expectRefused } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const decryptKeyIdentifier = '1.2.840.113549.1.9.16.2.37';
const key = '00112233445566778899aabbccddeeff';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(
    test,
    `authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: key-wrap-key, name: once, identifier: once, key: "${key}", usageLimit: 1 }
      - { kind: key-wrap-key, name: elsewhere, identifier: elsewhere, key: "${key}", allowedAddresses: [192.0.2.0/24] }
      - { kind: key-wrap-key, name: ended, identifier: ended, key: "${key}", notAfter: "2020-01-01T00:00:00Z" }
      - { kind: key-wrap-key, name: of-pump, identifier: of-pump, key: "${key}", registeredValues: { device: pump-9 } }
`,
  );
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function generate(name: string, keyWrapKey: string): Promise<Answer> {
  const attribute: [string, Uint8Array] = [decryptKeyIdentifier, octetString(Buffer.from(keyWrapKey))];
  return est.post('serverkeygen', makeCsr({ subject: `CN=${name}`, attributes: [attribute] }));
}

describe('key-wrap keys of EST /serverkeygen (RFC 7030 4.4.1.1)', () => {
  it('encrypt as many keys as their limit says; the repeat of a delivery is no further use', async () => {
    expect(await generate('first', 'once')).toMatchObject({ status: 200 });
    expect(await generate('first', 'once')).toMatchObject({ status: 200 });
    const before = await countRecords(test);
    const answer = await generate('second', 'once');
    await expectRefused(test, answer, { status: 400, code: 'malformed-request', says: 'may not be used' });
    expect(await countRecords(test)).toEqual(before);
  });

  it('hold their limit in a race', async () => {
    await applyYaml(
      test,
      `authenticationPolicies: [{ name: fleet, division: plant, credentials: [{ kind: key-wrap-key, name: raced, identifier: raced, key: "${key}", usageLimit: 2 }] }]`,
    );
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => generate(`racer-${index}`, 'raced')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  });

  it.each([
    ['elsewhere', 'the credential may not be used from this address'],
    ['ended', 'the credential has expired'],
  ])('are refused outside their conditions: %s', async (name, reason) => {
    const answer = await generate('third', name);
    await expectRefused(test, answer, { status: 400, code: 'malformed-request', says: 'may not be used' });
    expect((await eventOf(test, answer))?.reason).toContain(reason);
  });

  it('serve only the device that is registered with them', async () => {
    await expectRefused(test, await generate('pump-8', 'of-pump'), {
      status: 400,
      code: 'rejected-name',
      says: 'pump-9',
    });
    expect(await generate('pump-9', 'of-pump')).toMatchObject({ status: 200 });
  });
});
