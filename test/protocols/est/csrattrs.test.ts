import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { encodeCsrAttributes } from '../../../protocols/est/csrattrs.js';
import {
  encodeRequestTemplate,
  idAaCertificationRequestInfoTemplate,
  idAaExtensionReqTemplate,
} from '../../../protocols/est/csrattrs-template.js';
import { signatureHashes } from '../../../src/model/message-protection.js';
import type { PolicyView } from '../../../src/policy-view.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { decodeExtensions, decodeKeyUsage } from '../../../src/x509/extensions.js';
import { decodeGeneralNames } from '../../../src/x509/general-names.js';
import { formatName } from '../../../src/x509/names.js';
import { idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../../src/x509/oids.js';
import { describePublicKey } from '../../../src/x509/public-key.js';
import { basePolicy } from './fake-gateway.js';

const folder = 'fixtures/est/csrattrs-rfc9908';
const example = (name: string): Buffer =>
  Buffer.from(readFileSync(`${folder}/${name}.csrattr.b64`, 'latin1'), 'base64');

type Attribute = { readonly type: string; readonly values: readonly Uint8Array[] };

/** CsrAttrs as RFC 8951 4 has it: OIDs as text, attributes with their values. */
function decode(der: Uint8Array): (string | Attribute)[] {
  return DerReader.decode(der, (reader) =>
    reader.each(Tag.sequence, (entry) =>
      entry.tag === Tag.oid
        ? entry.oid()
        : entry.sequence((a) => ({ type: a.oid(), values: a.each(Tag.set, (value) => value.element()) })),
    ),
  );
}

const oidOf = (der: Uint8Array | undefined): string => DerReader.decode(der ?? new Uint8Array(), (r) => r.oid());

function encode(policy: Partial<PolicyView>): Uint8Array {
  return encodeCsrAttributes({ ...basePolicy, ...policy }) ?? new Uint8Array();
}

/** What is in the list for old clients, as DER of its own. */
function legacyPart(der: Uint8Array): Buffer {
  const elements = DerReader.decode(der, (reader) => reader.each(Tag.sequence, (entry) => entry.element()));
  return Buffer.from(sequence(...elements.slice(0, -1)));
}

interface Template {
  readonly subject: Uint8Array | undefined;
  readonly key: readonly Uint8Array[] | undefined;
  readonly attributes: readonly Attribute[];
}

function templateOf(der: Uint8Array): Template {
  const last = decode(der).at(-1);
  if (typeof last !== 'object') throw new Error('no template');
  expect(last.type).toBe(idAaCertificationRequestInfoTemplate);
  return DerReader.decode(last.values[0] ?? new Uint8Array(), (reader) =>
    reader.sequence((t) => {
      expect(t.smallInteger()).toBe(0);
      return {
        subject: t.optional(Tag.sequence, (s) => s.element()),
        key: t.optional(Tag.context(0), (k) => k.each(Tag.context(0), (part) => part.element())),
        attributes: t.each(Tag.context(1), (entry) =>
          entry.sequence((a) => ({ type: a.oid(), values: a.each(Tag.set, (value) => value.element()) })),
        ),
      };
    }),
  );
}

describe('CsrAttrs examples of RFC 9908', () => {
  it.each([
    ['harkins01', ['1.2.840.113549.1.9.7', '1.2.840.113549.1.1.1', '1.2.840.113549.1.1.11']],
    ['harkins02', ['1.2.840.113549.1.9.7', '1.2.840.10045.2.1', '2.5.4.5', '1.2.840.10045.4.3.3']],
    ['realistic-acp', ['1.2.840.113549.1.9.14']],
    ['rfc7030-example01', ['1.2.840.113549.1.9.7', '1.2.840.10045.2.1', '1.3.6.1.1.1.1.22', '1.2.840.10045.4.3.3']],
  ])('%s is read as the RFC shows it', (name, types) => {
    expect(decode(example(name)).map((entry) => (typeof entry === 'string' ? entry : entry.type))).toEqual(types);
  });

  it('harkins01: an RSA key of 4096 bits, byte for byte', () => {
    const keys = { rsa: { minimumBits: 4096, maximumBits: 8192 }, ed25519: false, ed448: false };
    const der = encode({ keys, requestHashes: ['sha256'], est: { challengePassword: 'require' } });
    expect(legacyPart(der)).toEqual(example('harkins01'));
  });

  it('harkins02: a P-384 key and a serial number, byte for byte', () => {
    const keys = { ec: { curves: ['P-384' as const] }, ed25519: false, ed448: false };
    const subject = [{ name: 'serialNumber', required: true }];
    expect(legacyPart(encode({ keys, subject, est: { challengePassword: 'require' } }))).toEqual(example('harkins02'));
  });

  it('the template of section 3.4, byte for byte but for the type of two strings', () => {
    const der = encodeRequestTemplate({
      subject: [
        { name: 'commonName', required: true },
        { name: 'organizationalUnitName', required: true, value: 'myDept' },
        { name: 'organizationalUnitName', required: true, value: 'myGroup' },
      ],
      key: { algorithm: 'ec', curve: 'P-256' },
      extensions: [
        {
          id: idCeSubjectAltName,
          critical: false,
          partialValue: Buffer.from('301482107777772e6d795365727665722e636f6d8700', 'hex'),
        },
        { id: idCeKeyUsage, critical: true, value: Buffer.from('03020388', 'hex') },
        { id: idCeExtKeyUsage, critical: false },
      ],
      demandsLinking: false,
    });
    const utf8 = (hex: string) => hex.replace('13066d79446570', '0c066d79446570').replace('13076d7947', '0c076d7947');
    expect(utf8(Buffer.from(der).toString('hex'))).toBe(readFileSync(`${folder}/csr-template.der`).toString('hex'));
  });
});

describe('EST csrattrs of a policy (RFC 8951 4, RFC 9908)', () => {
  it('names challengePassword only where it is demanded (RFC 7030 3.5)', () => {
    expect(decode(encode({ est: { challengePassword: 'check' } }))).not.toContain('1.2.840.113549.1.9.7');
    const demanding = encode({ est: { challengePassword: 'require' } });
    expect(decode(demanding)[0]).toBe('1.2.840.113549.1.9.7');
    expect(templateOf(demanding).attributes).toEqual([{ type: '1.2.840.113549.1.9.7', values: [] }]);
  });

  it('has exactly one attribute for the key: an EC key on the first curve where the policy takes several kinds', () => {
    const keys = decode(encode({})).filter(
      (entry) => typeof entry === 'object' && entry.type.startsWith('1.2.840.10045.2'),
    );
    expect(keys).toHaveLength(1);
    const [key] = keys;
    expect(typeof key === 'object' ? oidOf(key.values[0]) : undefined).toBe('1.2.840.10045.3.1.7');
    expect(decode(encode({}))).toContain('1.2.840.10045.4.3.2');
  });

  it.each([
    [[...signatureHashes], '1.2.840.10045.4.3.2'],
    [['sha224', 'sha3-256', 'sha512', 'shake256'], '1.2.840.10045.4.3.4'],
    [['sha1', 'sha224', 'sha3-256', 'shake256'], undefined],
  ])('names no signature that EST does not take: of %j', (requestHashes, id) => {
    const named = decode(encode({ requestHashes })).filter((entry) => typeof entry === 'string');
    expect(named.filter((entry) => !entry.startsWith('2.5.4.'))).toEqual(id === undefined ? [] : [id]);
  });

  it('asks for an RSA key of 2048 bits where shorter ones were allowed too', () => {
    const keys = { rsa: { minimumBits: 1024, maximumBits: 8192 }, ed25519: false, ed448: false };
    const der = encode({ keys });
    const [key] = decode(der);
    const value = typeof key === 'object' ? (key.values[0] ?? new Uint8Array()) : new Uint8Array();
    expect(DerReader.decode(value, (r) => r.smallInteger())).toBe(2048);
  });

  it.each([2048, 3072, 4097])('has a placeholder RSA key of %d bits in the template (RFC 9908 3.4)', (bits) => {
    const keys = { rsa: { minimumBits: bits, maximumBits: 8192 }, ed25519: false, ed448: false };
    const spki = sequence(...(templateOf(encode({ keys })).key ?? []));
    expect(describePublicKey(spki)).toMatchObject({ algorithm: 'rsa', bits });
  });

  it.each([
    ['ed25519', '1.3.101.112'],
    ['ed448', '1.3.101.113'],
  ])('names %s for key and signature', (name, id) => {
    const der = encode({ keys: { ed25519: name === 'ed25519', ed448: name === 'ed448' } });
    expect(decode(der)).toEqual([{ type: id, values: [] }, id, expect.anything()]);
    expect(templateOf(der).key).toHaveLength(1);
  });

  it('has nothing to say for a policy without wishes', () => {
    expect(encodeCsrAttributes({ ...basePolicy, keys: { ed25519: false, ed448: false } })).toBeUndefined();
  });

  const wishes: Partial<PolicyView> = {
    subject: [
      { name: 'organizationName', required: true, value: 'Example' },
      { name: 'commonName', required: true },
      { name: 'serialNumber', required: false },
    ],
    subjectAltNames: [
      { name: 'dns', required: true, value: 'gate.example' },
      { name: 'ip', required: true },
      { name: 'uri', required: false },
    ],
    keyUsages: ['digitalSignature', 'keyAgreement'],
    extendedKeyUsages: ['1.3.6.1.5.5.7.3.2'],
    extensions: [
      { id: '1.3.6.1.4.1.99999.1', required: true },
      { id: '1.3.6.1.4.1.99999.2', required: false },
    ],
  };

  it('lists for old clients what is required without value by OID, and known extensions with their values', () => {
    const entries = decode(encode(wishes));
    expect(entries.filter((entry) => typeof entry === 'string')).toEqual([
      '2.5.4.3',
      '2.5.29.17',
      '1.3.6.1.4.1.99999.1',
      '1.2.840.10045.4.3.2',
    ]);
    const request = entries.find((entry) => typeof entry === 'object' && entry.type === '1.2.840.113549.1.9.14');
    const [known, second] = typeof request === 'object' ? request.values : [];
    expect(second).toBeUndefined();
    const extensions = decodeExtensions(known ?? new Uint8Array());
    expect(extensions.map(({ id, critical }) => [id, critical])).toEqual([
      [idCeKeyUsage, true],
      [idCeExtKeyUsage, false],
    ]);
    expect(decodeKeyUsage(extensions[0]?.value ?? new Uint8Array())).toEqual(['digitalSignature', 'keyAgreement']);
  });

  it.each([
    ['an EC key', basePolicy.keys, ['digitalSignature', 'keyAgreement']],
    [
      'an RSA key',
      { rsa: { minimumBits: 2048, maximumBits: 4096 }, ed25519: false, ed448: false },
      ['digitalSignature', 'keyEncipherment'],
    ],
    ['an Ed25519 key', { ed25519: true, ed448: false }, ['digitalSignature']],
  ])('asks for no key usage that %s cannot serve (RFC 3279 2.3.1, RFC 8813 3, RFC 8410 5)', (_, keys, expected) => {
    const { attributes } = templateOf(
      encode({ keys, keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] }),
    );
    const [extensions] = attributes.map(({ values }) => decodeExtensions(values[0] ?? new Uint8Array()));
    expect(decodeKeyUsage(extensions?.[0]?.value ?? new Uint8Array())).toEqual(expected);
  });

  it('leaves blanks in the template for what the client has to fill in (RFC 9908 3.4)', () => {
    const { subject, attributes } = templateOf(encode(wishes));
    const rdns = DerReader.decode(subject ?? new Uint8Array(), (r) =>
      r.each(Tag.sequence, (rdn) =>
        rdn.each(Tag.set, (a) => a.sequence((x) => [x.oid(), x.more && x.element().length])),
      ),
    );
    expect(rdns).toEqual([[['2.5.4.10', 9]], [['2.5.4.3', false]]]);
    expect(attributes.map(({ type }) => type)).toEqual([idAaExtensionReqTemplate]);
    const templates = DerReader.decode(attributes[0]?.values[0] ?? new Uint8Array(), (r) =>
      r.each(Tag.sequence, (t) =>
        t.sequence((e) => ({
          id: e.oid(),
          critical: e.tag === Tag.boolean && e.boolean(),
          value: e.more ? Buffer.from(e.octetString()).toString('hex') : undefined,
        })),
      ),
    );
    expect(templates).toEqual([
      { id: idCeSubjectAltName, critical: false, value: '3010820c676174652e6578616d706c658700' },
      { id: idCeKeyUsage, critical: true, value: '03020388' },
      { id: idCeExtKeyUsage, critical: false, value: expect.any(String) },
      { id: '1.3.6.1.4.1.99999.1', critical: false, value: undefined },
    ]);
  });

  it('uses a whole extensionRequest in the template where nothing is left open, never both forms', () => {
    const subjectAltNames = [
      { name: 'dns', required: true, value: 'gate.example' },
      { name: 'directoryName', required: false, value: 'CN=gate,O=Example' },
      { name: 'ip', required: false, value: '192.0.2.7' },
    ];
    const { attributes } = templateOf(encode({ ...wishes, subjectAltNames, extensions: [] }));
    expect(attributes.map(({ type }) => type)).toEqual(['1.2.840.113549.1.9.14']);
    const [san] = decodeExtensions(attributes[0]?.values[0] ?? new Uint8Array());
    const names = decodeGeneralNames(san?.value ?? new Uint8Array());
    expect(
      names.map((name) => (name.type === 'directoryName' ? formatName(name.value) : 'value' in name && name.value)),
    ).toEqual(['gate.example', 'CN=gate,O=Example', '192.0.2.7']);
  });

  it('leaves the whole SAN to the client where a form of name has no blank', () => {
    const subjectAltNames = [{ name: 'otherName', required: true }];
    const { attributes } = templateOf(encode({ subjectAltNames }));
    expect(Buffer.from(attributes[0]?.values[0] ?? []).toString('hex')).toBe('300730050603551d11');
  });

  it('is DER that openssl reads', () => {
    const text = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: encode(wishes) }).toString();
    expect(text).toContain('ecdsa-with-SHA256');
    expect(text).toContain('1.2.840.113549.1.9.16.2.61');
  });
});
