import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateOf, createEstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode, makePasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { expectRefused } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
beforeAll(async () => {
  const configuration = fleet
    .replace('{ name: valves, division: plant,', '{ name: valves, division: plant, authenticationPolicy: valves,')
    .replace('authenticationPolicies:\n', 'authenticationPolicies:\n  - { name: valves, division: plant }\n');
  test = await startTestGateway({ configuration });
});
afterAll(() => test.close());

describe('the authentication policy of a device group, by EST', () => {
  it('opens the label of the group, and renews what it has opened', async () => {
    const passcode = await makePasscode(test, { authenticationPolicy: 'valves' });
    const client = createEstClient(test, { label: 'fleet~valves', passcode });
    const key = newKey();
    const csr = makeCsr({ key, subject: 'CN=valve-1' });
    const answer = await client.post('simpleenroll', csr);
    client.close();
    expect(answer.status).toBe(200);
    const identity = { chain: [new Uint8Array(certificateOf(answer).raw)], privateKey: key.privateKey };
    const renewing = createEstClient(test, { label: 'fleet~valves', identity });
    expect((await renewing.post('simplereenroll', csr)).status).toBe(200);
    renewing.close();
  });

  it('is not opened by the passcode of the policy, nor opens it for others', async () => {
    const passcode = await makePasscode(test, { authenticationPolicy: 'valves' });
    await test.gateway.core.holder.refresh();
    const ofPolicy = createEstClient(test, { label: 'fleet~valves', passcode: fleetPasscode });
    const csr = makeCsr({ key: newKey(), subject: 'CN=valve-2' });
    await expectRefused(test, await ofPolicy.post('simpleenroll', csr), { status: 401, code: 'bad-secret' });
    ofPolicy.close();
    for (const label of ['fleet', 'fleet~pumps']) {
      const ofGroup = createEstClient(test, { label, passcode });
      await expectRefused(test, await ofGroup.post('simpleenroll', csr), { status: 401, code: 'bad-secret' });
      ofGroup.close();
    }
  });
});
