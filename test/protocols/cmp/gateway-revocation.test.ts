import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { bitString, generalizedTime, sequence, tlv } from '../../../src/x509/der-writer.js';
import { revDetails } from '../../support/cmp/bodies.js';
import type { TemplateFields } from '../../support/cmp/cert-template.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  powerless,
  signedBy,
  startCmpFleet,
  statusOf,
  vendor,
} from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { publishChanges } from '../../support/crls.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey, spkiOf } from '../../support/make-csr.js';
import { eventOf, eventsOf, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('other'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const rp = { body: 'rp' } as const;
const badCertId = { ...rp, failInfo: 'badCertId' } as const;
const wishOf = ({ certificate, credential }: CmpDevice) => ({ certificate: certificate.raw, credential });

/** The entry of a certificate in the CRL that a client gets now. */
async function entryOf({ certificate }: CmpDevice) {
  await publishChanges(test);
  const { body } = await client.genm('currentCRL');
  const [info] = body?.type === 'genp' ? body.infos : [];
  const { revokedCertificates } = decodeCertificateList(info?.value ?? Buffer.alloc(0));
  return revokedCertificates.find(({ serialNumber }) => serialNumber === certificate.serialNumber.toLowerCase());
}

describe('rr (RFC 9810 5.3.9, RFC 9483 4.2)', () => {
  it.each([
    [0, undefined],
    [1, 'keyCompromise'],
    [3, 'affiliationChanged'],
    [4, 'superseded'],
    [5, 'cessationOfOperation'],
    [9, 'privilegeWithdrawn'],
  ])('by the holder revokes its certificate with reason %d, which the CRL has as %s', async (reason, name) => {
    const device = await enrolled(test);
    const outcome = await client.revoke({ ...wishOf(device), reason });
    expect(outcome).toMatchObject({ status: 200, pkiStatus: 'accepted', body: { type: 'rp' } });
    expect(outcome.statusString).toContain('revoked');
    expect(await statusOf(test, device)).toBe('revoked');
    const event = await eventOf(test, outcome.answer);
    expect(event).toMatchObject({ action: 'certificate.revoked', outcome: 'success' });
    expect(await entryOf(device)).toMatchObject(name === undefined ? {} : { reason: name });
  });

  it('needs no reason', async () => {
    const device = await enrolled(test);
    expect((await client.revoke({ ...wishOf(device), reason: null })).pkiStatus).toBe('accepted');
    expect((await entryOf(device))?.reason).toBeUndefined();
  });

  it('may say since when the key is suspected', async () => {
    const device = await enrolled(test);
    const since = new Date('2026-05-06T07:08:09Z');
    const extensions = [{ id: '2.5.29.24', critical: false, value: generalizedTime(since) }];
    await client.revoke({ ...wishOf(device), reason: 1, extensions });
    expect((await entryOf(device))?.invalidityDate).toEqual(since);
  });

  it('may describe the certificate further', async () => {
    const device = await enrolled(test);
    const decoded = decodeCertificate(device.certificate.raw);
    const template: TemplateFields = {
      version: 2,
      subject: decoded.subject,
      publicKey: decoded.subjectPublicKeyInfo,
      signingAlg: decoded.signatureAlgorithm,
      notBefore: decoded.notBefore,
      notAfter: decoded.notAfter,
      extensions: decoded.extensions,
    };
    expect((await client.revoke({ ...wishOf(device), template })).pkiStatus).toBe('accepted');
  });

  it('is refused where an extension is as in the certificate but for being critical', async () => {
    const device = await enrolled(test);
    for (const one of decodeCertificate(device.certificate.raw).extensions) {
      const template = { extensions: [{ ...one, critical: !one.critical }] };
      const send = () => client.revoke({ ...wishOf(device), template });
      await expectRejected(test, send, { ...badCertId, code: 'unknown-certificate' });
    }
    expect(await statusOf(test, device)).toBe('valid');
  });

  const malformed = 'malformed-request';
  const uniqueId = bitString(Buffer.from('unique'));
  it.each<[string, CmpRefusal, TemplateFields]>([
    ['serial number', { ...badCertId, code: 'unknown-certificate' }, { serialNumber: '0badcafe' }],
    ['issuer', { ...badCertId, code: 'unknown-certificate' }, { issuer: 'CN=Somebody,O=Plant' }],
    ['subject', { ...badCertId, code: 'unknown-certificate' }, { subject: 'CN=somebody' }],
    ['public key', { ...badCertId, code: 'unknown-certificate' }, { publicKey: spkiOf(newKey()) }],
    [
      'signature algorithm',
      { ...badCertId, code: 'unknown-certificate' },
      { signingAlg: sequence(Uint8Array.of(6, 3, 0x2b, 0x65, 0x70)) },
    ],
    ['begin', { ...badCertId, code: 'unknown-certificate' }, { notBefore: new Date('2026-01-01T00:00:00Z') }],
    ['end', { ...badCertId, code: 'unknown-certificate' }, { notAfter: new Date('2026-12-31T00:00:00Z') }],
    [
      'extension',
      { ...badCertId, code: 'unknown-certificate' },
      { extensions: [{ id: '2.5.29.15', critical: true, value: Uint8Array.of(3, 2, 1, 2) }] },
    ],
    [
      'extension that it does not have',
      { ...badCertId, code: 'unknown-certificate' },
      { extensions: [{ id: '1.2.3.4', critical: false, value: Uint8Array.of(5, 0) }] },
    ],
    ['issuerUID, which none has', { ...badCertId, code: 'unknown-certificate' }, { issuerUid: uniqueId }],
    ['subjectUID, which none has', { ...badCertId, code: 'unknown-certificate' }, { subjectUid: uniqueId }],
    ['version', { ...rp, failInfo: 'badRequest', code: malformed }, { version: 0 }],
  ])('is refused with another %s in certDetails', async (_what, refusal, template) => {
    const device = await enrolled(test);
    await expectRejected(test, () => client.revoke({ ...wishOf(device), template }), refusal);
    expect(await statusOf(test, device)).toBe('valid');
  });

  it.each(['issuer', 'serialNumber'] as const)('is refused without %s: addInfoNotAvailable', async (field) => {
    const device = await enrolled(test);
    const send = () => client.revoke({ ...wishOf(device), omitFromTemplate: [field] });
    await expectRejected(test, send, { ...rp, failInfo: 'addInfoNotAvailable', code: malformed });
  });

  const reasonCode = (code: number) => ({ id: '2.5.29.21', critical: false, value: tlv(0x0a, Uint8Array.of(code)) });
  it.each<[string, CmpRefusal, { reason: number | null; extensions?: ReturnType<typeof reasonCode>[] }]>([
    ['the unused reason 7', { ...rp, failInfo: 'badDataFormat', code: malformed }, { reason: 7 }],
    ['reason 11', { ...rp, failInfo: 'badDataFormat', code: malformed }, { reason: 11 }],
    ['two reasons', { ...rp, failInfo: 'badRequest', code: malformed }, { reason: 0, extensions: [reasonCode(1)] }],
    [
      'a reason to revoke and one to revive',
      { ...rp, failInfo: 'badRequest', code: malformed },
      { reason: 0, extensions: [reasonCode(8)] },
    ],
    [
      'a reason that is none',
      { ...rp, failInfo: 'badDataFormat', code: malformed },
      { reason: null, extensions: [{ id: '2.5.29.21', critical: false, value: Uint8Array.of(2, 1, 1) }] },
    ],
  ])('is refused with %s', async (_what, refusal, wish) => {
    const device = await enrolled(test);
    await expectRejected(test, () => client.revoke({ ...wishOf(device), ...wish }), refusal);
    expect(await statusOf(test, device)).toBe('valid');
  });

  it.each([0, 2])('is refused with %d certificates', async (count) => {
    const device = await enrolled(test);
    const one = revDetails({ certificate: device.certificate.raw });
    const content = sequence(...Array.from({ length: count }, () => one));
    const send = () => client.exchange('rr', content, { credential: device.credential });
    await expectRejected(test, send, { ...rp, failInfo: 'badRequest', code: malformed });
  });

  it('of what is revoked already is certRevoked', async () => {
    const device = await enrolled(test);
    await client.revoke({ ...wishOf(device), reason: 4 });
    const before = await recordOf(test, device.certificate);
    const refusal = { ...rp, failInfo: 'certRevoked' } as const;
    await expectRejected(test, () => client.revoke(wishOf(device)), { ...refusal, code: 'revoked-requester' });
    const byAuthority = () => client.revoke({ certificate: device.certificate.raw, credential: authority });
    await expectRejected(test, byAuthority, { ...refusal, code: 'already-revoked' });
    expect(await recordOf(test, device.certificate)).toEqual(before);
  });

  it('of what has expired is certRevoked', async () => {
    const device = await enrolled(test);
    clock.advance(91 * daySeconds);
    const refusal = { ...rp, failInfo: 'certRevoked' } as const;
    await expectRejected(test, () => client.revoke(wishOf(device)), { ...refusal, code: 'revoked-requester' });
    const byAuthority = () => client.revoke({ certificate: device.certificate.raw, credential: authority });
    await expectRejected(test, byAuthority, { ...refusal, code: 'already-revoked' });
  });

  it('is refused with a MAC: wrongIntegrity', async () => {
    const { certificate } = await enrolled(test);
    await expectRejected(test, () => client.revoke({ certificate: certificate.raw }), {
      ...rp,
      failInfo: 'wrongIntegrity',
      says: 'an rr must be protected by a signature',
      code: 'forbidden',
    });
  });

  it.each<[string, Partial<Parameters<CmpClient['revoke']>[0]>]>([
    ['no protection', { omit: ['protection', 'protectionAlg'] }],
    ['a damaged signature', { isDamaged: true }],
    ['no extraCerts', { omit: ['extraCerts'] }],
    ['the issuer as sender', { header: { sender: 'CN=Devices,O=Plant' } }],
  ])('is refused with %s: badMessageCheck, in an rp', async (what, wish) => {
    const device = await enrolled(test);
    const code = what === 'no extraCerts' ? 'untrusted-signer' : 'invalid-signature';
    const send = () => client.revoke({ ...wishOf(device), ...wish });
    await expectRejected(test, send, { ...rp, failInfo: 'badMessageCheck', code });
    expect(await statusOf(test, device)).toBe('valid');
  });

  it("is refused by another device, and by a vendor's: notAuthorized", async () => {
    const [device, other] = [await enrolled(test), await enrolled(test)];
    for (const credential of [other.credential, signedBy(vendor.device('O=Vendor,CN=enemy')), powerless]) {
      const send = () => client.revoke({ certificate: device.certificate.raw, credential });
      await expectRejected(test, send, { ...rp, failInfo: 'notAuthorized', code: 'forbidden' });
    }
    expect(await statusOf(test, device)).toBe('valid');
  });
});

describe('rr by a registration authority (RFC 9483 5.3.2)', () => {
  it("revokes a device's certificate", async () => {
    const device = await enrolled(test);
    const outcome = await client.revoke({ certificate: device.certificate.raw, credential: authority, reason: 1 });
    expect(outcome.pkiStatus).toBe('accepted');
    expect(await statusOf(test, device)).toBe('revoked');
    const event = await eventOf(test, outcome.answer);
    expect(JSON.stringify(event)).toContain('authentication-ca:');
  });

  it('revokes a certificate that nobody has confirmed yet', async () => {
    const device = await enrolled(test, { isLeftUnconfirmed: true });
    expect((await client.revoke({ certificate: device.certificate.raw, credential: authority })).pkiStatus).toBe(
      'accepted',
    );
    await expectRejected(test, () => client.confirm(device.outcome), {
      failInfo: 'certRevoked',
      code: 'already-revoked',
    });
  });

  it("does not revoke the gateway's own certificates, nor those of its CAs", async () => {
    const { message } = await client.genm('caCerts', undefined, { credential: authority });
    for (const certificate of message?.extraCerts.slice(0, 2) ?? []) {
      const send = () => client.revoke({ certificate: certificate.raw, credential: authority });
      await expectRejected(test, send, { ...badCertId, code: 'unknown-certificate' });
    }
  });
});

describe('Hold (RFC 9483 4.2)', () => {
  it('is revocation that the holder can take back: the entry leaves the next full CRL', async () => {
    const device = await enrolled(test);
    const held = await client.revoke({ ...wishOf(device), reason: 6 });
    expect([held.pkiStatus, await statusOf(test, device)]).toEqual(['accepted', 'held']);
    expect(await entryOf(device)).toMatchObject({ reason: 'certificateHold' });
    const refusal = { failInfo: 'certRevoked', code: 'revoked-requester' } as const;
    const wish = { key: newKey(), subject: `CN=${device.name}`, credential: device.credential };
    await expectRejected(test, () => client.cr(wish), refusal);
    const revived = await client.revoke({ ...wishOf(device), reason: 8 });
    expect([revived.pkiStatus, await statusOf(test, device)]).toEqual(['accepted', 'valid']);
    expect(revived.statusString).toContain('revive');
    expect(await entryOf(device)).toBeUndefined();
    expect((await client.cr(wish)).pkiStatus).toBe('accepted');
  });

  it('is taken back by a registration authority', async () => {
    const device = await enrolled(test);
    const wish = { certificate: device.certificate.raw, credential: authority };
    await client.revoke({ ...wish, reason: 6 });
    expect((await client.revoke({ ...wish, reason: 8 })).pkiStatus).toBe('accepted');
    expect(await statusOf(test, device)).toBe('valid');
  });

  it('may end in revocation', async () => {
    const device = await enrolled(test);
    const wish = { certificate: device.certificate.raw, credential: authority };
    await client.revoke({ ...wish, reason: 6 });
    expect((await client.revoke({ ...wish, reason: 1 })).pkiStatus).toBe('accepted');
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('is taken back by nobody from what is not on hold: badCertId', async () => {
    const device = await enrolled(test);
    const refusal = { ...badCertId, code: 'unknown-certificate' } as const;
    await expectRejected(test, () => client.revoke({ ...wishOf(device), reason: 8 }), refusal);
    const wish = { certificate: device.certificate.raw, credential: authority };
    await client.revoke({ ...wish, reason: 1 });
    await expectRejected(test, () => client.revoke({ ...wish, reason: 8 }), refusal);
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('lets the certificate revive no other one', async () => {
    const [device, other] = [await enrolled(test), await enrolled(test)];
    for (const one of [device, other]) await client.revoke({ ...wishOf(one), reason: 6 });
    const send = () => client.revoke({ ...wishOf(device), certificate: other.certificate.raw, reason: 8 });
    await expectRejected(test, send, { ...rp, failInfo: 'notAuthorized', code: 'forbidden' });
    expect(await statusOf(test, other)).toBe('held');
  });
});

describe('A captured rr that is sent again', () => {
  const used = { action: 'request.refused', code: 'duplicate-transaction' } as const;

  it('does not bring back a hold that has ended, nor end one that has come since', async () => {
    const device = await enrolled(test);
    const hold = await client.revoke({ ...wishOf(device), reason: 6 });
    const revival = await client.revoke({ ...wishOf(device), reason: 8 });
    expect(revival.pkiStatus).toBe('accepted');
    expect(await eventOf(test, await client.send(hold.sent.der))).toMatchObject(used);
    expect(await statusOf(test, device)).toBe('valid');
    await client.revoke({ ...wishOf(device), reason: 6 });
    expect(await eventOf(test, await client.send(revival.sent.der))).toMatchObject(used);
    expect(await statusOf(test, device)).toBe('held');
  });

  it('is carried out once when ten come at the same time', async () => {
    const device = await enrolled(test);
    const content = sequence(revDetails({ certificate: device.certificate.raw, reason: 6 }));
    const { der } = client.make('rr', content, { credential: device.credential });
    await Promise.all(Array.from({ length: 10 }, () => client.send(der)));
    const { id } = await recordOf(test, device.certificate);
    const events = await eventsOf(test, 'certificate.held');
    expect(events.filter(({ content: text }) => JSON.parse(text).subject === id)).toHaveLength(1);
  });
});
