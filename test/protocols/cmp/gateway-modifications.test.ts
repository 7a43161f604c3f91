/** grantedWithMods (RFC 9810 5.2.3): in what a certificate differs from the wishes of its template. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { generalizedTime } from '../../../src/x509/der-writer.js';
import type { Extension } from '../../../src/x509/extensions.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import type { TemplateFields } from '../../support/cmp/cert-template.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { infoTypes } from '../../support/cmp/identifiers.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { applyYaml, lenientProfile } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let patient: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, lenientProfile);
  const profiles = 'profiles: [{ usage: operational, profile: lenient }]';
  await applyYaml(test, cmpPolicy('lenient', '', profiles));
  await applyYaml(test, cmpPolicy('manual', 'confirmWait: 77s', `approval: manual, pollInterval: 30s, ${profiles}`));
  client = createCmpClient(test, { label: 'lenient', credential: byMac });
  patient = createCmpClient(test, { label: 'manual', credential: byMac });
});
afterAll(async () => {
  client.close();
  patient.close();
  await test.close();
});

const serial: TemplateFields = { serialNumber: '0badcafe' };
const other: TemplateFields = { issuer: 'CN=Other' };
const rsa: TemplateFields = { signingAlg: signatureAlgorithmFor('rsa', 'sha256').identifier };
const ecdsa: TemplateFields = { signingAlg: signatureAlgorithmFor('ec', 'sha256').identifier };
const unknown: Extension = { id: '1.3.6.1.4.1.55555.1', critical: false, value: Uint8Array.of(5, 0) };

/** What a template wishes, and what the answer says to that. */
const wishes: readonly (readonly [what: string, wish: Partial<EnrollWish>, says: RegExp])[] = [
  ['a serial number', { template: serial }, /serial number/],
  ['another algorithm of the signature', { template: rsa }, /algorithm of the CA/],
  ['another issuer', { template: other }, /issuer/],
  ['an extension that the profile leaves out', { extensions: [unknown] }, /1\.3\.6\.1\.4\.1\.55555\.1/],
  ['all of these', { template: { ...serial, ...other, ...rsa }, extensions: [unknown] }, /serial.*issuer.*CA.*55555/],
];

let count = 0;
const subject = () => `CN=modified-${++count}`;

describe('A wish for what the CA assigns is granted with modifications, and the statusString says which', () => {
  it.each(wishes)('%s', async (_, wish, says) => {
    const outcome = await client.ir({ key: newKey(), subject: subject(), ...wish });
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods', failInfo: [] });
    expect(outcome.statusString).toMatch(says);
    expect(issuedBy(outcome).serialNumber).not.toBe('0BADCAFE');
  });

  it.each(['cr', 'kur'] as const)('also in a %s', async (type) => {
    const { credential, name } = await enrolled(test, { label: 'lenient' });
    const outcome = await client[type]({ key: newKey(), subject: `CN=${name}`, credential, template: serial });
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods', statusString: expect.stringContaining('serial') });
  });

  it('unless it is what the CA does anyway', async () => {
    const outcome = await client.ir({ key: newKey(), subject: subject(), template: ecdsa });
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', failInfo: [] });
    expect(outcome.statusString).toBeUndefined();
  });

  it("the issuer of the signer's certificate is no wish; without that signature it is one", async () => {
    const { credential, name, certificate } = await enrolled(test, { label: 'lenient' });
    const elsewhere = createCmpClient(test, { label: 'elsewhere', credential: byMac });
    expect(certificate.issuer).toBe('O=Plant\nCN=Devices');
    await applyYaml(
      test,
      `certificateAuthorities:
  - { name: elsewhere, parent: root, subject: "CN=Elsewhere,O=Plant", key: ec-p256, validity: 10y, pathLength: 0 }
`,
    );
    await applyYaml(test, cmpPolicy('elsewhere', '', 'issuingCa: elsewhere'));
    const wish = { subject: `CN=${name}`, template: { issuer: 'CN=Devices,O=Plant' } };
    const signed = await elsewhere.cr({ key: newKey(), ...wish, credential });
    expect(signed.pkiStatus).toBe('accepted');
    expect(issuedBy(signed).issuer).toBe('O=Plant\nCN=Elsewhere');
    const byMacOnly = await elsewhere.ir({ key: newKey(), ...wish });
    expect(byMacOnly).toMatchObject({ pkiStatus: 'grantedWithMods', statusString: expect.stringContaining('issuer') });
    elsewhere.close();
  });
});

/** The answer to the very same message once more. */
async function again(by: CmpClient, message: Uint8Array) {
  const { body } = readMessage((await by.send(message)).body);
  const [response] = 'responses' in body ? body.responses : [];
  return { status: response?.status.status, certificate: response?.certificate?.raw };
}

/** What a message waits for, after its approval. */
async function approved(waiting: CmpOutcome): Promise<CmpOutcome> {
  expect(waiting.pkiStatus).toBe('waiting');
  await approveRequest(waiting.answer.requestId, by('alice'), test.gateway.core);
  return await patient.poll(waiting);
}

describe('What was granted with modifications stays so', () => {
  it.each(wishes)('when the message comes again: %s', async (_, wish) => {
    const outcome = await client.ir({ key: newKey(), subject: subject(), ...wish });
    expect(await again(client, outcome.sent.der)).toEqual({
      status: 'grantedWithMods',
      certificate: issuedBy(outcome).raw,
    });
  });

  it.each(wishes)('after an approval, and when the message comes again then: %s', async (_, wish, says) => {
    const outcome = await approved(await patient.ir({ key: newKey(), subject: subject(), ...wish }));
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods', body: { type: 'ip' } });
    expect(outcome.statusString).toMatch(says);
    expect(await again(patient, outcome.sent.der)).toEqual({ status: undefined, certificate: undefined });
    const [first] = outcome.earlier;
    expect(await again(patient, first?.der ?? new Uint8Array())).toEqual({
      status: 'grantedWithMods',
      certificate: issuedBy(outcome).raw,
    });
  });

  it('after an approval, with a key that the gateway makes', async () => {
    const wish = { header: { pvno: 3 }, subject: subject(), template: serial };
    const outcome = await approved(await patient.ir(wish));
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods', statusString: expect.stringContaining('serial') });
  });

  it('while what is granted as it was wished is accepted, also when it comes again', async () => {
    const outcome = await approved(await patient.ir({ key: newKey(), subject: subject() }));
    expect(outcome).toMatchObject({ pkiStatus: 'accepted' });
    const [first] = outcome.earlier;
    expect((await again(patient, first?.der ?? new Uint8Array())).status).toBe('accepted');
  });
});

describe('The answer to a pollReq', () => {
  it('says until when its certificate is to be confirmed, counted from the poll', async () => {
    const waiting = await patient.ir({ key: newKey(), subject: subject() });
    clock.advance(1000);
    const { message } = await approved(waiting);
    const info = message?.header.generalInfo.find(({ type }) => type === infoTypes.confirmWaitTime);
    const end = new Date(Math.floor(clock.now().getTime() / 1000) * 1000 + 77_000);
    expect(info?.value).toEqual(Buffer.from(generalizedTime(end)));
  });
});
