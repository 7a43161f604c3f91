import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { oldCertId } from '../../support/cmp/cert-request.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  deviceOf,
  enrolled,
  powerless,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('reuse', 'keyReuse: true'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

/** A kur of a device, by its own certificate. */
const wishOf = ({ name, credential }: CmpDevice) => ({ key: newKey(), subject: `CN=${name}`, credential });
const open = { failInfo: 'badRequest', code: 'invalid-state', says: 'under way' } as const;
const updated = { failInfo: 'certRevoked', code: 'revoked-requester', says: 'updated' } as const;

describe('kur (RFC 9483 4.1.3)', () => {
  it('is answered with kup, without caPubs, and retires the old certificate when the new one is confirmed', async () => {
    const device = await enrolled(test);
    const { credential } = device;
    const wish = wishOf(device);
    const outcome = await client.kur(wish);
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: 'kup', caPubs: [] } });
    const [old, fresh] = [await recordOf(test, device.certificate), await recordOf(test, issuedBy(outcome))];
    expect(fresh).toMatchObject({ replaces: old.id, deviceId: old.deviceId, subject: `CN=${device.name}` });
    expect(old).toMatchObject({ status: 'valid', supplantedBy: fresh.id });
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
    await expectRejected(test, () => client.kur({ ...wish, key: newKey() }), { body: 'kup', ...updated });
    const next = await client.kur(wishOf(deviceOf(test, outcome, device.name, wish.key)));
    expect(next.pkiStatus).toBe('accepted');
  });

  it('may be confirmed implicitly', async () => {
    const device = await enrolled(test);
    const outcome = await client.kur({ ...wishOf(device), implicitConfirm: true });
    expect(outcome.isImplicitlyConfirmed).toBe(true);
    await expectRejected(test, () => client.kur(wishOf(device)), { body: 'kup', ...updated });
  });

  it('need not name the old certificate', async () => {
    const device = await enrolled(test);
    expect((await client.kur({ ...wishOf(device), controls: [] })).pkiStatus).toBe('accepted');
  });

  it('is refused beside another one that is not confirmed yet, which is refused nothing by that', async () => {
    const device = await enrolled(test);
    const first = await client.kur(wishOf(device));
    await expectRejected(test, () => client.kur(wishOf(device)), { body: 'kup', ...open });
    expect((await client.confirm(first, { credential: device.credential })).body).toEqual({ type: 'pkiconf' });
  });

  it.each(['ir', 'cr'] as const)('not confirmed yet keeps the old certificate from %s, and from rr', async (type) => {
    const device = await enrolled(test);
    await client.kur(wishOf(device));
    await expectRejected(test, () => client[type](wishOf(device)), { body: type === 'ir' ? 'ip' : 'cp', ...open });
    const { credential } = device;
    const send = () => client.revoke({ certificate: device.certificate.raw, credential });
    await expectRejected(test, send, { body: 'rp', ...open });
  });

  it.each(['ir', 'cr'] as const)('confirmed keeps the old certificate from %s, and from rr', async (type) => {
    const device = await enrolled(test);
    const { credential } = device;
    await client.confirm(await client.kur(wishOf(device)), { credential });
    await expectRejected(test, () => client[type](wishOf(device)), { body: type === 'ir' ? 'ip' : 'cp', ...updated });
    const send = () => client.revoke({ certificate: device.certificate.raw, credential });
    await expectRejected(test, send, { body: 'rp', ...updated });
  });

  it('gives the old certificate back when the new one is rejected', async () => {
    const device = await enrolled(test);
    const { credential } = device;
    const outcome = await client.kur(wishOf(device));
    const rejected = await client.confirm(outcome, { credential, status: { status: 'rejection' } });
    expect(rejected.body).toEqual({ type: 'pkiconf' });
    expect((await recordOf(test, issuedBy(outcome))).status).toBe('revoked');
    expect(await recordOf(test, device.certificate)).toMatchObject({ status: 'valid', supplantedBy: null });
    expect((await client.kur(wishOf(device))).pkiStatus).toBe('accepted');
  });

  it('gives the old certificate back when the new one lapses', async () => {
    const device = await enrolled(test);
    const outcome = await client.kur(wishOf(device));
    clock.advance(301);
    expect((await client.kur(wishOf(device))).pkiStatus).toBe('accepted');
    expect((await recordOf(test, issuedBy(outcome))).status).toBe('revoked');
  });

  it('keeps the names of the old certificate', async () => {
    const device = await enrolled(test);
    const send = () => client.kur({ ...wishOf(device), subject: 'CN=somebody-else' });
    await expectRejected(test, send, { body: 'kup', failInfo: 'badCertTemplate', code: 'rejected-name' });
    expect((await client.kur(wishOf(device))).pkiStatus).toBe('accepted');
  });

  it('keeps the key only where the policy lets keys be used again', async () => {
    const device = await enrolled(test);
    const send = () => client.kur({ ...wishOf(device), key: device.key });
    await expectRejected(test, send, { body: 'kup', failInfo: 'badCertTemplate', code: 'unacceptable-key' });
    const other = await enrolled(test, { label: 'reuse' });
    const reuse = createCmpClient(test, { label: 'reuse', credential: byMac });
    expect((await reuse.kur({ ...wishOf(other), key: other.key })).pkiStatus).toBe('accepted');
    reuse.close();
  });

  it('is refused with a MAC: wrongIntegrity', async () => {
    const device = await enrolled(test);
    const send = () => client.kur({ ...wishOf(device), credential: byMac, controls: [oldCertId(device.certificate)] });
    await expectRejected(test, send, {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
      says: 'a kur must be protected by a signature',
    });
  });

  it("is refused by a vendor's certificate, which updates nothing", async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=foreign'));
    const send = () => client.kur({ key: newKey(), subject: 'CN=foreign', credential, controls: [] });
    await expectRejected(test, send, { body: 'kup', failInfo: 'signerNotTrusted', code: 'untrusted-signer' });
  });

  it.each<[string, { issuer?: string; serialNumber?: string }]>([
    ['issuer', { issuer: 'CN=Root,O=Plant' }],
    ['serial number', { serialNumber: '0badcafe' }],
  ])('is refused with another %s in oldCertID: badCertId', async (_what, instead) => {
    const device = await enrolled(test);
    const controls = [oldCertId(device.certificate, instead)];
    const send = () => client.kur({ ...wishOf(device), controls });
    await expectRejected(test, send, { body: 'kup', failInfo: 'badCertId', code: 'malformed-request' });
  });

  it("is refused with another device's certificate in oldCertID: badCertId", async () => {
    const [device, other] = [await enrolled(test), await enrolled(test)];
    const send = () => client.kur({ ...wishOf(device), controls: [oldCertId(other.certificate)] });
    await expectRejected(test, send, { body: 'kup', failInfo: 'badCertId', code: 'malformed-request' });
  });

  it.each([1, 6])('is refused by a certificate that is revoked (reason %d): certRevoked', async (reason) => {
    const device = await enrolled(test);
    const { credential } = device;
    await client.revoke({ certificate: device.certificate.raw, credential, reason });
    const refusal = { failInfo: 'certRevoked', code: 'revoked-requester' } as const;
    await expectRejected(test, () => client.kur(wishOf(device)), refusal);
    await expectRejected(test, () => client.cr(wishOf(device)), refusal);
  });

  it('is taken for some days after the old certificate has ended, where the profile has such a grace', async () => {
    const device = await enrolled(test);
    clock.advance(92 * daySeconds);
    expect((await client.kur(wishOf(device))).pkiStatus).toBe('accepted');
    clock.advance(7 * daySeconds);
    const send = () => client.kur(wishOf(device));
    await expectRejected(test, send, { body: 'kup', failInfo: 'certRevoked', code: 'revoked-requester' });
  });
});

describe('kur by a registration authority (RFC 9483 5.2.3)', () => {
  it('updates the certificate that oldCertID names', async () => {
    const device = await enrolled(test);
    const wish = { key: newKey(), subject: `CN=${device.name}`, credential: authority };
    const outcome = await client.kur({ ...wish, controls: [oldCertId(device.certificate)] });
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: 'kup' } });
    const [old, fresh] = [await recordOf(test, device.certificate), await recordOf(test, issuedBy(outcome))];
    expect(fresh).toMatchObject({ replaces: old.id, deviceId: old.deviceId });
    expect((await client.confirm(outcome, { credential: authority })).body).toEqual({ type: 'pkiconf' });
    await expectRejected(test, () => client.kur(wishOf(device)), { body: 'kup', ...updated });
  });

  it('is refused without oldCertID, and for a certificate that nobody has', async () => {
    const wish = { key: newKey(), subject: 'CN=whose', credential: authority };
    const refusal = { body: 'kup', failInfo: 'badCertId' } as const;
    await expectRejected(test, () => client.kur({ ...wish, controls: [] }), { ...refusal, code: 'malformed-request' });
    const { certificate } = await enrolled(test);
    const controls = [oldCertId(certificate, { serialNumber: '0badcafe' })];
    await expectRejected(test, () => client.kur({ ...wish, controls }), { ...refusal, code: 'unknown-certificate' });
  });

  it('is refused with raVerified: a kur brings its own proof', async () => {
    const device = await enrolled(test);
    const wish = { key: newKey(), subject: `CN=${device.name}`, credential: authority };
    const controls = [oldCertId(device.certificate)];
    const send = () => client.kur({ ...wish, controls, possession: { kind: 'raVerified' } });
    await expectRejected(test, send, { body: 'kup', failInfo: 'notAuthorized', code: 'forbidden' });
  });

  it('is refused to who is none, cmcRA missing', async () => {
    const device = await enrolled(test);
    const wish = { key: newKey(), subject: `CN=${device.name}`, credential: powerless };
    const send = () => client.kur({ ...wish, controls: [oldCertId(device.certificate)] });
    await expectRejected(test, send, { body: 'kup', failInfo: 'badCertId', code: 'malformed-request' });
  });
});
