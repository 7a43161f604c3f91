/** What getCertReqTemplate says of the profile that the requester would get (RFC 9483 4.3.3, RFC 9810 5.3.19.16). */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { decodeName } from '../../../src/x509/names.js';
import { describePublicKey } from '../../../src/x509/public-key.js';
import { bytesOf, octetsOf, oidOf, originalOf, partsOf, smallIntegerOf } from '../../support/asn1-values.js';
import { keyWish } from '../../support/cmp/cert-template.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import { infoTypes } from '../../support/cmp/identifiers.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { authority, byMac, cmpPolicy, enrolled, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, CmpClient>();
/** Devices that have a certificate for bootstrap, and for operational use. */
const holders: Record<string, CmpCredential> = {};

const profiles = `
templates:
  - name: early
    keys: { rsa: { minimumBits: 3072 }, ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    subjectAttributes: [commonName, organizationName]
    maximumValidity: 1y
  - name: late
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-521, P-256] }, ed25519: true, ed448: true, x25519: true }
    keyUsages: [digitalSignature, nonRepudiation, keyEncipherment]
    extendedKeyUsages: [clientAuth, ipsecIKE]
    extensions: [1.3.6.1.4.1.55555.7, 1.3.6.1.4.1.55555.8]
    subjectAttributes: [commonName, organizationName, serialNumber]
    subjectAltNames: [dns, ip, uri, email]
    maximumValidity: 1y
profiles:
  - name: early
    template: early
    subject:
      - { attribute: organizationName, source: fixed, value: Factory }
      - { attribute: commonName, source: request, required: true }
    keyUsages: [digitalSignature]
    validity: 30d
  - name: late
    template: late
    subject:
      - { attribute: serialNumber, source: device, field: identifiers.serial }
      - { attribute: organizationName, source: fixed, value: Plant }
      - { attribute: commonName, source: request, required: true }
    subjectAltNames:
      - { type: uri, source: request }
      - { type: dns, source: request }
      - { type: ip, source: request }
      - { type: email, source: request }
    extensions:
      - { id: 1.3.6.1.4.1.55555.7, source: request }
      - { id: 1.3.6.1.4.1.55555.8, source: fixed, value: x }
    keyUsages: [keyEncipherment, digitalSignature]
    extendedKeyUsages: [ipsecIKE, clientAuth]
    validity: 90d
`;

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, profiles);
  const early = '{ usage: bootstrap, profile: early }';
  const late = '{ usage: operational, profile: late }';
  await applyYaml(test, cmpPolicy('both', '', `profiles: [${early}, ${late}]`));
  await applyYaml(test, cmpPolicy('late', '', `profiles: [${late}]`));
  await applyYaml(test, cmpPolicy('early', '', `profiles: [${early}]`));
  const first = await enrolled(test, { label: 'both', name: 'early' });
  const next = await enrolled(test, { label: 'both', name: 'late', profile: 'late' });
  Object.assign(holders, {
    secret: byMac,
    manufacturer: signedBy(vendor.device('O=Vendor,CN=born')),
    bootstrap: first.credential,
    operational: next.credential,
    authority,
  });
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function connect(label: string): CmpClient {
  const client = clients.get(label) ?? createCmpClient(test, { label, credential: byMac });
  clients.set(label, client);
  return client;
}

const credentialOf = (who: string) => holders[who] ?? byMac;

/** The value of the one info of a genp, read from its DER. */
function infoOf({ body }: CmpOutcome) {
  const info = body?.type === 'genp' ? body.infos[0] : undefined;
  if (info?.value === undefined) throw new Error('no value');
  return { type: info.type, parts: partsOf(fromBER(info.value).result) };
}

async function templateAt(label: string, wish: ExchangeWish = {}) {
  const { type, parts } = infoOf(await connect(label).genm('certReqTemplate', undefined, wish));
  expect(type).toBe(infoTypes.certReqTemplate);
  const [template, keySpec] = parts;
  const fields = new Map(partsOf(template).map((field) => [field.idBlock.tagNumber, field]));
  const [subject] = partsOf(fields.get(5));
  const extensions = partsOf(fields.get(9)).map((extension) => {
    const parts = partsOf(extension);
    return [oidOf(parts[0]), parts.length === 3, octetsOf(parts.at(-1)).toString('hex')] as const;
  });
  return {
    fields: [...fields.keys()],
    subject: decodeName(subject ? originalOf(subject) : new Uint8Array()).map(([one]) => [one?.type, one?.value]),
    extensions,
    keys: partsOf(keySpec).map((control) => {
      const [type, value] = partsOf(control);
      return [oidOf(type), value] as const;
    }),
  };
}

const algId = '1.3.6.1.5.5.7.5.1.11';
const rsaKeyLen = '1.3.6.1.5.5.7.5.1.12';
const hex = (text: string) => text.replaceAll(' ', '');

describe('certReqTemplate (RFC 9483 4.3.3) has', () => {
  it('the names, those that the profile fixes with their value, the others empty', async () => {
    const { fields, subject, extensions } = await templateAt('late');
    expect(fields).toEqual([5, 9]);
    expect(subject).toEqual([
      ['2.5.4.10', 'Plant'],
      ['2.5.4.3', ''],
    ]);
    // URI, DNS name, IP address and mailbox, each of no octets.
    expect(extensions[0]).toEqual(['2.5.29.17', false, hex('30 08 86 00 82 00 87 00 81 00')]);
  });

  it('the key usages and purposes of certificates, and the further extensions that a request may have', async () => {
    const { extensions } = await templateAt('late');
    expect(extensions.slice(1)).toEqual([
      // digitalSignature and keyEncipherment
      ['2.5.29.15', true, hex('03 02 05 a0')],
      ['2.5.29.37', false, hex('30 14 06 08 2b06010505070311 06 08 2b06010505070302')],
      ['1.3.6.1.4.1.55555.7', false, ''],
    ]);
  });

  it('the algorithms of keys with their curves, and the least length of RSA keys', async () => {
    const { keys } = await templateAt('late');
    const algorithms = keys
      .filter(([type]) => type === algId)
      .map(([, value]) => value && bytesOf(value).toString('hex'));
    expect(algorithms).toEqual([
      hex('30 10 0607 2a8648ce3d0201 0605 2b81040023'),
      hex('30 13 0607 2a8648ce3d0201 0608 2a8648ce3d030107'),
      hex('30 05 0603 2b6570'),
      hex('30 05 0603 2b6571'),
      hex('30 05 0603 2b656e'),
    ]);
    const lengths = keys.filter(([type]) => type === rsaKeyLen).map(([, value]) => smallIntegerOf(value));
    expect(lengths).toEqual([2048]);
    expect(keys).toHaveLength(6);
  });
});

const organizations: Readonly<Record<string, string>> = { early: 'Factory', late: 'Plant' };

describe('certReqTemplate is of the profile that', () => {
  it.each<[string, string, string | undefined]>([
    ['secret', 'early', undefined],
    ['manufacturer', 'early', undefined],
    ['bootstrap', 'late', undefined],
    ['operational', 'late', undefined],
    ['authority', 'early', undefined],
    ['secret', 'late', 'late'],
    ['authority', 'late', 'late'],
    ['manufacturer', 'early', 'early'],
  ])('an ir of the same requester would get: %s, %s by certProfile %s', async (who, profile, certProfile) => {
    const wish = { credential: credentialOf(who), ...(certProfile === undefined ? {} : { profile: certProfile }) };
    expect((await templateAt('both', wish)).subject[0]).toEqual(['2.5.4.10', organizations[profile]]);
    const subject = who === 'operational' ? 'CN=late,O=Plant' : `CN=by-${who}-${certProfile}`;
    const issued = await connect('both').ir({ key: newKey(), subject, ...wish, implicitConfirm: true });
    expect((await recordOf(test, issuedBy(issued))).profile).toBe(profile);
  });

  it.each<[string, string, string, 'badCertTemplate' | 'notAuthorized']>([
    ['secret', 'both', 'unknown', 'badCertTemplate'],
    ['operational', 'both', 'early', 'badCertTemplate'],
    ['secret', 'early', 'late', 'badCertTemplate'],
  ])('%s may have at %s: not %s', async (who, label, profile, failInfo) => {
    const wish = { credential: credentialOf(who), profile };
    const refused = { failInfo, code: 'rejected-profile' } as const;
    for (const type of ['certReqTemplate', 'signKeyPairTypes', 'encKeyPairTypes'] as const)
      await expectRejected(test, () => connect(label).genm(type, undefined, wish), refused);
    await expectRejected(test, () => connect(label).ir({ key: newKey(), ...wish }), { body: 'ip', ...refused });
  });

  it('the requester may have at all', async () => {
    const wish = { credential: credentialOf('operational') };
    const refused = { failInfo: 'notAuthorized', code: 'forbidden' } as const;
    await expectRejected(test, () => connect('early').genm('certReqTemplate', undefined, wish), refused);
    await expectRejected(test, () => connect('early').ir({ key: newKey(), ...wish }), { body: 'ip', ...refused });
    const others = await connect('early').genm('caCerts', undefined, wish);
    expect(others.body?.type).toBe('genp');
  });
});

describe('The keys that the profile takes', () => {
  const curves = async (type: 'signKeyPairTypes' | 'encKeyPairTypes', profile: string) => {
    const { parts } = infoOf(await connect('both').genm(type, undefined, { profile }));
    return parts.map((algorithm) =>
      partsOf(algorithm)
        .filter(({ idBlock }) => idBlock.tagNumber === 6)
        .map(oidOf)
        .at(-1),
    );
  };
  const [p256, p521] = ['1.2.840.10045.3.1.7', '1.3.132.0.35'];
  const rsa = '1.2.840.113549.1.1.1';

  it('are those of signKeyPairTypes and encKeyPairTypes', async () => {
    expect(await curves('signKeyPairTypes', 'early')).toEqual([p256, rsa]);
    expect(await curves('signKeyPairTypes', 'late')).toEqual([p521, p256, '1.3.101.112', '1.3.101.113', rsa]);
    expect(await curves('encKeyPairTypes', 'early')).toEqual([p256, rsa]);
    expect(await curves('encKeyPairTypes', 'late')).toEqual([p521, p256, '1.3.101.110', rsa]);
  });

  it.each([
    ['early', 3072],
    ['late', 2048],
  ])('decide how long an RSA key is that the gateway makes: %s, %d', async (profile, bits) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const outcome = await connect('both').ir({
      subject: `CN=made-${profile}`,
      header: { pvno: 3 },
      profile,
      template: { publicKey: keyWish(publicKey) },
    });
    const spki = issuedBy(outcome).publicKey.export({ type: 'spki', format: 'der' });
    expect(describePublicKey(spki)).toMatchObject({ algorithm: 'rsa', bits });
  });
});
