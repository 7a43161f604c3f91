/** ccr (RFC 9810 5.3.11 and D.6): who may send it, what it must have, what comes of it. */
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { encodeBasicConstraints } from '../../../src/x509/extensions.js';
import { idCeBasicConstraints } from '../../../src/x509/oids.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { oldCertId } from '../../support/cmp/cert-request.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import type { PossessionWish } from '../../support/cmp/possession.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml, yamlPem } from '../../support/fleet.js';
import { basicConstraints, keyUsage, makeCertificate, privateKeyOf } from '../../support/make-chain.js';
import { newKey, spkiOf } from '../../support/make-csr.js';
import { eventsOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
const subject = 'O=Partner,CN=Partner CA';
const usages = keyUsage('digitalSignature', 'keyCertSign', 'cRLSign');
const partner = makeCertificate({ subject, key: 'partner', extensions: [basicConstraints(true), usages] });
/** Named by the policy as well, but no CA. */
const clerk = makeCertificate({
  subject: 'O=Partner,CN=clerk',
  key: 'clerk',
  extensions: [keyUsage('digitalSignature')],
});

const byPartner = signedBy({ chain: [partner], privateKey: privateKeyOf('partner') });
const byClerk = signedBy({ chain: [clerk], privateKey: privateKeyOf('clerk') });

let test: TestGateway;
let client: CmpClient;
let device: CmpDevice;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(
    test,
    `certificateAuthorities:
  - name: bridges
    parent: root
    subject: CN=Bridges,O=Plant
    key: ec-p256
    validity: 10y
    pathLength: 1
    issueIntermediates: true
    backdate: 2d
profiles:
  - name: bridge
    template: basic-intermediate-ca
    subject:
      - { attribute: organizationName, source: request }
      - { attribute: commonName, source: request, required: true }
    keyUsages: [digitalSignature, keyCertSign, cRLSign]
    pathLength: 0
    validity: 3y
authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: authentication-certificate, name: partner, certificate: ${yamlPem(partner)} }
      - { kind: authentication-certificate, name: clerk, certificate: ${yamlPem(clerk)} }
`,
  );
  const both = '[{ usage: operational, profile: device }, { usage: intermediate, profile: bridge }]';
  await applyYaml(
    test,
    cmpPolicy('bridges', 'crossCertify: [partner, clerk]', `profiles: ${both}, issuingCa: bridges`),
  );
  await applyYaml(test, cmpPolicy('none', 'crossCertify: [partner]'));
  // So that the CA is older than what is asked for.
  clock.advance(2 * 86_400);
  client = createCmpClient(test, { label: 'bridges', credential: byPartner });
  device = await enrolled(test);
});
afterAll(async () => {
  client.close();
  await test.close();
});

const daysFromNow = (days: number) => new Date(Math.floor(clock.now().getTime() / 1000) * 1000 + days * 86_400_000);

function wish(changes: Partial<EnrollWish> = {}): EnrollWish {
  const key = newKey();
  const template = {
    version: 2,
    signingAlg: signatureAlgorithmFor('ec', 'sha256').identifier,
    issuer: 'CN=Bridges,O=Plant',
    notBefore: daysFromNow(-1),
    notAfter: daysFromNow(100),
    ...changes.template,
  };
  return { key, subject: 'CN=Partner CA,O=Partner', ...changes, template };
}

describe('ccr (RFC 9810 D.6)', () => {
  it('is answered by a ccp with the certificate of a CA, confirmed like any other', async () => {
    const key = newKey();
    const wanted = wish({ key });
    const outcome = await client.ccr(wanted);
    expect(outcome).toMatchObject({ body: { type: 'ccp' }, pkiStatus: 'accepted', failInfo: [], certReqId: 0 });
    const certificate = issuedBy(outcome);
    expect(certificate).toMatchObject({ ca: true, subject: 'O=Partner\nCN=Partner CA', issuer: 'O=Plant\nCN=Bridges' });
    expect(certificate.publicKey.equals(createPublicKey(key.privateKey))).toBe(true);
    const { notBefore, notAfter, extensions } = decodeCertificate(certificate.raw);
    expect({ notBefore, notAfter }).toEqual({ notBefore: daysFromNow(-1), notAfter: daysFromNow(100) });
    const constraints = extensions.find(({ id }) => id === idCeBasicConstraints)?.value;
    expect(constraints).toEqual(encodeBasicConstraints({ ca: true, pathLength: 0 }));
    expect((await client.confirm(outcome)).body?.type).toBe('pkiconf');
    const record = await recordOf(test, certificate);
    expect(record).toMatchObject({ usage: 'intermediate', profile: 'bridge' });
    const unmanagedCa = await test.gateway.core.store.unmanagedCas.findByCertificate({ certificateId: record.id });
    expect(unmanagedCa).toMatchObject({ division: 'plant', subject: record.subject, crlUrl: null });
    const [event] = await eventsOf(test, 'unmanaged-ca.created');
    expect(event).toMatchObject({ subject: unmanagedCa?.id, outcome: 'success' });
  });

  it('brings the chain of the new certificate in extraCerts, and no caPubs', async () => {
    const outcome = await client.ccr(wish({ implicitConfirm: true }));
    expect(outcome.isImplicitlyConfirmed).toBe(true);
    const subjects = outcome.message?.extraCerts.map((certificate) => new X509Certificate(certificate.raw).subject);
    expect(subjects).toEqual(expect.arrayContaining(['O=Plant\nCN=Bridges', 'O=Plant\nCN=Root']));
    expect(outcome.body).not.toHaveProperty('caPubs.0');
  });

  it.each(['', 'CN=unknown'])('takes the name %j of an unknown issuer for no wish', async (issuer) => {
    expect(await client.ccr(wish({ template: { issuer } }))).toMatchObject({ pkiStatus: 'accepted' });
  });

  it('is granted with modifications where the CA signs by another algorithm', async () => {
    const template = { signingAlg: signatureAlgorithmFor('rsa', 'sha512').identifier };
    expect(await client.ccr(wish({ template }))).toMatchObject({ pkiStatus: 'grantedWithMods' });
  });

  it('is granted with modifications where it chooses a serial number', async () => {
    const outcome = await client.ccr(wish({ template: { serialNumber: '0badcafe' } }));
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods' });
    expect(outcome.statusString).toContain('serial number');
  });

  it('with oldCertID, which belongs to a kur: badRequest', () =>
    expectRejected(test, () => client.ccr(wish({ controls: [oldCertId(partner)] })), {
      body: 'ccp',
      failInfo: 'badRequest',
      code: 'malformed-request',
    }));

  it('of an issuer above the CA: wrongAuthority', () =>
    expectRejected(test, () => client.ccr(wish({ template: { issuer: 'CN=Root,O=Plant' } })), {
      body: 'ccp',
      failInfo: 'wrongAuthority',
      code: 'malformed-request',
    }));

  it.each<[string, Partial<EnrollWish>]>([
    ['version', { omitFromTemplate: ['version'] }],
    ['signingAlg', { omitFromTemplate: ['signingAlg'] }],
    ['issuer', { omitFromTemplate: ['issuer'] }],
    ['begin of validity', { omitFromTemplate: ['notBefore'] }],
    ['end of validity', { omitFromTemplate: ['notAfter'] }],
    ['validity', { omitFromTemplate: ['notBefore', 'notAfter'] }],
    ['publicKey', { omitFromTemplate: ['publicKey'] }],
    ['subject', { omitFromTemplate: ['subject'] }],
  ])('without %s: badCertTemplate', (_, changes) =>
    expectRejected(test, () => client.ccr(wish(changes)), {
      body: 'ccp',
      failInfo: 'badCertTemplate',
      code: 'malformed-request',
    }),
  );

  it('of version v2: badCertTemplate', () =>
    expectRejected(test, () => client.ccr(wish({ template: { version: 1 } })), {
      body: 'ccp',
      failInfo: 'badCertTemplate',
      code: 'malformed-request',
    }));

  it('of a key that does not sign: badCertTemplate', () => {
    const publicKey = spkiOf(generateKeyPairSync('x25519'));
    return expectRejected(test, () => client.ccr(wish({ template: { publicKey } })), {
      body: 'ccp',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
  });

  it.each<[string, PossessionWish, 'error' | 'ccp', string]>([
    ['nothing', { kind: 'none' }, 'error', 'unsupported-operation'],
    ['a damaged signature', { kind: 'signature', isDamaged: true }, 'ccp', 'invalid-proof-of-possession'],
    ['another key', { kind: 'signature', signedBy: newKey() }, 'ccp', 'invalid-proof-of-possession'],
    [
      'an encrypted certificate',
      { kind: 'subsequent', use: 'keyAgreement', message: 'encrCert' },
      'ccp',
      'invalid-proof-of-possession',
    ],
    ['the word of an RA', { kind: 'raVerified' }, 'ccp', 'invalid-proof-of-possession'],
  ])('with %s as proof of possession: badPOP', (_, possession, body, code) =>
    expectRejected(test, () => client.ccr(wish({ possession, header: { pvno: 3 } })), {
      body,
      failInfo: 'badPOP',
      code: code as 'invalid-proof-of-possession',
    }),
  );

  it.each<[string, () => CmpCredential]>([
    ['a device', () => device.credential],
    ["a vendor's device", () => signedBy(vendor.device('CN=foreign'))],
    ['a certificate that the policy names, but of no CA', () => byClerk],
  ])('from %s: notAuthorized', (_, credential) =>
    expectRejected(test, () => client.ccr(wish({ credential: credential() })), {
      failInfo: 'notAuthorized',
      code: 'forbidden',
    }),
  );

  it('with a MAC: wrongIntegrity', () =>
    expectRejected(test, () => client.ccr(wish({ credential: byMac })), {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
    }));

  it('under a policy without a profile for CAs: notAuthorized', async () => {
    const other = createCmpClient(test, { label: 'none', credential: byPartner });
    const wanted = wish({ template: { issuer: 'CN=Devices,O=Plant' } });
    await expectRejected(test, () => other.ccr(wanted), { failInfo: 'notAuthorized', code: 'forbidden' });
    other.close();
  });

  it("leaves a trusted CA's ir what it is: a request for a device's certificate", async () => {
    const outcome = await client.ir({ key: newKey(), subject: 'CN=partner device' });
    expect(issuedBy(outcome).ca).toBe(false);
  });

  it('answers a repeated ccr by the same certificate, and asks nobody for another one', async () => {
    const sent = client.makeRequest('ccr', wish());
    const refused = await eventsOf(test, 'request.refused');
    const [first, second] = [await client.send(sent.der), await client.send(sent.der)].map(({ body }) => {
      const read = readMessage(body).body;
      return read.type === 'ccp' ? read.responses[0] : undefined;
    });
    expect(first).toMatchObject({ certReqId: 0, status: { status: 'accepted' } });
    expect(first?.certificate).toBeDefined();
    expect(second?.certificate?.raw).toEqual(first?.certificate?.raw);
    expect(second?.status).toEqual(first?.status);
    expect(await eventsOf(test, 'request.refused')).toEqual(refused);
  });
});
