/** extraCerts when the policy has another CA by now (RFC 9483 3.3): an issued certificate keeps the chain that it has. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import type { CmpClient } from '../../support/cmp/client.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { type CmpOutcome, issuedBy, outcomeOf } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;

const bySignature = signedBy(vendor.device('O=Vendor,CN=born'));

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(
    test,
    `certificateAuthorities:
  - { name: other-root, subject: "CN=Other Root,O=Plant", key: ec-p256, validity: 20y }
  - { name: other, parent: other-root, subject: "CN=Other,O=Plant", key: ec-p256, validity: 10y }
`,
  );
  client = createCmpClient(test, { label: 'moving', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const move = (issuingCa: string, changes = 'approval: automatic') =>
  applyYaml(test, cmpPolicy('moving', '', `issuingCa: ${issuingCa}, ${changes}`));

const chainOf = (...names: readonly string[]) => names.map((name) => `O=Plant\nCN=${name}`);

/** The subjects in extraCerts of an answer, behind the certificate that it is signed by. */
function othersOf({ message }: CmpOutcome, { kind }: CmpCredential): readonly string[] {
  const subjects = (message?.extraCerts ?? []).map(({ subject }) => subject);
  if (kind === 'mac') return subjects;
  expect(subjects[0]).toBe('CN=CMP moving');
  return subjects.slice(1);
}

const cases: [string, CmpCredential, string[]][] = [
  ['with a MAC: its chain alone', byMac, []],
  ['signed by a certificate of the other CA: that chain, and its own', bySignature, ['Other', 'Other Root']],
];

describe('The policy gets another CA after a certificate was issued, whose answer has,', () => {
  it.each(cases)('given again, %s', async (_how, credential, signer) => {
    await move('devices');
    const issued = await client.ir({ key: newKey(), subject: 'CN=repeated', credential });
    expect(othersOf(issued, credential)).toEqual(chainOf('Devices', 'Root'));
    await move('other');
    const answer = await client.send(issued.sent.der);
    const again = outcomeOf({ ...issued, answer, message: readMessage(answer.body) });
    expect(issuedBy(again).raw).toEqual(issuedBy(issued).raw);
    expect(othersOf(again, credential)).toEqual(chainOf(...signer, 'Devices', 'Root'));
    expect(again.body).toMatchObject({ caPubs: [{ subject: 'O=Plant\nCN=Root' }] });
  });

  it.each(cases)('fetched by a poll, %s', async (_how, credential, signer) => {
    await move('devices', 'approval: manual');
    const waiting = await client.ir({ key: newKey(), subject: 'CN=polled', credential });
    await approveRequest(waiting.answer.requestId, by('alice'), test.gateway.core);
    await move('other', 'approval: manual');
    const fetched = await client.poll(waiting, { credential });
    expect(issuedBy(fetched).issuer).toBe('O=Plant\nCN=Devices');
    expect(othersOf(fetched, credential)).toEqual(chainOf(...signer, 'Devices', 'Root'));
    expect((await client.confirm(fetched, { credential })).body?.type).toBe('pkiconf');
  });
});
