/** Which certificates a revocation passphrase is for: one and its renewals, whoever else has the device's name or its secret. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CmpClient } from '../../support/cmp/client.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  deviceOf,
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
  passphrasesSet,
  setPassphrase,
} from '../../support/cmp-passphrases.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { eventOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let recipient: PassphraseWish['recipient'];
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('sole', '', 'duplicates: refuse'));
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

/** What has renewed the certificate, by a kur. */
async function renewed({ name, credential }: CmpDevice): Promise<CmpDevice> {
  const key = newKey();
  const outcome = await client.kur({ key, subject: `CN=${name}`, credential });
  await client.confirm(outcome, { credential });
  return deviceOf(test, outcome, name, key);
}

/** A secret for one enrollment. */
async function oneTimeSecret(name: string): Promise<CmpCredential> {
  const secret = `secret of ${name}`;
  const credential = `{ kind: cmp-secret, name: ${name}, reference: ${name}, secret: ${secret}, usageLimit: 1 }`;
  await applyYaml(test, `authenticationPolicies: [{ name: fleet, division: plant, credentials: [${credential}] }]`);
  return { kind: 'mac', reference: name, secret };
}

const rp = { body: 'rp' } as const;
const wrong = { failInfo: 'badMessageCheck', code: 'bad-secret' } as const;
const forbidden = { failInfo: 'notAuthorized', code: 'forbidden' } as const;

describe('A revocation passphrase is for a certificate and all that renew it:', () => {
  it('it revokes what was renewed and each renewal', async () => {
    const first = await enrolled(test);
    await set(first.credential, 'lasting');
    const second = await renewed(first);
    const third = await renewed(second);
    for (const device of [third, first, second]) {
      expect((await rr(device, byPassphrase('lasting', passphrase))).pkiStatus).toBe('accepted');
      expect(await statusOf(test, device)).toBe('revoked');
    }
  });

  it('a renewal sets it in place of the one before', async () => {
    const first = await enrolled(test);
    await set(first.credential, 'earlier');
    const second = await renewed(first);
    const outcome = await set(second.credential, 'later');
    expect(await eventOf(test, outcome.answer)).toMatchObject({
      lineage: (await recordOf(test, first.certificate)).id,
    });
    await expectRejected(test, () => guess(client, second, byPassphrase('earlier', passphrase)), { ...rp, ...wrong });
    expect((await rr(first, byPassphrase('later', passphrase))).pkiStatus).toBe('accepted');
    expect((await rr(second, byPassphrase('later', passphrase))).pkiStatus).toBe('accepted');
  });

  it("a thief's does not touch what the device gets by enrolling anew", async () => {
    const stolen = await enrolled(test);
    await set(stolen.credential, 'thief');
    await client.revoke({ certificate: stolen.certificate.raw, credential: authority, reason: 1 });
    const anew = await enrolled(test, { name: stolen.name });
    const [{ deviceId }, before] = [await recordOf(test, stolen.certificate), await recordOf(test, anew.certificate)];
    expect(before.deviceId).toBe(deviceId);
    for (const reason of [1, 6, 8]) {
      await expectRejected(test, () => rr(anew, byPassphrase('thief', passphrase), reason), { ...rp, ...forbidden });
    }
    expect(await recordOf(test, anew.certificate)).toEqual(before);
    expect(isTaken(await set(anew.credential, 'own'))).toBe(true);
    expect((await rr(anew, byPassphrase('own', passphrase))).pkiStatus).toBe('accepted');
  });

  it.each([
    ['cmp', ''],
    ['sole', ',O=Other'],
  ])('who shares its secret and enrolls in its name has another: policy %s', async (label, more) => {
    const victim = await enrolled(test, { label });
    await set(victim.credential, `victim-${label}`, { passphrase: 'the passphrase of the victim' });
    const key = newKey();
    const evil = await enrolled(test, { label, name: victim.name, key, subject: `CN=${victim.name}${more}` });
    const { deviceId } = await recordOf(test, victim.certificate);
    expect((await recordOf(test, evil.certificate)).deviceId).toBe(deviceId);
    expect(isTaken(await set(evil.credential, `evil-${label}`))).toBe(true);
    const byEvil = byPassphrase(`evil-${label}`, passphrase);
    for (const reason of [1, 6]) {
      await expectRejected(test, () => rr(victim, byEvil, reason), { ...rp, ...forbidden, says: 'renewals only' });
    }
    expect([await statusOf(test, victim), (await rr(evil, byEvil)).pkiStatus]).toEqual(['valid', 'accepted']);
    const byVictim = byPassphrase(`victim-${label}`, 'the passphrase of the victim');
    expect((await rr(victim, byVictim)).pkiStatus).toBe('accepted');
  });

  it('a manufacturer’s certificate that has got two sets none', async () => {
    const born = signedBy(vendor.device('O=Vendor,CN=twice-1'));
    for (let i = 0; i < 2; i++) await enrolled(test, { credential: born, name: 'twice-1' });
    const before = await passphrasesSet(test);
    await expectRejected(test, () => set(born, 'twice'), { ...forbidden, says: 'several certificates' });
    expect(await passphrasesSet(test)).toBe(before);
  });
});

describe('A one-time secret that somebody finds', () => {
  it('sets none in place of one that is there, however that was set', async () => {
    for (const how of ['signed', 'secret'] as const) {
      const secret = await oneTimeSecret(`found-${how}`);
      const device = await enrolled(test, { credential: secret });
      expect(isTaken(await set(how === 'signed' ? device.credential : secret, `mine-${how}`))).toBe(true);
      const before = await passphrasesSet(test);
      const says = 'sign the message with the certificate';
      await expectRejected(test, () => set(secret, `thief-${how}`), { ...forbidden, says });
      expect(await passphrasesSet(test)).toBe(before);
      expect((await rr(device, byPassphrase(`mine-${how}`, passphrase))).pkiStatus).toBe('accepted');
    }
  });

  it('sets none later than an hour after its certificate was issued', async () => {
    const [late, inTime] = [await oneTimeSecret('late'), await oneTimeSecret('in-time')];
    const device = await enrolled(test, { credential: late });
    await enrolled(test, { credential: inTime });
    clock.advance(3_590);
    expect(isTaken(await set(inTime, 'in-time'))).toBe(true);
    clock.advance(11);
    const before = await passphrasesSet(test);
    const says = 'sign the message with the certificate';
    await expectRejected(test, () => set(late, 'late'), { ...forbidden, says });
    expect(await passphrasesSet(test)).toBe(before);
    expect(isTaken(await set(device.credential, 'late'))).toBe(true);
  });

  it('sets one, whichever of ten that come at the same time', async () => {
    const secret = await oneTimeSecret('raced');
    await enrolled(test, { credential: secret });
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => set(secret, `raced-${index}`)));
    expect(outcomes.filter(isTaken)).toHaveLength(1);
    const refused = outcomes.filter((outcome) => !isTaken(outcome));
    expect(refused.map(({ failInfo }) => failInfo)).toEqual(refused.map(() => ['notAuthorized']));
  });
});

describe('A captured genm that is sent again', () => {
  it('brings no earlier passphrase back, whatever the clocks of device and gateway say', async () => {
    for (const ahead of [0, 200]) {
      const device = await enrolled(test);
      const keyId = `replayed-${ahead}`;
      const sendAt = (seconds: number, text: string) => {
        const messageTime = new Date(clock.now().getTime() + (ahead + seconds) * 1000);
        const wish = { credential: device.credential, header: { pvno: 3, messageTime } };
        return setPassphrase(client, { passphrase: text, recipient, keyId }, wish);
      };
      const first = await sendAt(0, 'of yesterday');
      expect(isTaken(await sendAt(10, passphrase))).toBe(true);
      const again = await client.send(first.sent.der);
      expect(await eventOf(test, again)).toMatchObject({ action: 'request.refused', code: 'stale-message' });
      expect((await rr(device, byPassphrase(keyId, passphrase))).pkiStatus).toBe('accepted');
    }
  });
});
