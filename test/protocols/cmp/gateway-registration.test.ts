/** Controls and registration information (RFC 4211 sections 6 and 7): served, or refused by what they are. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bitString, boolean, implicit, octetString, sequence, utf8String } from '../../../src/x509/der-writer.js';
import { encodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import {
  type CertificateWish,
  makeCertRequest,
  oldCertId,
  publicationInfo,
  type Registration,
  textControl,
} from '../../support/cmp/cert-request.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, type CmpDevice, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { fleetPasscode, makePasscode } from '../../support/fleet.js';
import { newKey, spkiOf } from '../../support/make-csr.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let device: CmpDevice;

beforeAll(async () => {
  test = await startCmpFleet();
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  device = await enrolled(test);
});
afterAll(async () => {
  client.close();
  await test.close();
});

let count = 0;

function wish(...controls: readonly Registration[]): EnrollWish {
  return { key: newKey(), subject: `CN=registered-${++count}`, implicitConfirm: true, controls };
}

const rejected = (wanted: EnrollWish, refusal: CmpRefusal) =>
  expectRejected(test, () => client.ir(wanted), { body: 'ip', ...refusal });

const badRequest = { failInfo: 'badRequest', code: 'malformed-request' } as const;
const malformed = { failInfo: 'badDataFormat', code: 'malformed-request' } as const;
const wrongSecret = { failInfo: 'notAuthorized', code: 'bad-secret' } as const;

describe('regToken (RFC 4211 6.1)', () => {
  it('is a passcode of the policy, which opens one enrollment where it is good for one', async () => {
    const token = await makePasscode(test, { usageLimit: 1 });
    expect(await client.ir(wish(textControl('regToken', token)))).toMatchObject({ pkiStatus: 'accepted' });
    await rejected(wish(textControl('regToken', token)), wrongSecret);
  });

  it('counts beside the signature of a certificate that was issued here', async () => {
    const { credential } = device;
    const token = await makePasscode(test, { usageLimit: 1 });
    const subject = `CN=${device.name}`;
    const wanted = { ...wish(textControl('regToken', token)), subject, credential };
    expect(await client.ir(wanted)).toMatchObject({ pkiStatus: 'accepted' });
    await rejected({ ...wanted, key: newKey() }, wrongSecret);
  });

  it('that is wrong: notAuthorized', () => rejected(wish(textControl('regToken', 'guessed')), wrongSecret));

  it('that is no UTF8String: badDataFormat', () =>
    rejected(wish({ type: 'regToken', value: octetString(Buffer.from('x')) }), malformed));

  it('has no place in an update: badRequest', () =>
    expectRejected(
      test,
      () => {
        const controls = [textControl('regToken', fleetPasscode)];
        return client.kur({ ...wish(), subject: `CN=${device.name}`, controls, credential: device.credential });
      },
      { body: 'kup', ...badRequest },
    ));

  it('beside an authenticator: badRequest', () =>
    rejected(wish(textControl('regToken', fleetPasscode), textControl('authenticator', fleetPasscode)), badRequest));
});

describe('authenticator (RFC 4211 6.2)', () => {
  it('is a passcode that may be good for long', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await client.ir(wish(textControl('authenticator', fleetPasscode)))).toMatchObject({
        pkiStatus: 'accepted',
      });
    }
  });

  it('that is wrong: notAuthorized', () => rejected(wish(textControl('authenticator', 'MaidenName1')), wrongSecret));
});

describe('pkiPublicationInfo (RFC 4211 6.3)', () => {
  it.each([
    ['please, wherever', publicationInfo(1)],
    ['please, at one place', publicationInfo(1, 1)],
    ['please, at one place and wherever', publicationInfo(1, 1, 0)],
    ['do not', publicationInfo(0)],
  ])('is advice: %s', async (_, control) => {
    expect(await client.ir(wish(control))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it.each([
    ['not to publish there', publicationInfo(0, 1)],
    ['to publish anywhere, as the only place', publicationInfo(1, 0)],
  ])('that says %s: badRequest', (_, control) => rejected(wish(control), badRequest));

  it.each([
    ['action', publicationInfo(99)],
    ['method', publicationInfo(1, 99)],
  ])('of an unknown %s: badDataFormat', (_, control) => rejected(wish(control), malformed));
});

describe('pkiArchiveOptions (RFC 4211 6.4)', () => {
  const unsupported = { failInfo: 'badRequest', code: 'unsupported-operation' } as const;

  it.each([
    ['a private key', implicit(0, sequence(sequence()))],
    ['the parameters of a key', implicit(1, octetString(Buffer.from('seed')))],
    ['the wish to archive', implicit(2, boolean(true))],
  ])('with %s: badRequest', (_, value) => rejected(wish({ type: 'pkiArchiveOptions', value }), unsupported));

  it('that wants nothing archived is served by that', async () => {
    const control = { type: 'pkiArchiveOptions', value: implicit(2, boolean(false)) };
    expect(await client.ir(wish(control))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it('as an unknown control does: badRequest', () =>
    rejected(wish({ type: '1.3.6.1.4.1.99999.1', value: utf8String('x') }), unsupported));
});

describe('oldCertID (RFC 4211 6.5)', () => {
  it.each(['ir', 'cr'] as const)('says what a kur updates; in an %s it has no place: badRequest', (type) =>
    expectRejected(test, () => client[type](wish(oldCertId(device.certificate))), {
      body: type === 'ir' ? 'ip' : 'cp',
      ...badRequest,
      says: 'oldCertID',
    }),
  );
});

describe('regInfo (RFC 4211 section 7)', () => {
  it('has pairs of texts, which change nothing', async () => {
    const regInfo = [{ type: 'utf8Pairs', value: utf8String('version?1%corp_company?Acme%') }];
    expect(await client.ir({ ...wish(), regInfo })).toMatchObject({ pkiStatus: 'accepted' });
  });

  it('has pairs that are none: badDataFormat', () =>
    rejected({ ...wish(), regInfo: [{ type: 'utf8Pairs', value: utf8String('no pair') }] }, malformed));

  it('has a certReq whose template is the one that counts', async () => {
    const key = newKey();
    const usage = { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(['digitalSignature']) };
    const value = makeCertRequest({ key, subject: 'CN=replaced', extensions: [usage] });
    const outcome = await client.ir({ ...wish(), key, regInfo: [{ type: 'certReq', value }] });
    expect(issuedBy(outcome).subject).toBe('CN=replaced');
  });

  it('has a certReq with another key: badCertTemplate', () => {
    const value = makeCertRequest({ key: newKey(), subject: 'CN=replaced' });
    return rejected(
      { ...wish(), regInfo: [{ type: 'certReq', value }] },
      { failInfo: 'badCertTemplate', code: 'malformed-request' },
    );
  });

  const uniqueId = bitString(Buffer.from('unique'));
  it.each<[string, CmpRefusal, CertificateWish]>([
    ['version', { failInfo: 'badCertTemplate', code: 'malformed-request' }, { template: { version: 1 } }],
    ['issuerUID', { failInfo: 'badCertTemplate', code: 'malformed-request' }, { template: { issuerUid: uniqueId } }],
    ['certReqId', badRequest, { certReqId: 7 }],
  ])('has a certReq with a wrong %s, as in the request itself', (says, refusal, changes) => {
    const key = newKey();
    const value = makeCertRequest({ key, subject: 'CN=replaced', ...changes });
    return rejected({ ...wish(), key, regInfo: [{ type: 'certReq', value }] }, { ...refusal, says });
  });

  it('has what nobody knows: badRequest', () => {
    const regInfo = [{ type: '1.3.6.1.4.1.99999.2', value: utf8String('x') }];
    return rejected({ ...wish(), regInfo }, { failInfo: 'badRequest', code: 'unsupported-operation' });
  });

  it('has two of them: badRequest', () => {
    const key = newKey();
    const certReq = { type: 'certReq', value: makeCertRequest({ key, template: { publicKey: spkiOf(key) } }) };
    return rejected({ ...wish(), key, regInfo: [certReq, certReq] }, badRequest);
  });
});
