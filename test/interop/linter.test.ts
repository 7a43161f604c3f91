import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { builtInTemplates } from '../../src/catalog/built-in-templates.js';
import { parseDocument } from '../../src/catalog/document.js';
import { systemClock } from '../../src/clock.js';
import { applyDocument } from '../../src/declaration/apply.js';
import { planDocument } from '../../src/declaration/plan.js';
import { type RevocationRequest, releaseCertificate, revokeCertificate } from '../../src/enrollment/revoke.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { toPem } from '../../src/x509/pem.js';
import { describeWith, openShell, requireTool, type Shell } from '../support/interop.js';
import {
  compile,
  decideFor,
  everyAuthority,
  everyConfiguration,
  everyService,
  everyTemplate,
  fullProfile,
  type Specimen,
} from '../support/issue-everything.js';
import { testActor } from '../support/operator.js';
import { faultsOfCertificate } from '../support/rfc5280-certificate.js';
import { faultsOfCrl, faultsOfDelta, faultsOfScope } from '../support/rfc5280-crl.js';
import { asn1, asn1Oid } from '../support/strict-asn1.js';

/** Roots and CAs below them with keys of each kind, under others of each kind; the first and its children are a mixed chain. */
const configuration = `
certificateAuthorities:
  - { name: root-p521, subject: "CN=Root P-521,O=Gerätewerk,C=DE", key: ec-p521, validity: 30y }
  - { name: edwards, parent: root-p521, subject: "CN=Edwards,OU=Gateways,DC=example", key: ed25519, validity: 25y, pathLength: 2, issueIntermediates: true, stageNextGeneration: true }
  - { name: rsa, parent: edwards, subject: "CN=RSA,O=Gerätewerk", key: rsa-2048, validity: 10y, pathLength: 0, crl: { scope: always, delta: {} } }
  - { name: root-rsa, subject: "CN=Root RSA,O=Example", key: rsa-3072, validity: 20y }
  - { name: p384, parent: root-rsa, subject: "CN=P-384,O=Example", key: ec-p384, validity: 10y, pathLength: 0, crl: { maximumCertificates: 12, delta: {} } }
  - { name: root-edwards, subject: "CN=Root Edwards,O=Example", key: ed25519, validity: 20y }
  - { name: rsa-4096, parent: root-edwards, subject: "CN=RSA 4096,O=Example", key: rsa-4096, signatureHash: sha512, validity: 10y, issueIntermediates: true }
  - { name: root-p384, subject: "CN=Root P-384,O=Example", key: ec-p384, validity: 20y, pathLength: 1 }
  - { name: p521, parent: root-p384, subject: "CN=P-521,O=Example", key: ec-p521, validity: 10y, pathLength: 0, ocsp: { enabled: false } }
  - { name: root-p256, subject: "CN=Root P-256,O=Example", key: ec-p256, validity: 20y, stageNextGeneration: true }
  - { name: p256, parent: root-p256, subject: "CN=P-256,O=Example", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
`;
const issuers = {
  devices: ['rsa', 'p384', 'p521', 'p256', 'edwards', 'rsa-4096'],
  gateways: ['edwards', 'rsa-4096', 'p256'],
};
/** One for each kind of key. */
const serviceCas = ['rsa', 'p384', 'edwards'];

interface Crl {
  readonly issuerId: string;
  readonly partition: number;
  readonly der: Uint8Array;
}

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-linter-'));
let core: Core;
let shell: Shell;
let specimens: readonly Specimen[];
let crls: readonly Crl[];
/** From before anything was revoked. */
let bases: readonly Crl[];
let deltas: readonly Crl[];
const revoked = new Set<Specimen>();

beforeAll(async () => {
  shell = openShell({}, 60_000);
  const settings = readSettings({ flags: { data: directory, logLevel: 'silent' }, environment: {} });
  core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
  const readFile = () => '';
  const document = parseDocument({ file: 'linter.yaml', text: configuration, environment: {}, readFile });
  await applyDocument(await planDocument(document, core), { ...core, actor: testActor });
  await core.holder.refresh();
  await core.ensureCas();
  specimens = [
    ...(await everyAuthority(core)),
    ...(await everyService(core, serviceCas)),
    ...(await everyTemplate(core, issuers)),
    ...(await everyConfiguration(core, resolve('config'), issuers)),
  ];
  await core.crls.publishDue();
  bases = await everyCrl('find');
  for (const ca of serviceCas) {
    await revoke(`service cmc of ${ca}`, 'keyCompromise');
    await revoke(`service cmp of ${ca}`, 'certificateHold');
    await revoke(`service scep-ra of ${ca}`, 'unspecified');
    await revoke(`service key-generation of ${ca}`, 'certificateHold');
  }
  await revoke('cross-certificate of root-p256-1 by root-p256-2', 'superseded');
  await publishChanged();
  for (const ca of serviceCas) await release(`service key-generation of ${ca}`);
  await publishChanged();
  crls = await everyCrl('find');
  deltas = await everyCrl('findDelta');
}, 120_000);
afterAll(async () => {
  shell.remove();
  await core.close();
  await rm(directory, { recursive: true });
});

async function revoke(name: string, reason: RevocationRequest['reason']): Promise<void> {
  const specimen = find(name);
  const { serialNumber } = decodeCertificate(specimen.certificate);
  const compromised = reason === 'keyCompromise' ? { invalidityDate: new Date('2026-11-01T00:00:00Z') } : {};
  const request = { issuerId: specimen.issuerId, serialNumber, reason, actor: testActor, ...compromised };
  await revokeCertificate(request, core);
  revoked.add(specimen);
}

function find(name: string): Specimen {
  const found = specimens.find((specimen) => specimen.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

async function release(name: string): Promise<void> {
  const specimen = find(name);
  const { serialNumber } = decodeCertificate(specimen.certificate);
  await releaseCertificate({ issuerId: specimen.issuerId, serialNumber, actor: testActor }, core);
  revoked.delete(specimen);
}

async function publishChanged(): Promise<void> {
  for (const { issuerId, partition } of await core.store.crls.changed({})) await core.crls.publish(issuerId, partition);
}

async function everyCrl(kind: 'find' | 'findDelta'): Promise<Crl[]> {
  const found: Crl[] = [];
  for (const { id: issuerId } of core.authority.generations()) {
    for (let partition = 0; ; partition++) {
      const record = await core.store.crls[kind]({ issuerId, partition });
      if (record === undefined) break;
      found.push({ issuerId, partition, der: record.der });
    }
  }
  return found;
}

function issuerOf(issuerId: string): Uint8Array {
  const { certificate } = core.authority.generation(issuerId) ?? {};
  if (certificate === undefined) throw new Error(`there is no ${issuerId}`);
  return certificate.der;
}

describe('What is issued', () => {
  it('is of every built-in template, every configuration that comes with the gateway, every service and every kind of CA', () => {
    const names = specimens.map(({ name }) => name).join('\n');
    for (const { name } of builtInTemplates()) expect(names).toContain(`${name}.full`);
    for (const part of [
      'quickstart.yaml',
      'examples/minimal.yaml',
      'tls-server of rsa',
      'OCSP responder of root-p256-1',
    ]) {
      expect(names).toContain(part);
    }
    expect(names).toContain('cross-certificate of root-p256-2 by root-p256-1');
    expect(new Set(specimens.map(({ kind }) => kind)).size).toBe(4);
    expect(specimens.length).toBeGreaterThan(150);
    expect(crls.length).toBeGreaterThan(core.authority.generations().length);
  });

  it('is a certificate by RFC 5280, field by field', () => {
    const faults = specimens.flatMap(({ name, kind, certificate, issuer }) =>
      faultsOfCertificate(certificate, { issuer, kind }).map((fault) => `${name}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('is a CRL or a delta by RFC 5280, field by field, with entries and without', () => {
    const faults = [...bases, ...crls, ...deltas].flatMap(({ issuerId, der }) =>
      faultsOfCrl(der, { issuer: issuerOf(issuerId) }).map((fault) => `${issuerId}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('has deltas that can be combined with the CRLs before them and with them (RFC 5280 5.2.4)', () => {
    expect(new Set(deltas.map(({ issuerId }) => issuerId))).toEqual(new Set(['rsa-1', 'p384-1']));
    const faults = deltas.flatMap(({ issuerId, partition, der }) =>
      [...bases, ...crls]
        .filter((crl) => crl.issuerId === issuerId && crl.partition === partition)
        .flatMap((base) => faultsOfDelta(der, base.der).map((fault) => `${issuerId}/${partition}: ${fault}`)),
    );
    expect(faults).toEqual([]);
  });

  it('has for each certificate a CRL that covers it (RFC 5280 6.3.3 (b))', () => {
    const checked = specimens.filter(({ kind }) => kind === 'ca' || kind === 'end-entity');
    const uncovered = checked.filter(({ issuerId, certificate }) =>
      crls.every((crl) => crl.issuerId !== issuerId || faultsOfScope(crl.der, certificate).length > 0),
    );
    expect(uncovered.map(({ name }) => name)).toEqual([]);
  });

  it('is the same when another library has read it and written it again', () => {
    const all = [...specimens.map(({ certificate }) => certificate), ...crls.map(({ der }) => der)];
    for (const der of all) {
      const { result, offset } = fromBER(Uint8Array.from(der).buffer);
      expect(offset).toBe(der.length);
      expect(Buffer.from(result.toBER()).equals(der)).toBe(true);
    }
  });
});

describe('Whatever names a request asks for', () => {
  const attribute = (type: string, tag: number, value: string | Uint8Array) =>
    asn1(0x30, asn1Oid(type), asn1(tag, value));
  const subject = (...attributes: readonly Uint8Array[]) => asn1(0x30, ...attributes.map((one) => asn1(0x31, one)));
  const commonName = (tag: number, value: string | Uint8Array) => subject(attribute('2.5.4.3', tag, value));

  it.each<readonly [string, Uint8Array]>([
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
  ])('the subject is refused or comes to be as RFC 5280 wants it: %s', async (_, wanted) => {
    expect(await faultsOf({ subject: wanted })).toEqual([]);
  });

  it.each<readonly [string, Uint8Array]>([
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
  ])('the alternative name is refused or is as RFC 5280 wants it: %s, %#', async (_, wanted) => {
    const extensions = [{ id: '2.5.29.17', critical: false, value: asn1(0x30, wanted) }];
    expect(await faultsOf({ subject: commonName(0x0c, 'device'), extensions })).toEqual([]);
  });

  async function faultsOf(matter: Parameters<typeof decideFor>[3]): Promise<string[]> {
    const templates = builtInTemplates().map(({ value }) => value);
    const [template] = templates.filter(({ name }) => name === 'basic-device');
    if (template === undefined) throw new Error('no such template');
    const decision = decideFor(core, 'p256', compile(fullProfile(template), templates), matter);
    if (decision.outcome !== 'approved') return [];
    const { der } = await core.authority.issue(decision.issuance);
    return faultsOfCertificate(der, { issuer: issuerOf('p256-1'), kind: 'end-entity' });
  }
});

function pem(label: string, ders: readonly Uint8Array[]): string {
  return ders.map((der) => toPem(label, der)).join('');
}

/** Writes each certificate into a file of its own, and the CAs and CRLs into theirs; returns the names of the files. */
function writeFiles(all: readonly Specimen[]): readonly string[] {
  const cas = specimens.filter(({ kind }) => kind === 'root' || kind === 'ca');
  const roots = cas.filter(({ kind }) => kind === 'root');
  shell.write(
    'roots.pem',
    pem(
      'CERTIFICATE',
      roots.map(({ certificate }) => certificate),
    ),
  );
  const below = cas.filter((specimen) => specimen.kind === 'ca' && !revoked.has(specimen));
  shell.write(
    'below.pem',
    pem(
      'CERTIFICATE',
      below.map(({ certificate }) => certificate),
    ),
  );
  shell.write(
    'crls.pem',
    pem(
      'X509 CRL',
      crls.map(({ der }) => der),
    ),
  );
  return all.map(({ certificate }, i) => {
    shell.write(`${i}.pem`, toPem('CERTIFICATE', certificate));
    return `${i}.pem`;
  });
}

describeWith(['openssl'], 'openssl verify -x509_strict', () => {
  const verify = 'openssl verify -x509_strict -no-CApath -no-CAstore -CAfile roots.pem -untrusted below.pem';

  /** All that a CRL can be asked about. */
  const checkable = () => specimens.filter((one) => !/root|responder/.test(one.kind) && !revoked.has(one));

  it('accepts each that is not revoked, with its CRL', async () => {
    const files = writeFiles(checkable());
    const output = await shell.succeed(`${verify} -crl_check -CRLfile crls.pem ${files.join(' ')}`);
    expect(output).toBe(files.map((file) => `${file}: OK\n`).join(''));
  });

  it('accepts the whole chain with its CRLs, that of the root included', async () => {
    const files = writeFiles(checkable());
    expect(files.length).toBeGreaterThan(100);
    const output = await shell.succeed(`${verify} -crl_check_all -CRLfile crls.pem ${files.join(' ')}`);
    expect(output).toBe(files.map((file) => `${file}: OK\n`).join(''));
  });

  it('accepts responders, which no CRL is asked about', async () => {
    const files = writeFiles(specimens.filter(({ kind }) => kind === 'ocsp-responder'));
    const output = await shell.succeed(`${verify} -purpose ocsphelper ${files.join(' ')}`);
    expect(output).toBe(files.map((file) => `${file}: OK\n`).join(''));
  });

  it('refuses those that are revoked by a delta to CRLs from before, and nothing else', async () => {
    const hasDelta = ({ issuerId }: Specimen) => deltas.some((delta) => delta.issuerId === issuerId);
    const ofCas = specimens.filter((specimen) => specimen.kind === 'end-entity' && hasDelta(specimen));
    const files = writeFiles(ofCas);
    shell.write(
      'before.pem',
      pem(
        'X509 CRL',
        [...bases, ...deltas].map(({ der }) => der),
      ),
    );
    const { output, errors } = await shell.run(
      `${verify} -crl_check -use_deltas -CRLfile before.pem ${files.join(' ')}`,
    );
    const refused = ofCas.flatMap((specimen, i) => (revoked.has(specimen) ? [files[i]] : []));
    expect(refused).toHaveLength(6);
    expect(output.match(/: OK$/gm)).toHaveLength(files.length - refused.length);
    expect(
      [...errors.matchAll(/^error 23 at 0 .*\nerror (.*): verification failed/gm)].map(([, file]) => file),
    ).toEqual(refused);
  });

  it('refuses those that are revoked', async () => {
    for (const file of writeFiles([...revoked].filter(({ kind }) => kind === 'end-entity'))) {
      const { status, errors } = await shell.run(`${verify} -crl_check_all -CRLfile crls.pem ${file}`);
      expect({ status, errors }).toEqual({ status: 2, errors: expect.stringMatching(/certificate revoked/) });
    }
  });
});

describeWith(['certtool'], 'certtool --verify of GnuTLS', () => {
  const verify = (file: string) =>
    `certtool --verify --load-ca-certificate roots.pem --load-crl crls.pem --infile ${file}`;

  /** The chain of a certificate below a CA, from itself up to below the root. */
  function writeChain(specimen: Specimen, file: string): void {
    const chain = core.authority.chain(specimen.issuerId);
    shell.write(file, pem('CERTIFICATE', [specimen.certificate, ...chain.slice(0, -1)]));
  }

  it('accepts chains of P-521, Ed25519 and RSA keys, with their CRLs', async () => {
    const leaves = specimens.filter(
      (one) => one.issuerId === 'rsa-1' && one.kind === 'end-entity' && !revoked.has(one),
    );
    writeFiles(leaves);
    expect(leaves.length).toBeGreaterThan(10);
    for (const leaf of leaves.slice(0, 10)) {
      writeChain(leaf, 'chain.pem');
      expect(await shell.succeed(verify('chain.pem'))).toMatch(
        /Chain verification output: Verified\. The certificate is trusted/,
      );
    }
  });

  it('refuses one that is revoked', async () => {
    const leaf = find('service cmc of rsa');
    writeFiles([leaf]);
    writeChain(leaf, 'chain.pem');
    const { status, output, errors } = await shell.run(verify('chain.pem'));
    expect(status).not.toBe(0);
    expect(output + errors).toMatch(/revoked/);
  });

  it('accepts each CRL', async () => {
    for (const { issuerId, der } of crls) {
      shell.write('crl.pem', toPem('X509 CRL', der));
      shell.write('issuer.pem', toPem('CERTIFICATE', issuerOf(issuerId)));
      const output = await shell.succeed('certtool --verify-crl --load-ca-certificate issuer.pem --infile crl.pem');
      expect(output).toMatch(/Verification output: Verified/);
    }
  });
});

const hasZlint = requireTool('zlint', 'certificates are linted');

(hasZlint ? describe : describe.skip)('zlint', () => {
  it('finds no error by RFC 5280 and its companions', async () => {
    const files = writeFiles(specimens);
    const sources = 'RFC3279,RFC5280,RFC5480,RFC5891';
    const output = await shell.succeed(`zlint -includeSources ${sources} ${files.join(' ')}`);
    const lines = output.trim().split('\n');
    expect(lines).toHaveLength(files.length);
    const faults = lines.flatMap((line, i) =>
      [...line.matchAll(/"([a-z0-9_]+)":\{"result":"(error|fatal)"/g)].map(
        ([, lint]) => `${specimens[i]?.name}: ${lint}`,
      ),
    );
    expect(faults).toEqual([]);
  });
});
