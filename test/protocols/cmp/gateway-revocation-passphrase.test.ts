/** Revocation passphrases (RFC 9810 5.3.19.9 and appendix B): set by a genm, used in an rr, good for nothing else. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportCatalog } from '../../../src/catalog/export.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { revDetails } from '../../support/cmp/bodies.js';
import type { CmpClient } from '../../support/cmp/client.js';
import type { MacWish } from '../../support/cmp/macs.js';
import { type CmpCredential, subjectKeyIdOf } from '../../support/cmp/message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  enrolled,
  signedBy,
  startCmpFleet,
  statusOf,
  vendor,
} from '../../support/cmp-fleet.js';
import {
  byPassphrase,
  encryptionCertificate,
  guess,
  isTaken,
  type PassphraseWish,
  passphrase,
  setPassphrase,
} from '../../support/cmp-passphrases.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml, policyLike, yamlPem } from '../../support/fleet.js';
import { eventOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let recipient: PassphraseWish['recipient'];
const clock = createTestClock();

const secrets = `authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: cmp-secret, name: one, reference: one, secret: secret of one device, usageLimit: 1 }
      - { kind: cmp-secret, name: two, reference: two, secret: secret of two devices, usageLimit: 2 }
      - { kind: cmp-secret, name: bound, reference: bound, secret: secret of bound-1, registeredValues: { device: bound-1 } }
      - { kind: cmp-secret, name: unused, reference: unused, secret: secret of nobody, usageLimit: 1 }
      - { kind: cmp-secret, name: unborn, reference: unborn, secret: secret of unborn, registeredValues: { device: unborn } }
`;
const bySecret = (reference: string, secret: string): CmpCredential & { kind: 'mac' } => ({
  kind: 'mac',
  reference,
  secret,
});

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, secrets);
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  recipient = { kind: 'certificate', certificate: await encryptionCertificate(client) };
});
afterAll(async () => {
  client.close();
  await test.close();
});

const set = (credential: CmpCredential, keyId: string, wish: Partial<PassphraseWish> = {}) =>
  setPassphrase(client, { passphrase, recipient, keyId, ...wish }, { credential });
const rr = ({ certificate }: CmpDevice, credential: CmpCredential, reason = 1) =>
  client.revoke({ certificate: certificate.raw, credential, reason, header: { pvno: 3 } });

const rp = { body: 'rp' } as const;
const wrong = { failInfo: 'badMessageCheck', code: 'bad-secret' } as const;
const forbidden = { failInfo: 'notAuthorized', code: 'forbidden' } as const;
const tooEarly = { failInfo: 'badRequest', code: 'invalid-state', says: 'enroll first' } as const;

describe('A revocation passphrase that a signed genm has set', () => {
  it.each<[string, MacWish]>([
    ['pbm', { type: 'pbm' }],
    ['pbmac1', { type: 'pbmac1' }],
    ['hmac', { type: 'hmac', digest: 'sha256' }],
    ['kmac', { type: 'kmac', strength: 256 }],
  ])('revokes the certificate by an rr with a MAC: %s', async (name, algorithm) => {
    const device = await enrolled(test);
    const outcome = await set(device.credential, name);
    expect([outcome.status, isTaken(outcome)]).toEqual([200, true]);
    const revoked = await rr(device, byPassphrase(name, passphrase, algorithm));
    expect(revoked).toMatchObject({ status: 200, pkiStatus: 'accepted', body: { type: 'rp' } });
    expect(await recordOf(test, device.certificate)).toMatchObject({ status: 'revoked', revocationReason: 1 });
  });

  it('is on record in both audit events, and the passphrase itself in none', async () => {
    const device = await enrolled(test);
    const { deviceId } = await recordOf(test, device.certificate);
    const outcome = await set(device.credential, 'recorded');
    const event = await eventOf(test, outcome.answer);
    expect(event).toMatchObject({
      action: 'device.passphrase-set',
      outcome: 'success',
      subject: deviceId,
      device: device.name,
      lineage: (await recordOf(test, device.certificate)).id,
      reference: Buffer.from('recorded').toString('hex'),
      read: true,
      requester: expect.stringMatching(/^certificate:/),
    });
    const revoked = await rr(device, byPassphrase('recorded', passphrase));
    expect(await eventOf(test, revoked.answer)).toMatchObject({
      action: 'certificate.revoked',
      requestedBy: `revocation-passphrase:${event?.credential}`,
    });
    const everything = JSON.stringify(await test.gateway.core.store.audit.list({ limit: 10_000 }));
    expect(everything).not.toContain(passphrase);
    expect(everything).not.toContain(Buffer.from(passphrase).toString('hex'));
  });

  it('is found by the senderKID of the genm where there is no localKeyId', async () => {
    const device = await enrolled(test);
    expect(isTaken(await setPassphrase(client, { passphrase, recipient }, { credential: device.credential }))).toBe(
      true,
    );
    const senderKid = subjectKeyIdOf(decodeCertificate(device.certificate.raw)) ?? new Uint8Array();
    const outcome = await client.revoke({
      certificate: device.certificate.raw,
      credential: byPassphrase(Buffer.from(senderKid).toString('hex'), passphrase),
      header: { senderKid },
      // Octets that are no text have their hex as name.
      unchecked: ['senderKid'],
    });
    expect([outcome.pkiStatus, await statusOf(test, device)]).toEqual(['accepted', 'revoked']);
  });

  it('takes the place of the one before, which is worth nothing any more', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'first', { passphrase: 'the first passphrase' });
    await set(device.credential, 'second', { passphrase: 'the second passphrase' });
    for (const reference of ['first', 'second']) {
      const credential = byPassphrase(reference, 'the first passphrase');
      await expectRejected(test, () => guess(client, device, credential), { ...rp, ...wrong });
    }
    expect(await statusOf(test, device)).toBe('valid');
    expect((await rr(device, byPassphrase('second', 'the second passphrase'))).pkiStatus).toBe('accepted');
  });

  it("is forbidden to touch another device's certificate", async () => {
    const [device, other] = [await enrolled(test), await enrolled(test)];
    await set(device.credential, 'own-only');
    const before = await recordOf(test, other.certificate);
    for (const reason of [1, 6, 8]) {
      await expectRejected(test, () => rr(other, byPassphrase('own-only', passphrase), reason), {
        ...rp,
        ...forbidden,
      });
    }
    expect(await recordOf(test, other.certificate)).toEqual(before);
  });

  it('puts a certificate on hold, and does not revive it', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'hold');
    const credential = byPassphrase('hold', passphrase);
    expect([(await rr(device, credential, 6)).pkiStatus, await statusOf(test, device)]).toEqual(['accepted', 'held']);
    await expectRejected(test, () => rr(device, credential, 8), { ...rp, ...forbidden, says: 'revives nothing' });
    expect(await statusOf(test, device)).toBe('held');
    expect([(await rr(device, credential, 1)).pkiStatus, await statusOf(test, device)]).toEqual([
      'accepted',
      'revoked',
    ]);
  });

  it('gives nothing to a captured rr that is sent again', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'captured');
    const outcome = await rr(device, byPassphrase('captured', passphrase));
    const before = await recordOf(test, device.certificate);
    clock.advance(30);
    const again = await client.send(outcome.sent.der);
    expect(await eventOf(test, again)).toMatchObject({ action: 'request.refused', code: 'duplicate-transaction' });
    expect(await recordOf(test, device.certificate)).toEqual(before);
  });

  it('is inside of a nested message what it is outside', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'behind-ra');
    const credential = byPassphrase('behind-ra', passphrase);
    const content = sequence(revDetails({ certificate: device.certificate.raw }));
    const inner = client.make('rr', content, { credential });
    const outcome = await client.nested([inner], { credential: authority });
    expect([outcome.body?.type, outcome.pkiStatus, await statusOf(test, device)]).toEqual([
      'rp',
      'accepted',
      'revoked',
    ]);
    const wrongInner = client.make('rr', content, { credential: { ...credential, secret: 'another' } });
    const unchecked = ['protectionKind'] as const;
    await expectRejected(test, () => client.nested([wrongInner], { credential: authority, unchecked }), wrong);
  });

  it('survives a restart, and a configuration that is applied again and exported', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'lasts');
    client.close();
    test = await test.restart();
    client = createCmpClient(test, { label: 'cmp', credential: byMac });
    await applyYaml(test, secrets.replace('usageLimit: 2', 'usageLimit: 3'));
    const text = await exportCatalog(test.gateway.core.store);
    expect(text).not.toMatch(/passphrase|lineage:/);
    expect((await rr(device, byPassphrase('lasts', passphrase))).pkiStatus).toBe('accepted');
  });

  it('is one, whichever of twenty that come at the same time', async () => {
    const device = await enrolled(test);
    const texts = Array.from({ length: 20 }, (_, index) => `passphrase number ${index}`);
    const outcomes = await Promise.all(texts.map((text) => set(device.credential, 'parallel', { passphrase: text })));
    expect(outcomes.every(isTaken)).toBe(true);
    let good = 0;
    for (const text of texts) {
      const { pkiStatus } = await guess(client, device, byPassphrase('parallel', text));
      if (pkiStatus === 'accepted') good++;
    }
    expect(good).toBe(1);
  });
});

describe('A revocation passphrase by who has no certificate of this PKI to sign with', () => {
  it.each<['the secret' | 'the encryption certificate', string]>([
    ['the secret', 'by-pwri'],
    ['the encryption certificate', 'by-ktri'],
  ])('is set with the one-time secret of a device, encrypted with %s', async (what, keyId) => {
    const own = bySecret(keyId, `secret of ${keyId}`);
    const credential = `{ kind: cmp-secret, name: ${keyId}, reference: ${keyId}, secret: ${own.secret}, usageLimit: 1 }`;
    await applyYaml(test, `authenticationPolicies: [{ name: fleet, division: plant, credentials: [${credential}] }]`);
    const device = await enrolled(test, { credential: own });
    const to = what === 'the secret' ? ({ kind: 'password', password: own.secret } as const) : recipient;
    // The same reference as that of the secret.
    expect(isTaken(await setPassphrase(client, { passphrase, recipient: to }, { credential: own }))).toBe(true);
    await expectRejected(test, () => rr(device, own), { ...rp, failInfo: 'wrongIntegrity', code: 'forbidden' });
    expect((await rr(device, byPassphrase(keyId, passphrase))).pkiStatus).toBe('accepted');
  });

  it('is set with a secret that is registered for the device, once the device is there', async () => {
    const bound = bySecret('bound', 'secret of bound-1');
    const device = await enrolled(test, { credential: bound, name: 'bound-1' });
    expect(isTaken(await set(bound, 'bound-1'))).toBe(true);
    expect((await rr(device, byPassphrase('bound-1', passphrase))).pkiStatus).toBe('accepted');
    await expectRejected(test, () => set(bySecret('unborn', 'secret of unborn'), 'unborn-1'), tooEarly);
  });

  it("is set with a vendor's certificate, once that has got one of here", async () => {
    const born = signedBy(vendor.device('O=Vendor,CN=born-1'));
    await expectRejected(test, () => set(born, 'born-1'), tooEarly);
    const device = await enrolled(test, { credential: born, name: 'born-1', isLeftUnconfirmed: true });
    await expectRejected(test, () => set(born, 'born-1'), tooEarly);
    await client.confirm(device.outcome, { credential: born });
    expect(isTaken(await set(born, 'born-1'))).toBe(true);
    expect((await rr(device, byPassphrase('born-1', passphrase))).pkiStatus).toBe('accepted');
    await expectRejected(test, () => set(born, 'born-1'), tooEarly);
  });

  it('is not set with a secret that devices may share, however many there are', async () => {
    const says = 'sign the message with the certificate';
    await enrolled(test, { credential: bySecret('two', 'secret of two devices') });
    for (const credential of [byMac, bySecret('two', 'secret of two devices')]) {
      await expectRejected(test, () => set(credential, 'shared'), { ...forbidden, says });
    }
  });

  it('is not set before the first certificate, nor by who has several certificates', async () => {
    await expectRejected(test, () => set(bySecret('unused', 'secret of nobody'), 'unused'), tooEarly);
    for (const name of ['ra-made-1', 'ra-made-2']) await enrolled(test, { credential: authority, name });
    await expectRejected(test, () => set(authority, 'ra'), { ...forbidden, says: 'several certificates' });
  });
});

describe('A policy that asks for certificates', () => {
  it('takes a revocation passphrase all the same: nothing else may be left', async () => {
    const ca = `{ kind: authentication-ca, name: vendor, certificate: ${yamlPem(vendor.certificate)} }`;
    await applyYaml(
      test,
      `authenticationPolicies: [{ name: strict, division: plant, require: certificate, credentials: [${ca}] }]\n` +
        policyLike('strict', 'methods: [cmp], authenticationPolicy: strict'),
    );
    const born = signedBy(vendor.device('O=Vendor,CN=strict-1'));
    const device = await enrolled(test, { label: 'strict', credential: born, name: 'strict-1' });
    const strict = createCmpClient(test, { label: 'strict', credential: device.credential });
    const certificate = await encryptionCertificate(strict);
    const wish = { passphrase, keyId: 'strict', recipient: { kind: 'certificate', certificate } } as const;
    expect(isTaken(await setPassphrase(strict, wish))).toBe(true);
    const credential = byPassphrase('strict', passphrase);
    // It is of its authentication policy.
    await expectRejected(test, () => guess(client, device, credential), { ...rp, ...wrong });
    expect((await strict.revoke({ certificate: device.certificate.raw, credential })).pkiStatus).toBe('accepted');
    strict.close();
  });
});
