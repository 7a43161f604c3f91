import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RequestedReason } from '../../../src/enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { type Answer, certificateOf, createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { type CsrOptions, type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { operator } from '../../support/operator.js';
import { countRecords, expectRefused, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clock = createTestClock();

const profile = (name: string, renewal: string) => `
  - name: ${name}
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    subjectAltNames: [{ type: dns, source: request }]
    keyUsages: [digitalSignature]
    validity: 90d
    renewal: ${renewal}`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  const profiles = [
    profile('windowed', '{ window: 30d, grace: 7d }'),
    profile('same', '{ key: same }'),
    profile('new', '{ key: new }'),
    profile('open', '{ grace: 0s }'),
  ];
  await applyYaml(test, `profiles:${profiles.join('')}\n`);
  for (const name of ['windowed', 'same', 'new', 'open']) {
    await applyYaml(test, policyLike(name, `profiles: [{ usage: operational, profile: ${name} }]`));
  }
  await applyYaml(
    test,
    policyLike('renaming', 'changeSubjectName: true, profiles: [{ usage: operational, profile: open }]'),
  );
  await applyYaml(test, 'authenticationPolicies: [{ name: strangers, division: plant }]\n');
  await applyYaml(test, policyLike('strange', 'authenticationPolicy: strangers'));
});
afterAll(() => test.close());

interface Device {
  readonly key: KeyPair;
  readonly certificate: X509Certificate;
  readonly request: CsrOptions;
}

let devices = 0;

async function enroll(label: string, options: CsrOptions = {}): Promise<Device> {
  devices++;
  const request = { key: newKey(), subject: `CN=device-${devices}`, ...options };
  const est = createEstClient(test, { label, passcode: fleetPasscode });
  const certificate = certificateOf(await est.post('simpleenroll', makeCsr(request)));
  est.close();
  return { key: request.key, certificate, request };
}

async function post(
  operation: string,
  { key, certificate }: Device,
  label: string,
  request: CsrOptions,
): Promise<Answer> {
  const est = createEstClient(test, { label, identity: { chain: [certificate.raw], privateKey: key.privateKey } });
  const answer = await est.post(operation, makeCsr(request));
  est.close();
  return answer;
}

/** With the same names and key, unless told otherwise. */
function reenroll(device: Device, label: string, changes: CsrOptions = {}): Promise<Answer> {
  return post('simplereenroll', device, label, { ...device.request, ...changes });
}

async function revoke(device: Device, reason: RequestedReason): Promise<void> {
  const { issuerId, serialNumber } = await recordOf(test, device.certificate);
  await revokeCertificate({ issuerId, serialNumber, reason, actor: operator('test') }, test.gateway.core);
}

describe('EST /simplereenroll (RFC 7030 4.2.2)', () => {
  const alternatives = [
    { type: 'dns', value: 'a.example' },
    { type: 'dns', value: 'b.example' },
  ] as const;

  it.each([
    ['the same key', false],
    ['a new key', true],
  ])('issues a successor with %s', async (_, isNew) => {
    const device = await enroll('open', { alternatives });
    const key = isNew ? newKey() : device.key;
    const next = certificateOf(await reenroll(device, 'open', { key }));
    expect(next.serialNumber).not.toBe(device.certificate.serialNumber);
    expect(next.subject).toBe(device.certificate.subject);
    expect(next.subjectAltName).toBe('DNS:a.example, DNS:b.example');
    expect(next.checkPrivateKey(key.privateKey)).toBe(true);
    const old = await recordOf(test, device.certificate);
    expect(await recordOf(test, next)).toMatchObject({
      replaces: old.id,
      deviceId: old.deviceId,
      usage: 'operational',
    });
  });

  it('gives a repeat the same certificate', async () => {
    const device = await enroll('open');
    const key = newKey();
    const first = certificateOf(await reenroll(device, 'open', { key }));
    expect(certificateOf(await reenroll(device, 'open', { key })).raw).toEqual(first.raw);
  });

  it('takes alternative names in another order', async () => {
    const device = await enroll('open', { alternatives });
    certificateOf(await reenroll(device, 'open', { alternatives: alternatives.toReversed() }));
  });

  it.each<[string, CsrOptions]>([
    ['another subject', { subject: 'CN=another' }],
    ['an attribute more', { subject: 'CN=device,O=Plant' }],
    ['another alternative name', { alternatives: [{ type: 'dns', value: 'c.example' }] }],
    ['an alternative name less', { alternatives: alternatives.slice(0, 1) }],
    ['no alternative names', { alternatives: [] }],
  ])('refuses %s', async (_, changes) => {
    const device = await enroll('open', { alternatives });
    const before = await countRecords(test);
    await expectRefused(test, await reenroll(device, 'open', changes), {
      status: 400,
      code: 'rejected-name',
      says: 'same-names',
    });
    expect(await countRecords(test)).toEqual(before);
  });

  it('refuses a request without client certificate, whatever the passcode is', async () => {
    const est = createEstClient(test, { label: 'open', passcode: fleetPasscode });
    await expectRefused(test, await est.post('simplereenroll', makeCsr({ key: newKey() })), {
      status: 403,
      code: 'untrusted-signer',
    });
    est.close();
  });

  it('refuses at a policy with another authentication policy', async () => {
    await expectRefused(test, await reenroll(await enroll('open'), 'strange'), {
      status: 403,
      code: 'untrusted-signer',
    });
  });

  it("refuses another device's key", async () => {
    const [device, other] = [await enroll('open'), await enroll('open')];
    const answer = await reenroll(device, 'open', { key: other.key });
    await expectRefused(test, answer, { status: 400, code: 'unacceptable-key', says: 'another device' });
  });
});

describe('EST /simpleenroll with nothing but a certificate issued here', () => {
  it('is a re-enrollment: same names, or none', async () => {
    const device = await enroll('open');
    const next = certificateOf(await post('simpleenroll', device, 'open', { ...device.request, key: newKey() }));
    expect((await recordOf(test, next)).replaces).toBe((await recordOf(test, device.certificate)).id);
    const other = await post('simpleenroll', device, 'open', { key: newKey(), subject: 'CN=another' });
    await expectRefused(test, other, { status: 400, code: 'rejected-name', says: 'same-names' });
  });
});

describe('EST re-enrollment by the rules of the profile', () => {
  it('demands the same key, or a new one', async () => {
    const same = await enroll('same');
    await expectRefused(test, await reenroll(same, 'same', { key: newKey() }), {
      status: 400,
      code: 'unacceptable-key',
      says: 'keeps the key',
    });
    certificateOf(await reenroll(same, 'same'));
    const fresh = await enroll('new');
    await expectRefused(test, await reenroll(fresh, 'new'), { status: 400, code: 'unacceptable-key', says: 'new key' });
    certificateOf(await reenroll(fresh, 'new', { key: newKey() }));
  });

  it('opens with the window, and closes after the grace', async () => {
    const [early, late, later] = [await enroll('windowed'), await enroll('windowed'), await enroll('windowed')];
    await expectRefused(test, await reenroll(early, 'windowed'), {
      status: 400,
      code: 'invalid-state',
      says: 'opens on',
    });
    clock.advance(59 * daySeconds);
    await expectRefused(test, await reenroll(early, 'windowed'), {
      status: 400,
      code: 'invalid-state',
      says: 'opens on',
    });
    clock.advance(2 * daySeconds);
    certificateOf(await reenroll(early, 'windowed'));
    clock.advance(35 * daySeconds);
    await expectRefused(test, await post('simpleenroll', late, 'windowed', late.request), {
      status: 403,
      code: 'revoked-requester',
      says: 'expired',
    });
    expect(certificateOf(await reenroll(late, 'windowed')).subject).toBe(late.certificate.subject);
    clock.advance(2 * daySeconds);
    await expectRefused(test, await reenroll(later, 'windowed'), {
      status: 403,
      code: 'revoked-requester',
      says: 'expired',
    });
  });

  it('closes with the end of the certificate where there is no grace', async () => {
    const device = await enroll('open');
    clock.advance(90 * daySeconds + 1);
    await expectRefused(test, await reenroll(device, 'open'), {
      status: 403,
      code: 'revoked-requester',
      says: 'expired',
    });
  });
});

describe('EST ChangeSubjectName (RFC 6402 2.8)', () => {
  const change = (subject: string): CsrOptions => ({
    attributes: [
      [
        '1.3.6.1.5.5.7.7.36',
        sequence(encodeName(parseName(subject)), encodeGeneralNames([{ type: 'dns', value: 'renamed.example' }])),
      ],
    ],
  });

  it('changes the names where the policy lets it', async () => {
    const device = await enroll('renaming');
    const next = certificateOf(await reenroll(device, 'renaming', change('CN=renamed')));
    expect([next.subject, next.subjectAltName]).toEqual(['CN=renamed', 'DNS:renamed.example']);
    expect((await recordOf(test, next)).deviceId).toBe((await recordOf(test, device.certificate)).deviceId);
  });

  it('is refused where the policy does not let it', async () => {
    const answer = await reenroll(await enroll('open'), 'open', change('CN=renamed'));
    await expectRefused(test, answer, { status: 400, code: 'rejected-name', says: 'does not let' });
  });

  it('is refused when the request has another name than the client certificate', async () => {
    const answer = await reenroll(await enroll('renaming'), 'renaming', {
      subject: 'CN=liar',
      ...change('CN=renamed'),
    });
    await expectRefused(test, answer, { status: 400, code: 'rejected-name', says: 'ChangeSubjectName' });
  });
});

describe('EST with a client certificate that was issued here and is no longer good', () => {
  it.each(['simpleenroll', 'simplereenroll', 'serverkeygen'])(
    '%s refuses a revoked one with 403',
    async (operation) => {
      const device = await enroll('open');
      await revoke(device, 'keyCompromise');
      await expectRefused(test, await post(operation, device, 'open', { ...device.request, key: newKey() }), {
        status: 403,
        code: 'revoked-requester',
        says: 'revoked',
      });
    },
  );

  it('refuses one on hold until it is released', async () => {
    const device = await enroll('open');
    await revoke(device, 'certificateHold');
    await expectRefused(test, await reenroll(device, 'open'), {
      status: 403,
      code: 'revoked-requester',
      says: 'on hold',
    });
    const { issuerId, serialNumber } = await recordOf(test, device.certificate);
    await releaseCertificate({ issuerId, serialNumber, actor: operator('test') }, test.gateway.core);
    certificateOf(await reenroll(device, 'open'));
  });

  it('refuses a revoked one also beside a good passcode', async () => {
    const device = await enroll('open');
    await revoke(device, 'unspecified');
    const est = createEstClient(test, {
      label: 'open',
      passcode: fleetPasscode,
      identity: { chain: [device.certificate.raw], privateKey: device.key.privateKey },
    });
    await expectRefused(test, await est.post('simpleenroll', makeCsr({ ...device.request, key: newKey() })), {
      status: 403,
      code: 'revoked-requester',
    });
    est.close();
  });

  it('never certifies a compromised key again', async () => {
    const device = await enroll('open');
    await revoke(device, 'keyCompromise');
    const est = createEstClient(test, { label: 'open', passcode: fleetPasscode });
    await expectRefused(test, await est.post('simpleenroll', makeCsr(device.request)), {
      status: 400,
      code: 'unacceptable-key',
      says: 'compromised',
    });
    est.close();
  });
});
