import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER, Null } from 'asn1js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { explicit, implicit, nullValue, sequence, time, utf8String } from '../../../src/x509/der-writer.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { oidOf, originalOf, partsOf, textOf } from '../../support/asn1-values.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { encodeInfo } from '../../support/cmp/header.js';
import { type InfoType, infoTypes } from '../../support/cmp/identifiers.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { openPartitions } from '../../support/crls.js';
import { applyYaml } from '../../support/fleet.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

const signers = `
templates:
  - { name: signers, keys: { ed25519: true }, keyUsages: [digitalSignature], subjectAttributes: [commonName], maximumValidity: 1y }
profiles:
  - name: signers
    template: signers
    subject: [{ attribute: commonName, source: request }]
    keyUsages: [digitalSignature]
    validity: 90d
`;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('rootless', 'includeRoot: false'));
  await applyYaml(test, signers);
  await applyYaml(
    test,
    cmpPolicy('signers', '', 'profiles: [{ usage: operational, profile: signers }], keyGeneration: [device]'),
  );
  await test.gateway.core.crls.publishDue();
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

/** The infos of a genp. */
function infosOf({ status, body }: CmpOutcome) {
  expect({ status, type: body?.type }).toEqual({ status: 200, type: 'genp' });
  return body?.type === 'genp' ? body.infos : [];
}

/** The value of the one info, which must be of this type. */
function answerTo(outcome: CmpOutcome, type: InfoType): Buffer | undefined {
  const infos = infosOf(outcome);
  expect(infos.map((info) => info.type)).toEqual([infoTypes[type]]);
  return infos[0]?.value;
}

const elements = (value: Uint8Array | undefined) => partsOf(fromBER(value ?? nullValue).result);
const oids = (value: Uint8Array | undefined) => elements(value).map((one) => oidOf(partsOf(one)[0]));
const caOf = (id: string) =>
  test.gateway.core.authority.generation(id)?.certificate ?? decodeCertificate(new Uint8Array());

const ecPublicKey = '1.2.840.10045.2.1';
const rsaEncryption = '1.2.840.113549.1.1.1';
const ed25519 = '1.3.101.112';

describe('genm (RFC 9483 4.3) with', () => {
  it.each<['cmp' | 'rootless', string[]]>([
    ['cmp', ['devices-1', 'root-1']],
    ['rootless', ['devices-1']],
  ])('caCerts at policy %s gets the chain: %j', async (label, ids) => {
    const other = createCmpClient(test, { label, credential: byMac });
    const value = answerTo(await other.genm('caCerts'), 'caCerts');
    expect(elements(value).map(originalOf)).toEqual(ids.map((id) => Buffer.from(caOf(id).der)));
    other.close();
  });

  it('rootCaCert gets no value as long as there is no next root', async () => {
    expect(answerTo(await client.genm('rootCaCert', caOf('root-1').der), 'rootCaKeyUpdate')).toBeUndefined();
    expect(answerTo(await client.genm('rootCaCert'), 'rootCaKeyUpdate')).toBeUndefined();
  });

  it('rootCaCert that is no certificate is badDataFormat', async () => {
    await expectRejected(test, () => client.genm('rootCaCert', nullValue), {
      failInfo: 'badDataFormat',
      code: 'malformed-request',
    });
  });

  it('certReqTemplate gets what the policy wants in requests, and the keys that it takes', async () => {
    const [template, keySpec] = elements(answerTo(await client.genm('certReqTemplate'), 'certReqTemplate'));
    const tags = partsOf(template).map(({ idBlock }) => idBlock.tagNumber);
    expect(tags).toEqual([5, 9]);
    const [subject] = partsOf(partsOf(template)[0]);
    const names = partsOf(subject).map((set) => oidOf(partsOf(partsOf(set)[0])[0]));
    expect(names).toEqual(['2.5.4.10', '2.5.4.11', '2.5.4.3', '2.5.4.5']);
    const extensions = partsOf(partsOf(template)[1]).map((one) => oidOf(partsOf(one)[0]));
    expect(extensions).toEqual(['2.5.29.17', '2.5.29.15', '2.5.29.37']);
    const controls = partsOf(keySpec).map((one) => oidOf(partsOf(one)[0]));
    expect(new Set(controls)).toEqual(new Set(['1.3.6.1.5.5.7.5.1.11', '1.3.6.1.5.5.7.5.1.12']));
  });

  it('currentCRL gets the CRL of the CA that issues', async () => {
    const crl = decodeCertificateList(answerTo(await client.genm('currentCRL'), 'currentCRL') ?? Buffer.alloc(0));
    expect(crl.issuer).toEqual(caOf('devices-1').subject);
    expect(crl.nextUpdate && crl.nextUpdate > clock.now()).toBe(true);
  });

  it('signKeyPairTypes and encKeyPairTypes gets the algorithms of keys', async () => {
    const signing = oids(answerTo(await client.genm('signKeyPairTypes'), 'signKeyPairTypes'));
    expect(signing).toEqual([ecPublicKey, ecPublicKey, ed25519, rsaEncryption]);
    const encryption = oids(answerTo(await client.genm('encKeyPairTypes'), 'encKeyPairTypes'));
    expect(encryption).toEqual([ecPublicKey, ecPublicKey, rsaEncryption]);
  });

  it('preferredSymmAlg gets AES-256 in CBC mode', async () => {
    const value = answerTo(await client.genm('preferredSymmAlg'), 'preferredSymmAlg');
    expect(oidOf(elements(value)[0])).toBe('2.16.840.1.101.3.4.1.42');
  });

  it.each([
    [['de', 'en', 'fr-CA'], 'en'],
    [['de', 'en-GB', 'en'], 'en-GB'],
    [['EN-us'], 'EN-us'],
  ])('suppLangTags %j gets the first one that the gateway speaks: %s', async (tags, expected) => {
    const asked = sequence(...tags.map(utf8String));
    const value = answerTo(await client.genm('suppLangTags', asked), 'suppLangTags');
    expect(elements(value).map(textOf)).toEqual([expected]);
  });

  it.each([[['de', 'fr']], [['enm', 'english']], [['en_US']]])(
    'suppLangTags of other languages, %j, is badRequest (RFC 9810 5.3.19.13)',
    async (tags) => {
      const asked = sequence(...tags.map(utf8String));
      await expectRejected(test, () => client.genm('suppLangTags', asked), {
        failInfo: 'badRequest',
        code: 'malformed-request',
        says: 'en-',
      });
    },
  );

  it('encKeyPairTypes of a policy whose keys sign only gets no value: no sequence is empty', async () => {
    const other = createCmpClient(test, { label: 'signers', credential: byMac });
    expect(answerTo(await other.genm('encKeyPairTypes'), 'encKeyPairTypes')).toBeUndefined();
    expect(oids(answerTo(await other.genm('signKeyPairTypes'), 'signKeyPairTypes'))).toEqual([ed25519]);
    other.close();
  });

  it.each<InfoType>([
    ...(['caCerts', 'certReqTemplate', 'currentCRL', 'signKeyPairTypes'] as const),
    ...(['encKeyPairTypes', 'preferredSymmAlg', 'caProtEncCert'] as const),
  ])('%s and a value, where none belongs, is badRequest', async (type) => {
    await expectRejected(test, () => client.genm(type, utf8String('value')), {
      failInfo: 'badRequest',
      code: 'malformed-request',
    });
  });

  it.each<[string, InfoType, Uint8Array | undefined, 'badRequest' | 'badDataFormat']>([
    ['suppLangTags without a value', 'suppLangTags', undefined, 'badRequest'],
    ['suppLangTags without a language', 'suppLangTags', sequence(utf8String('unknown language')), 'badRequest'],
    ['suppLangTags of another type', 'suppLangTags', utf8String('en'), 'badDataFormat'],
    ['crlStatusList without a value', 'crlStatusList', undefined, 'badRequest'],
    ['an empty crlStatusList', 'crlStatusList', sequence(), 'badDataFormat'],
  ])('%s is refused', async (_what, type, value, failInfo) => {
    const code = 'malformed-request';
    await expectRejected(test, () => client.genm(type, value), { failInfo, code });
  });
});

const names = (...all: Parameters<typeof encodeGeneralNames>[0]) => encodeGeneralNames(all);
const byUrl = (url: string) => explicit(0, implicit(0, names({ type: 'uri', value: url })));
const byIssuer = (issuer: Uint8Array) => explicit(1, names({ type: 'directoryName', value: issuer }));

describe('genm with crlStatusList (RFC 9483 4.3.4)', () => {
  const ask = async (...statuses: readonly Uint8Array[]) =>
    answerTo(await client.genm('crlStatusList', sequence(...statuses)), 'crls');
  const issuersOf = (value: Uint8Array | undefined) =>
    elements(value).map((one) => decodeCertificateList(originalOf(one)).issuer);

  it('gets the CRL of a distribution point as certificates have it, and of an issuer', async () => {
    const url = `${test.settings.publicHttpUrl}/crl/devices-1/0.crl`;
    expect(issuersOf(await ask(sequence(byUrl(url))))).toEqual([caOf('devices-1').subject]);
    expect(issuersOf(await ask(sequence(byIssuer(caOf('root-1').subject))))).toEqual([caOf('root-1').subject]);
    const both = await ask(sequence(byUrl(url)), sequence(byIssuer(caOf('root-1').subject)));
    expect(issuersOf(both)).toHaveLength(2);
  });

  it('gets it only when it is newer than what the client has', async () => {
    const issuer = byIssuer(caOf('devices-1').subject);
    const [crl] = elements(await ask(sequence(issuer)));
    if (crl === undefined) throw new Error('no CRL');
    const { thisUpdate } = decodeCertificateList(originalOf(crl));
    expect(await ask(sequence(issuer, time(thisUpdate)))).toBeUndefined();
    const earlier = new Date(thisUpdate.getTime() - 1000);
    expect(issuersOf(await ask(sequence(issuer, time(earlier))))).toHaveLength(1);
  });

  it('gets all partitions of an issuer that are newer, each once, and one of a distribution point', async () => {
    await applyYaml(
      test,
      'certificateAuthorities: [{ name: parted, parent: root, subject: "CN=Parted,O=Plant", key: ec-p256, validity: 10y}]',
    );
    await applyYaml(test, cmpPolicy('parted', '', 'issuingCa: parted'));
    const other = createCmpClient(test, { label: 'parted', credential: byMac });
    const { core } = test.gateway;
    await openPartitions(test, 'parted-1', 3);
    await core.crls.publishDue();
    clock.advance(60);
    await core.crls.publish('parted-1', 1);
    const records = await core.store.crls.ofIssuer({ issuerId: 'parted-1', limit: 10 });
    const [first, second, third] = records.map(({ der }) => Buffer.from(der));
    const issuer = byIssuer(caOf('parted-1').subject);
    const get = async (...statuses: readonly Uint8Array[]) => {
      const value = answerTo(await other.genm('crlStatusList', sequence(...statuses)), 'crls');
      return value === undefined ? undefined : elements(value).map(originalOf);
    };
    expect(await get(sequence(issuer))).toEqual([first, second, third]);
    const url = byUrl(`${test.settings.publicHttpUrl}/crl/parted-1/2.crl`);
    expect(await get(sequence(url))).toEqual([third]);
    expect(await get(sequence(url), sequence(issuer), sequence(issuer))).toEqual([third, first, second]);
    const { thisUpdate } = decodeCertificateList(first ?? Buffer.alloc(0));
    expect(await get(sequence(issuer, time(thisUpdate)))).toEqual([second]);
    expect(await get(sequence(issuer, time(clock.now())))).toBeUndefined();
    expect(answerTo(await other.genm('currentCRL'), 'currentCRL')).toEqual(first);
    other.close();
  });

  it.each([
    ['a distribution point elsewhere', () => byUrl('http://elsewhere.example/crl/devices-1/0.crl')],
    ['a foreign issuer', () => byIssuer(decodeCertificate(vendor.certificate).subject)],
  ])('gets nothing for %s, and nothing is fetched', async (_what, source) => {
    expect(await ask(sequence(source()))).toBeUndefined();
  });
});

describe('genm with what nobody knows', () => {
  it('gets unsupportedOIDs (RFC 9810 5.3.19.7) beside the answers to the rest', async () => {
    const content = sequence(
      encodeInfo({ type: '1.3.6.1.4.1.55555.1' }),
      encodeInfo({ type: 'preferredSymmAlg' }),
      encodeInfo({ type: '1.3.6.1.4.1.55555.2', value: nullValue }),
    );
    const infos = infosOf(await client.exchange('genm', content));
    expect(infos.map(({ type }) => type)).toEqual([infoTypes.preferredSymmAlg, infoTypes.unsupportedOIDs]);
    expect(elements(infos[1]?.value).map(oidOf)).toEqual(['1.3.6.1.4.1.55555.1', '1.3.6.1.4.1.55555.2']);
  });

  it('and nothing at all gets what there is', async () => {
    const infos = infosOf(await client.exchange('genm', sequence()));
    const offered = ['caCerts', 'certReqTemplate', 'currentCRL', 'signKeyPairTypes', 'encKeyPairTypes'] as const;
    expect(infos.map(({ type }) => type)).toEqual(offered.map((type) => infoTypes[type]));
    for (const type of offered) {
      const value = infos.find((info) => info.type === infoTypes[type])?.value;
      expect(value).toEqual(answerTo(await client.genm(type), type));
    }
  });

  it('that is no list of infos is badDataFormat', async () => {
    await expectRejected(test, () => client.exchange('genm', nullValue), {
      failInfo: 'badDataFormat',
      code: 'malformed-request',
    });
  });
});

describe('Who may ask', () => {
  it('is everybody who can enroll: by certificate of a vendor or from here', async () => {
    const { credential } = await enrolled(test);
    for (const one of [credential, signedBy(vendor.device('O=Vendor,CN=asks'))]) {
      expect(answerTo(await client.genm('caCerts', undefined, { credential: one }), 'caCerts')).toBeDefined();
    }
  });

  it('is nobody else', async () => {
    const credential = { kind: 'none' } as const;
    const send = () => client.genm('caCerts', undefined, { credential });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });
});

// The last: it changes the hierarchy.
describe('genm with rootCaCert (RFC 9483 4.3.2)', () => {
  it('gets the next root with both cross certificates once it is staged', async () => {
    const old = caOf('root-1').der;
    await applyYaml(
      test,
      'certificateAuthorities: [{ name: root, subject: "CN=Root,O=Plant", key: ec-p384, validity: 20y, stageNextGeneration: true }]',
    );
    const value = answerTo(await client.genm('rootCaCert', old), 'rootCaKeyUpdate');
    const [newWithNew, newWithOld, oldWithNew] = elements(value).map((part, i) =>
      i === 0 ? originalOf(part) : originalOf(partsOf(part)[0] ?? part),
    );
    if (!newWithNew || !newWithOld || !oldWithNew) throw new Error('not three certificates');
    const next = new X509Certificate(newWithNew);
    const present = new X509Certificate(old);
    expect(next.verify(next.publicKey)).toBe(true);
    expect(new X509Certificate(newWithOld).verify(present.publicKey)).toBe(true);
    expect(new X509Certificate(oldWithNew).verify(next.publicKey)).toBe(true);
    expect(new X509Certificate(oldWithNew).publicKey.equals(present.publicKey)).toBe(true);
    expect(opensslAccepts([old, newWithOld], [])).toBe(true);
    expect(opensslAccepts([newWithNew, oldWithNew], [])).toBe(true);
  });

  it('gets what follows the root that the client names: nothing for the newest, and for a foreign one', async () => {
    const update = answerTo(await client.genm('rootCaCert'), 'rootCaKeyUpdate');
    expect(update).toBeDefined();
    expect(answerTo(await client.genm('rootCaCert', caOf('root-1').der), 'rootCaKeyUpdate')).toEqual(update);
    for (const root of [caOf('root-2').der, caOf('devices-1').der, vendor.certificate])
      expect(answerTo(await client.genm('rootCaCert', root), 'rootCaKeyUpdate')).toBeUndefined();
  });

  it('gets that of the root above its policy, where there are several', async () => {
    const other = (more: string) =>
      `certificateAuthorities: [{ name: apart, subject: "CN=Apart,O=Plant", key: ec-p256, validity: 20y${more} }]`;
    await applyYaml(test, other(''));
    await applyYaml(test, cmpPolicy('apart', '', 'issuingCa: apart'));
    const apart = createCmpClient(test, { label: 'apart', credential: byMac });
    const ask = async (one: CmpClient, root?: Uint8Array) => {
      const value = answerTo(await one.genm('rootCaCert', root), 'rootCaKeyUpdate');
      return value && originalOf(elements(value)[0] ?? new Null());
    };
    expect(await ask(apart)).toBeUndefined();
    expect(await ask(apart, caOf('root-1').der)).toBeUndefined();
    await applyYaml(test, other(', stageNextGeneration: true'));
    expect(await ask(apart)).toEqual(Buffer.from(caOf('apart-2').der));
    expect(await ask(apart, caOf('apart-1').der)).toEqual(Buffer.from(caOf('apart-2').der));
    expect(await ask(apart, caOf('root-1').der)).toBeUndefined();
    expect(await ask(client, caOf('apart-1').der)).toBeUndefined();
    expect(await ask(client)).toEqual(Buffer.from(caOf('root-2').der));
    apart.close();
  });
});
