import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RequestedReason } from '../../../src/enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import type { TlsIdentity } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { operator } from '../../support/operator.js';
import { countRecords, eventsOf, recordOf } from '../../support/records.js';
import {
  createScepClient,
  issuedBy,
  type ScepClient,
  type ScepOutcome,
  type ScepWish,
} from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, ScepClient>();
const clock = createTestClock();
const manufacturer = createManufacturer('Acme');
const stranger = createManufacturer('Stranger');

const configuration = `
profiles:
  - name: windowed
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
    renewal: { window: 30d, grace: 7d }
  - name: same
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
    renewal: { key: same }
authenticationPolicies:
  - name: factory
    division: plant
    credentials:
      - { kind: authentication-ca, name: acme, certificate: ${yamlPem(manufacturer.certificate)} }
      - { kind: passcode, name: factory, secret: factory-passcode }
  - name: both
    division: plant
    require: certificate-and-secret
    credentials:
      - { kind: authentication-ca, name: acme, certificate: ${yamlPem(manufacturer.certificate)} }
      - { kind: passcode, name: both, secret: both-passcode }
`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock, settings: { failedAuthenticationsPerMinute: '10000' } });
  await applyYaml(test, configuration);
  await applyYaml(test, policyLike('windowed', 'profiles: [{ usage: operational, profile: windowed }]'));
  await applyYaml(test, policyLike('same', 'profiles: [{ usage: operational, profile: same }]'));
  await applyYaml(test, policyLike('factory', 'authenticationPolicy: factory'));
  await applyYaml(test, policyLike('both', 'authenticationPolicy: both'));
  await applyYaml(test, policyLike('single', 'duplicates: revoke-previous'));
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function connect(label = 'fleet'): ScepClient {
  const client = clients.get(label) ?? createScepClient(test, { label });
  clients.set(label, client);
  return client;
}

interface Device {
  readonly key: KeyPair;
  readonly subject: string;
  readonly certificate: X509Certificate;
  readonly identity: TlsIdentity;
}

let devices = 0;

async function enroll(label = 'fleet', wish: Partial<ScepWish> = {}): Promise<Device> {
  devices++;
  const { key = newKey(), subject = `CN=device-${devices}` } = wish;
  const certificate = issuedBy(await connect(label).enroll({ challenge: fleetPasscode, ...wish, key, subject }));
  return { key, subject, certificate, identity: { chain: [certificate.raw], privateKey: key.privateKey } };
}

/** With the same name and a new key, unless told otherwise. */
function renew({ subject, identity }: Device, changes: Partial<ScepWish> = {}, label = 'fleet'): Promise<ScepOutcome> {
  return connect(label).renew({ key: newKey(), subject, identity, ...changes });
}

async function revoke({ certificate }: Device, reason: RequestedReason): Promise<void> {
  const { issuerId, serialNumber } = await recordOf(test, certificate);
  await revokeCertificate({ issuerId, serialNumber, reason, actor: operator('test') }, test.gateway.core);
}

async function expectSuccessor(outcome: ScepOutcome, device: Device, key: KeyPair): Promise<void> {
  const next = issuedBy(outcome);
  const [old, record] = [await recordOf(test, device.certificate), await recordOf(test, next)];
  expect(next.serialNumber).not.toBe(device.certificate.serialNumber);
  expect(next.subject).toBe(device.certificate.subject);
  expect(next.checkPrivateKey(key.privateKey)).toBe(true);
  expect(record).toMatchObject({ replaces: old.id, deviceId: old.deviceId, usage: 'operational', protocol: 'scep' });
}

const refusedRequester = { failInfo: 'badRequest', code: 'revoked-requester' } as const;
const refusedSigner = { failInfo: 'badMessageCheck', code: 'untrusted-signer' } as const;

describe('SCEP RenewalReq (RFC 8894 3.3.1.1)', () => {
  it.each([
    ['EC', 'a new key', newKey(), newKey()],
    ['EC', 'the same key', newKey(), undefined],
    ['RSA', 'the same key', rsaKey, undefined],
    ['RSA', 'a new key of another type', rsaKey, newKey()],
  ])('signed by the current %s certificate issues a successor with %s', async (_type, _what, key, next = key) => {
    const device = await enroll('fleet', {
      key,
      ...(key === rsaKey ? { subject: 'CN=rsa', transactionId: `${devices}` } : {}),
    });
    const outcome = await renew(device, { key: next });
    await expectSuccessor(outcome, device, next);
    // Only the holder of the certificate that signed can read it.
    expect(outcome.reply?.envelope?.recipientSerialNumber).toBe(device.certificate.serialNumber.toLowerCase());
  });

  it('may be called PKCSReq, as older clients do', async () => {
    const device = await enroll();
    const key = newKey();
    await expectSuccessor(await connect().enroll({ ...device, key }), device, key);
  });

  it('may come by GET, and over TLS', async () => {
    const [device, other] = [await enroll(), await enroll()];
    const [key, otherKey] = [newKey(), newKey()];
    await expectSuccessor(await renew(device, { key, method: 'GET' }), device, key);
    const overTls = createScepClient(test, { label: 'fleet', isTls: true });
    await expectSuccessor(await overTls.renew({ ...other, key: otherKey }), other, otherKey);
    overTls.close();
  });

  it('may bring a challenge, right or wrong, that is not looked at', async () => {
    for (const challenge of [fleetPasscode, 'long-forgotten', '']) {
      const device = await enroll();
      const key = newKey();
      await expectSuccessor(await renew(device, { key, challenge }), device, key);
    }
  });

  it.each([
    ['another subject', { subject: 'CN=another' }],
    ['an attribute more', { subject: 'CN=device,O=Plant' }],
    ['an alternative name more', { alternatives: [{ type: 'dns', value: 'more.example' }] }],
  ] as const)('is refused with %s', async (_, changes) => {
    const device = await enroll();
    const before = await countRecords(test);
    const outcome = await renew(device, changes);
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'rejected-name', says: 'same-names' });
    expect(await countRecords(test)).toEqual(before);
  });

  it('with another device’s challenge still cannot have its name', async () => {
    const device = await enroll();
    const outcome = await renew(device, { subject: 'CN=somebody-else', challenge: fleetPasscode });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'rejected-name' });
  });

  it('is refused with the key of another device', async () => {
    const [device, other] = [await enroll(), await enroll()];
    const outcome = await renew(device, { key: other.key });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'unacceptable-key', says: 'another device' });
  });

  it('is refused where the request is not signed with its own key', async () => {
    const device = await enroll();
    const csr = makeCsr({ key: newKey(), subject: device.subject, signedBy: device.key });
    const outcome = await renew(device, { csr });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'malformed-request', says: 'valid signature' });
  });

  it('keeps its key where the profile says so', async () => {
    const device = await enroll('same');
    const refused = await renew(device, {}, 'same');
    await expectFailure(test, refused, { failInfo: 'badRequest', code: 'unacceptable-key', says: 'keeps the key' });
    await expectSuccessor(await renew(device, { key: device.key }, 'same'), device, device.key);
  });

  it('without a certificate, signed like a first request, needs the challenge', async () => {
    const wish = { key: newKey(), subject: 'CN=new-one' };
    const message = { type: 'RenewalReq' } as const;
    await expectFailure(test, await connect().enroll({ ...wish, message }), {
      failInfo: 'badRequest',
      code: 'bad-secret',
    });
    issuedBy(await connect().enroll({ ...wish, message, challenge: fleetPasscode }));
  });
});

describe('a SCEP signer that is no longer good', () => {
  it('is refused when it is revoked, whatever challenge comes with it', async () => {
    const device = await enroll();
    await revoke(device, 'superseded');
    await expectFailure(test, await renew(device), { ...refusedRequester, says: 'revoked' });
    await expectFailure(test, await renew(device, { challenge: fleetPasscode }), {
      ...refusedRequester,
      says: 'revoked',
    });
    await expectFailure(test, await connect().enroll({ ...device, challenge: fleetPasscode }), {
      ...refusedRequester,
      says: 'revoked',
    });
  });

  it('is refused while it is on hold, and taken again when it is released', async () => {
    const device = await enroll();
    await revoke(device, 'certificateHold');
    await expectFailure(test, await renew(device), { ...refusedRequester, says: 'on hold' });
    const { issuerId, serialNumber } = await recordOf(test, device.certificate);
    await releaseCertificate({ issuerId, serialNumber, actor: operator('test') }, test.gateway.core);
    const key = newKey();
    await expectSuccessor(await renew(device, { key }), device, key);
  });

  it('gets no certificate for a key that was compromised', async () => {
    const device = await enroll();
    await revoke(device, 'keyCompromise');
    const { key, subject } = device;
    const outcome = await connect().enroll({ key, subject, challenge: fleetPasscode, transactionId: 'again' });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'unacceptable-key', says: 'compromised' });
  });
});

describe('the window of a SCEP renewal, by the profile', () => {
  it('opens before the end of the certificate, and closes after the grace', async () => {
    const [early, late, tooLate] = [await enroll('windowed'), await enroll('windowed'), await enroll('windowed')];
    const tooEarly = { failInfo: 'badRequest', code: 'invalid-state', says: 'opens on' } as const;
    await expectFailure(test, await renew(early, {}, 'windowed'), tooEarly);
    clock.advance(59 * daySeconds);
    await expectFailure(test, await renew(early, {}, 'windowed'), tooEarly);
    clock.advance(2 * daySeconds);
    const key = newKey();
    await expectSuccessor(await renew(early, { key }, 'windowed'), early, key);
    clock.advance(35 * daySeconds);
    const lateKey = newKey();
    await expectSuccessor(await renew(late, { key: lateKey }, 'windowed'), late, lateKey);
    clock.advance(2 * daySeconds);
    const before = await countRecords(test);
    await expectFailure(test, await renew(tooLate, {}, 'windowed'), { ...refusedRequester, says: 'expired' });
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('a SCEP request signed by a certificate of the factory', () => {
  it.each(['RenewalReq', 'PKCSReq'] as const)('as %s is a first enrollment, without challenge', async (type) => {
    const identity = manufacturer.device(`O=Acme,CN=unit-${type}`);
    const key = newKey();
    const certificate = issuedBy(
      await connect('factory').enroll({ key, subject: `CN=unit-${type}`, identity, message: { type } }),
    );
    expect(await recordOf(test, certificate)).toMatchObject({ replaces: null, policy: 'factory' });
  });

  it('is refused where its CA is not one that authenticates, also with a good challenge', async () => {
    const identity = stranger.device('O=Stranger,CN=unit-2');
    const wish = { key: newKey(), subject: 'CN=unit-2', identity };
    await expectFailure(test, await connect('factory').enroll(wish), refusedSigner);
    await expectFailure(
      test,
      await connect('factory').enroll({ ...wish, challenge: 'factory-passcode' }),
      refusedSigner,
    );
  });

  it('is refused by a policy with another authentication policy', async () => {
    const device = await enroll();
    await expectFailure(test, await renew(device, {}, 'factory'), refusedSigner);
  });

  it('needs the challenge beside it where the policy wants certificate and secret', async () => {
    const identity = manufacturer.device('O=Acme,CN=unit-3');
    const wish = { key: newKey(), subject: 'CN=unit-3' };
    const client = connect('both');
    await expectFailure(test, await client.enroll({ ...wish, identity }), {
      failInfo: 'badRequest',
      code: 'bad-secret',
    });
    await expectFailure(test, await client.enroll({ ...wish, challenge: 'both-passcode' }), refusedSigner);
    const certificate = issuedBy(await client.enroll({ ...wish, identity, challenge: 'both-passcode' }));
    const next = {
      key: newKey(),
      subject: 'CN=unit-3',
      identity: { chain: [certificate.raw], privateKey: wish.key.privateKey },
    };
    await expectFailure(test, await client.renew(next), { failInfo: 'badRequest', code: 'bad-secret' });
    issuedBy(await client.renew({ ...next, challenge: 'both-passcode' }));
  });
});

describe('a policy that revokes the previous certificate', () => {
  it('supersedes it with a new enrollment by SCEP', async () => {
    const device = await enroll('single', { subject: 'CN=single' });
    const again = await enroll('single', { subject: 'CN=single' });
    expect(await recordOf(test, device.certificate)).toMatchObject({ status: 'revoked', revocationReason: 4 });
    expect((await recordOf(test, again.certificate)).status).toBe('valid');
    expect((await eventsOf(test, 'certificate.revoked'))[0]?.subject).toBe(
      (await recordOf(test, device.certificate)).id,
    );
    await expectFailure(test, await renew(device, {}, 'single'), refusedRequester);
  });
});
