/** Whatever names a request asks for: the certificate, if there is one, is as RFC 5280 wants it. */
import { describe, expect, it } from '@jest/globals';
import { builtInTemplates } from '../../../src/catalog/built-in-templates.js';
import { compile, decideFor, fullProfile } from '../../support/full-profile.js';
import { faultsOfCertificate } from '../../support/rfc5280-certificate.js';
import { asn1, asn1Oid } from '../../support/strict-asn1.js';
import { withHierarchy } from '../ca/test-hierarchy.js';
import type { Case } from './make-case.js';

const attribute = (type: string, tag: number, value: string | Uint8Array) =>
  asn1(0x30, asn1Oid(type), asn1(tag, value));
const subject = (...attributes: readonly Uint8Array[]) => asn1(0x30, ...attributes.map((one) => asn1(0x31, one)));
const commonName = (tag: number, value: string | Uint8Array) => subject(attribute('2.5.4.3', tag, value));

const subjects: readonly (readonly [string, Uint8Array])[] = [
  ['64 characters', commonName(0x0c, 'ä'.repeat(64))],
  ['65 characters', commonName(0x0c, 'x'.repeat(65))],
  ['none', commonName(0x0c, '')],
  ['a TeletexString', commonName(0x14, Buffer.from('Gerät', 'latin1'))],
  ['a BMPString', commonName(0x1e, Buffer.from('\0G\0e'))],
  ['a UniversalString', commonName(0x1c, Buffer.from('\0\0\0G'))],
  ['an IA5String', commonName(0x16, 'device@example')],
  ['a PrintableString of other characters', commonName(0x13, 'device@example')],
  ['UTF-8 that is none', commonName(0x0c, Buffer.of(0xc3))],
  ['a country in UTF-8', subject(attribute('2.5.4.6', 0x0c, 'de'))],
  ['a country of three letters', subject(attribute('2.5.4.6', 0x13, 'DEU'))],
  ['a serial number in UTF-8', subject(attribute('2.5.4.5', 0x0c, 'SN-1'))],
  ['a mailbox in UTF-8', subject(attribute('1.2.840.113549.1.9.1', 0x0c, 'a@b.example'))],
  ['a domain component in UTF-8', subject(attribute('0.9.2342.19200300.100.1.25', 0x0c, 'example'))],
  ['two in one', asn1(0x30, asn1(0x31, attribute('2.5.4.3', 0x0c, 'a'), attribute('2.5.4.10', 0x0c, 'b')))],
  ['an empty one', asn1(0x30, asn1(0x31))],
];

const alternativeNames: readonly (readonly [string, Uint8Array])[] = [
  ['rfc822Name', asn1(0x81, 'device')],
  ['rfc822Name', asn1(0x81, '@example.com')],
  ['rfc822Name', asn1(0x81, 'Device <device@example.com>')],
  ['rfc822Name', asn1(0x81, 'device@exa mple')],
  ['dNSName', asn1(0x82, ' ')],
  ['dNSName', asn1(0x82, '')],
  ['dNSName', asn1(0x82, 'a_b.example')],
  ['dNSName', asn1(0x82, '-a.example')],
  ['dNSName', asn1(0x82, 'a..example')],
  ['dNSName', asn1(0x82, `${'a'.repeat(64)}.example`)],
  ['dNSName', asn1(0x82, 'device.example.')],
  ['dNSName', asn1(0x82, '*.*.example')],
  ['uniformResourceIdentifier', asn1(0x86, '/devices/7')],
  ['uniformResourceIdentifier', asn1(0x86, 'https:///devices/7')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://?x')],
  ['uniformResourceIdentifier', asn1(0x86, 'urn:')],
  ['uniformResourceIdentifier', asn1(0x86, 'file:///etc')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://a_b.example/')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://user@host:x/')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://1.2.3/')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://a b/')],
  ['uniformResourceIdentifier', asn1(0x86, 'https://[::/')],
  ['iPAddress', asn1(0x87, '12345')],
  ['iPAddress', asn1(0x87, '12345678')],
  ['registeredID', asn1(0x88, '')],
  ['registeredID', asn1(0x88, Buffer.of(0x80, 1))],
  ['directoryName', asn1(0xa4, asn1(0x30, asn1(0x31)))],
  ['directoryName', asn1(0xa4, subject(attribute('2.5.4.3', 0x14, 'T61')))],
  ['directoryName', asn1(0xa4, asn1(0x30))],
  ['directoryName', asn1(0xa4, subject(attribute('2.5.4.6', 0x13, 'DEU')))],
  ['directoryName', asn1(0xa4, subject(attribute('2.5.4.3', 0x13, 'a@b')))],
  ['directoryName', asn1(0xa4, subject(attribute('2.5.4.3', 0x0c, 'x'.repeat(65))))],
  ['ediPartyName', asn1(0xa5, asn1(0x81, 'x'))],
  ['otherName', asn1(0xa0, asn1Oid('1.3.6.1.4.1.311.20.2.3'), asn1(0xa0, asn1(0x0c, Buffer.of(0xff))))],
  ['otherName', asn1(0xa0, asn1Oid('1.3.6.1.4.1.311.20.2.3'), asn1(0xa0))],
];

describe('A request within a template that permits every name', () => {
  it('has its subject refused or made as RFC 5280 4.1.2.6 wants it', async () => {
    await expectNoFaults(subjects.map(([what, wanted]) => [what, { subject: wanted }]));
  });

  it('has its alternative names refused or made as RFC 5280 4.2.1.6 wants them', async () => {
    const device = commonName(0x0c, 'device');
    await expectNoFaults(
      alternativeNames.map(([what, wanted], i) => {
        const extensions = [{ id: '2.5.29.17', critical: false, value: asn1(0x30, wanted) }];
        return [`${what} ${i}`, { subject: device, extensions }];
      }),
    );
  });
});

async function expectNoFaults(cases: readonly (readonly [string, Case])[]): Promise<void> {
  const templates = builtInTemplates().map(({ value }) => value);
  const [template] = templates.filter(({ name }) => name === 'basic-device');
  if (template === undefined) throw new Error('no such template');
  const profile = compile(fullProfile(template), templates);
  const faults: string[] = [];
  await withHierarchy([{ name: 'ca', subject: 'CN=CA', key: 'ec-p256' }], async ({ authority }, { clock }) => {
    const [issuer = new Uint8Array()] = authority.chain('ca-1');
    for (const [what, matter] of cases) {
      const decision = decideFor({ authority, clock }, 'ca', profile, matter);
      if (decision.outcome !== 'approved') continue;
      const { der } = await authority.issue(decision.issuance);
      faults.push(...faultsOfCertificate(der, { issuer, kind: 'end-entity' }).map((fault) => `${what}: ${fault}`));
    }
  });
  expect(faults).toEqual([]);
}
