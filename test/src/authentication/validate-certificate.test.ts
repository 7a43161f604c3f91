/** What counts of a certificate, case by case: issued here, by others with ours on the way, or registered as such. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findIssued } from '../../../src/authentication/find-issued.js';
import {
  type CertificateQuestion,
  type CertificateValidity,
  validateCertificate,
} from '../../../src/authentication/validate-certificate.js';
import { certificateId, type NewCertificateRecord } from '../../../src/store/certificate-record.js';
import type { NewRevocationRecord } from '../../../src/store/revocation-repository.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import type { UnmanagedCertificateRecord } from '../../../src/store/unmanaged-certificate-repository.js';
import { type Certificate, decodeCertificate } from '../../../src/x509/certificate.js';
import { createTrustAnchors } from '../../../src/x509/trust-anchors.js';
import {
  basicConstraints,
  ca,
  extendedKeyUsage,
  leaf,
  makeCertificate,
  makeChain,
  nameConstraints,
  subjectAltName,
  type TestCertificate,
  unknownExtension,
} from '../../support/make-chain.js';
import { createWorld, type TestNode } from '../ca/test-hierarchy.js';
import { caGeneration, certificate as certificateRecord } from '../store/temporary-store.js';

const at = new Date('2026-06-01T00:00:00Z');
const earlier = '2026-05-31T00:00:00Z';
const earlierStill = '2026-05-30T00:00:00Z';
const later = '2026-06-02T00:00:00Z';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';

const [root, middle, issuing] = [ca('O=Plant,CN=Root'), ca('O=Plant,CN=Middle'), ca('O=Plant,CN=Issuing')] as const;
/** Signed by nobody whom anybody knows: that it is on record is enough. */
const device: TestCertificate = { ...leaf('CN=device'), issuer: issuing.subject, signer: 'nobody' };

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-validate-'));
let store: Store;
let hierarchies = 0;

beforeAll(async () => {
  store = await openStore({ file: join(folder, 'gatehouse.db'), synchronous: 'OFF' });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Hierarchy {
  readonly node: TestNode;
  /** Root first. */
  readonly cas: readonly Uint8Array[];
  /** Of the generation at a place. */
  readonly idOf: (place: number) => string;
}

/** `unrecorded`: as an import leaves it. */
type CaStatus = NewCertificateRecord['status'] | 'unrecorded';

/** Generations of CAs, each on record under the one before it unless it is imported; the root is at place 0. */
async function makeCas(
  specs: readonly TestCertificate[],
  statuses: Readonly<Record<number, CaStatus>> = {},
): Promise<Hierarchy> {
  hierarchies++;
  const prefix = `ca${hierarchies}`;
  const idOf = (place: number) => `${prefix}-${place}`;
  const cas = makeChain(specs);
  const statements = cas.flatMap((certificate, i) => {
    const { serialNumber } = decodeCertificate(certificate);
    const parent = i === 0 ? null : idOf(i - 1);
    const generation = caGeneration({ id: idOf(i), ca: idOf(i), certificate, parent });
    if (parent === null) return [store.caGenerations.insert(generation)];
    const status = statuses[i] ?? 'valid';
    if (status === 'unrecorded') return [store.caGenerations.insert(generation)];
    const row = certificateRecord(serialNumber, { issuerId: parent, der: certificate, status });
    return [store.caGenerations.insert(generation), store.certificates.insert(row)];
  });
  await store.commit({ statements, audit: [] });
  const node = createWorld([]).node(store);
  await node.authority.reload();
  return { node, cas, idOf };
}

/** Puts a certificate on record. */
async function record(
  der: Uint8Array,
  issuerId: string,
  changes: Partial<NewCertificateRecord> = {},
): Promise<Pick<CertificateQuestion, 'certificate' | 'issued'>> {
  const certificate = decodeCertificate(der);
  const row = certificateRecord(certificate.serialNumber, { issuerId, der, ...changes });
  await store.commit({ statements: [store.certificates.insert(row)], audit: [] });
  return { certificate, issued: await findIssued(certificate, store) };
}

/** `ok`, or the code of what is wrong, after `above` where it is not the certificate itself. */
function verdict(validity: CertificateValidity): string {
  if (validity.ok) return 'ok';
  return validity.isAbove ? `above: ${validity.code}` : validity.code;
}

interface IssuedCase {
  readonly name: string;
  readonly expected: string;
  readonly device?: Partial<TestCertificate>;
  readonly record?: Partial<NewCertificateRecord>;
  readonly cas?: readonly TestCertificate[];
  /** By the place of the CA, root 0. */
  readonly statuses?: Readonly<Record<number, NewCertificateRecord['status']>>;
  readonly allowed?: Pick<CertificateQuestion, 'acceptExpired' | 'acceptHeld' | 'acceptRevoked'>;
}

const everything = { acceptExpired: true, acceptHeld: true, acceptRevoked: true };
const expired = { notAfter: earlier };

const issuedCases: readonly IssuedCase[] = [
  { name: 'valid', expected: 'ok' },
  { name: 'revoked', record: { status: 'revoked' }, expected: 'revoked' },
  {
    name: 'revoked, for who asks what became of that',
    record: { status: 'revoked' },
    allowed: { acceptRevoked: true },
    expected: 'ok',
  },
  {
    name: 'revoked, for who asks for the end of a hold',
    record: { status: 'revoked' },
    allowed: { acceptHeld: true },
    expected: 'revoked',
  },
  { name: 'on hold', record: { status: 'held' }, expected: 'held' },
  {
    name: 'on hold, for who asks for the end of it',
    record: { status: 'held' },
    allowed: { acceptHeld: true },
    expected: 'ok',
  },
  {
    name: 'on hold, for who asks what became of a revocation',
    record: { status: 'held' },
    allowed: { acceptRevoked: true },
    expected: 'ok',
  },
  { name: 'not confirmed in time', record: { confirmBy: at.getTime() }, expected: 'lapsed' },
  { name: 'yet to be confirmed', record: { confirmBy: at.getTime() + 1 }, expected: 'unconfirmed' },
  { name: 'lapsed, whatever is allowed', record: { confirmBy: at.getTime() }, allowed: everything, expected: 'lapsed' },
  { name: 'expired', device: expired, expected: 'expired' },
  {
    name: 'expired, for a renewal, whose policy has the grace',
    device: expired,
    allowed: { acceptExpired: true },
    expected: 'ok',
  },
  {
    name: 'expired together with its CAs, for a renewal',
    device: expired,
    cas: [{ ...root, ...expired }, middle, { ...issuing, ...expired }],
    allowed: { acceptExpired: true },
    expected: 'ok',
  },
  {
    name: 'valid beyond the end of its CA',
    cas: [root, middle, { ...issuing, ...expired }],
    expected: 'above: expired',
  },
  {
    name: 'valid beyond the end of its root, for a renewal',
    cas: [{ ...root, ...expired }, middle, issuing],
    allowed: { acceptExpired: true },
    expected: 'above: expired',
  },
  {
    name: 'expired after its CA, for a renewal',
    device: expired,
    cas: [root, { ...middle, notAfter: earlierStill }, issuing],
    allowed: { acceptExpired: true },
    expected: 'above: expired',
  },
  { name: 'not valid yet', device: { notBefore: later }, expected: 'not-yet-valid' },
  {
    name: 'of a CA that is not valid yet',
    cas: [root, { ...middle, notBefore: later }, issuing],
    expected: 'above: not-yet-valid',
  },
  { name: 'with a critical extension of its profile', device: leaf('CN=x', unknownExtension(true)), expected: 'ok' },
  { name: 'for TLS servers alone', device: leaf('CN=x', extendedKeyUsage(serverAuth)), expected: 'ok' },
  {
    name: 'of CAs whose certificates are signed with SHA-1',
    cas: [root, { ...middle, hash: 'sha1' }, { ...issuing, hash: 'sha1' }],
    expected: 'ok',
  },
  { name: 'of a root with a short RSA key', cas: [{ ...root, key: 'rsa1024 root' }, middle, issuing], expected: 'ok' },
  { name: 'directly under a root', cas: [root], device: { issuer: root.subject }, expected: 'ok' },
  { name: 'of a CA that is revoked', statuses: { 2: 'revoked' }, expected: 'above: revoked' },
  { name: 'of a CA that is on hold', statuses: { 2: 'held' }, expected: 'above: held' },
  { name: 'of a CA below one that is revoked', statuses: { 1: 'revoked' }, expected: 'above: revoked' },
  {
    name: 'of a CA that is revoked, whatever is allowed',
    statuses: { 2: 'revoked' },
    allowed: everything,
    expected: 'above: revoked',
  },
  { name: 'revoked like its CA', record: { status: 'revoked' }, statuses: { 2: 'revoked' }, expected: 'revoked' },
  {
    name: 'with a name that a CA above excludes',
    device: leaf('CN=x', subjectAltName('dns:other.example')),
    cas: [root, ca('O=Plant,CN=Middle', nameConstraints({ permitted: ['dns:plant.example'] })), issuing],
    expected: 'above: name-constraints',
  },
  {
    name: 'with a name that the CAs above permit',
    device: leaf('CN=x', subjectAltName('dns:pump.plant.example')),
    cas: [root, ca('O=Plant,CN=Middle', nameConstraints({ permitted: ['dns:plant.example'] })), issuing],
    expected: 'ok',
  },
  {
    name: 'below more CAs than the root has room for',
    cas: [ca('O=Plant,CN=Root', basicConstraints(true, 1)), middle, issuing],
    expected: 'above: path-length',
  },
  { name: 'of what is no CA', cas: [root, middle, leaf('O=Plant,CN=Issuing')], expected: 'above: basic-constraints' },
  {
    name: 'of a CA that others have signed',
    cas: [root, middle, { ...issuing, isTampered: true }],
    expected: 'above: bad-signature',
  },
];

describe('A certificate that was issued here', () => {
  it.each(issuedCases)('$name: $expected', async ({ expected, statuses, allowed, ...one }) => {
    const { cas = [root, middle, issuing] } = one;
    const { node, idOf } = await makeCas(cas, statuses);
    const der = makeCertificate({ ...device, ...one.device, signer: 'nobody' });
    const asked = await record(der, idOf(cas.length - 1), one.record);
    expect(verdict(await validateCertificate({ ...asked, at, ...allowed }, node))).toBe(expected);
  });

  it('is known by what was signed, not by its serial number, which others give as well', async () => {
    const { idOf } = await makeCas([root]);
    const foreign = decodeCertificate(makeCertificate(leaf('CN=device')));
    const row = certificateRecord(foreign.serialNumber, { issuerId: idOf(0), der: makeCertificate(device) });
    await store.commit({ statements: [store.certificates.insert(row)], audit: [] });
    expect(await findIssued(foreign, store)).toBeUndefined();
  });

  it('has its path to the root', async () => {
    const { node, cas, idOf } = await makeCas([root, middle, issuing]);
    const asked = await record(makeCertificate(device), idOf(2));
    const validity = await validateCertificate({ ...asked, at }, node);
    const path = validity.ok ? validity.path.map(({ der }) => Buffer.from(der)) : [];
    expect(path).toEqual([asked.certificate.der, ...cas.toReversed()].map((der) => Buffer.from(der)));
  });

  it('counts under a generation that issues no more', async () => {
    const { node, idOf } = await makeCas([root, middle, issuing]);
    const asked = await record(makeCertificate(device), idOf(2));
    const retired = store.caGenerations.setState({ id: idOf(2), from: 'current', to: 'previous' });
    await store.commit({ statements: [retired], audit: [] });
    await node.authority.reload();
    expect(verdict(await validateCertificate({ ...asked, at }, node))).toBe('ok');
  });

  it.each([0, 1, 2])('counts no more once the generation at place %i is revoked as a whole', async (place) => {
    const { node, idOf } = await makeCas([root, middle, issuing]);
    const asked = await record(makeCertificate(device), idOf(2));
    const { authority } = node;
    const generation = (id: string) => {
      const found = authority.generation(id);
      return found && { ...found, revoked: found.id === idOf(place) };
    };
    const services = { store, authority: { ...authority, generation } };
    expect(verdict(await validateCertificate({ ...asked, at }, services))).toBe('above: revoked');
  });

  it('counts no more as soon as another process has revoked a CA above it, and again after a hold', async () => {
    const { node, cas, idOf } = await makeCas([root, middle, issuing]);
    const asked = await record(makeCertificate(device), idOf(2));
    const ask = async () => verdict(await validateCertificate({ ...asked, at }, node));
    const id = certificateId(idOf(0), decodeCertificate(cas[1] ?? new Uint8Array()).serialNumber);
    const verdicts = [await ask()];
    for (const statement of [
      store.certificates.hold({ id, at: 0 }),
      store.certificates.release({ id }),
      store.certificates.revoke({ id, revokedAt: 0, revocationReason: 2, invalidityDate: null }),
    ]) {
      await store.commit({ statements: [statement], audit: [] });
      verdicts.push(await ask());
    }
    expect(verdicts).toEqual(['ok', 'above: held', 'ok', 'above: revoked']);
  });

  it('counts under a generation that another process has made, and under none that nobody knows', async () => {
    const { idOf } = await makeCas([root, middle, issuing]);
    const { certificate, issued } = await record(makeCertificate(device), idOf(2));
    const other = createWorld([]).node(store);
    expect(other.authority.generations()).toEqual([]);
    expect(verdict(await validateCertificate({ certificate, issued, at }, other))).toBe('ok');
    const gone = issued && { ...issued, issuerId: 'gone-1' };
    expect(verdict(await validateCertificate({ certificate, issued: gone, at }, other))).toBe('above: unknown-issuer');
  });

  it('costs the signatures of its CAs once, and never its own', async () => {
    const { node, idOf } = await makeCas([root, middle, issuing]);
    const asked = await record(makeCertificate(device), idOf(2));
    expect(verdict(await validateCertificate({ ...asked, at }, node))).toBe('ok');
    await node.authority.reload();
    // Whoever looked at them again would find them wrong.
    for (const { certificate } of node.authority.generations()) certificate.signature.fill(0);
    expect(verdict(await validateCertificate({ ...asked, at }, node))).toBe('ok');
    const next = await record(makeCertificate({ ...device, subject: 'CN=next' }), idOf(2));
    expect(verdict(await validateCertificate({ ...next, at }, node))).toBe('ok');
  });
});

/** As it left the factory, by way of a CA that this gateway has certified. */
const vendorCas = [ca('O=Vendor,CN=Vendor Root'), ca('O=Vendor,CN=Vendor CA')] as const;
const born = leaf('CN=born', extendedKeyUsage(clientAuth));

interface ForeignCase {
  readonly name: string;
  readonly expected: string;
  readonly chain?: readonly TestCertificate[];
  /** Of the CA between the root and the device; not issued here, if absent. */
  readonly intermediate?: Partial<NewCertificateRecord>;
  /** Of the trust anchor. */
  readonly anchor?: Partial<NewCertificateRecord>;
  readonly statuses?: Readonly<Record<number, NewCertificateRecord['status']>>;
  readonly keyPurposes?: readonly string[];
}

const [vendorRoot, vendorCa] = vendorCas;
const foreignCases: readonly ForeignCase[] = [
  { name: 'good', expected: 'ok' },
  { name: 'expired', chain: [vendorRoot, vendorCa, { ...born, ...expired }], expected: 'expired' },
  { name: 'of an expired CA', chain: [vendorRoot, { ...vendorCa, ...expired }, born], expected: 'expired' },
  {
    name: 'for another purpose',
    chain: [vendorRoot, vendorCa, leaf('CN=x', extendedKeyUsage(serverAuth))],
    expected: 'key-purpose',
  },
  { name: 'for one of several purposes', keyPurposes: [serverAuth, clientAuth], expected: 'ok' },
  {
    name: 'too far below the root',
    chain: [ca('O=Vendor,CN=Vendor Root', basicConstraints(true, 0)), vendorCa, born],
    expected: 'path-length',
  },
  {
    name: 'with a name outside the constraints',
    chain: [
      vendorRoot,
      ca('O=Vendor,CN=Vendor CA', nameConstraints({ permitted: ['dns:plant.example'] })),
      leaf('CN=x', subjectAltName('dns:other.example')),
    ],
    expected: 'name-constraints',
  },
  { name: 'signed with SHA-1', chain: [vendorRoot, vendorCa, { ...born, hash: 'sha1' }], expected: 'weak-algorithm' },
  {
    name: 'with a critical extension that nobody knows',
    chain: [vendorRoot, vendorCa, leaf('CN=x', unknownExtension(true))],
    expected: 'critical-extension',
  },
  { name: 'of a CA that was issued here', intermediate: {}, expected: 'ok' },
  { name: 'of a CA that was issued here and revoked', intermediate: { status: 'revoked' }, expected: 'revoked' },
  { name: 'of a CA that was issued here and is on hold', intermediate: { status: 'held' }, expected: 'revoked' },
  {
    name: 'of a CA that was issued here and not confirmed',
    intermediate: { confirmBy: at.getTime() + 1 },
    expected: 'revoked',
  },
  {
    name: 'of a CA that was issued here, by one that is revoked',
    intermediate: {},
    statuses: { 1: 'revoked' },
    expected: 'revoked',
  },
  { name: 'of a trust anchor that was issued here', anchor: {}, expected: 'ok' },
  { name: 'of a trust anchor that was issued here and revoked', anchor: { status: 'revoked' }, expected: 'revoked' },
  {
    name: 'of a trust anchor that was issued here, by a CA that is revoked',
    anchor: {},
    statuses: { 2: 'revoked' },
    expected: 'revoked',
  },
];

describe('A certificate of an authentication CA', () => {
  it.each(foreignCases)('$name: $expected', async ({ expected, chain = [...vendorCas, born], ...one }) => {
    const { node, idOf } = await makeCas([root, middle, issuing], one.statuses);
    const [anchor = new Uint8Array(), intermediate = new Uint8Array(), own = new Uint8Array()] = makeChain(chain);
    if (one.intermediate) await record(intermediate, idOf(2), one.intermediate);
    if (one.anchor) await record(anchor, idOf(2), one.anchor);
    const question = {
      certificate: decodeCertificate(own),
      issued: undefined,
      presented: [intermediate],
      trustAnchors: createTrustAnchors([anchor]),
      keyPurposes: one.keyPurposes ?? [clientAuth],
      at,
    };
    expect(verdict(await validateCertificate(question, node))).toBe(expected);
  });
});

describe('A certificate that only the CA has signed, which is an authentication CA as well', () => {
  it.each<[string, Record<number, NewCertificateRecord['status']>, string]>([
    ['good', {}, 'ok'],
    ['below a CA that is revoked', { 2: 'revoked' }, 'revoked'],
    ['below one that is below a CA on hold', { 1: 'held' }, 'revoked'],
  ])('%s', async (_, statuses, expected) => {
    const { node, cas } = await makeCas([root, middle, issuing], statuses);
    const certificate = decodeCertificate(makeCertificate({ ...device, signer: issuing.subject }));
    const trustAnchors = createTrustAnchors(cas.slice(2));
    expect(verdict(await validateCertificate({ certificate, issued: undefined, trustAnchors, at }, node))).toBe(
      expected,
    );
  });
});

describe('A certificate that is registered as such', () => {
  it.each<[string, TestCertificate, string]>([
    ['good', born, 'ok'],
    ['for another purpose', leaf('CN=x', extendedKeyUsage(serverAuth)), 'ok'],
    ['expired', { ...born, ...expired }, 'expired'],
    ['not valid yet', { ...born, notBefore: later }, 'not-yet-valid'],
    ['with a critical extension that nobody knows', leaf('CN=x', unknownExtension(true)), 'critical-extension'],
  ])('%s', async (_, spec, expected) => {
    const node = createWorld([]).node(store);
    const certificate = decodeCertificate(makeCertificate(spec));
    expect(verdict(await validateCertificate({ certificate, issued: undefined, at }, node))).toBe(expected);
  });
});

/** Puts a certificate that is not on record on the list of a generation. */
async function list(der: Uint8Array, issuerId: string, changes: Partial<NewRevocationRecord> = {}): Promise<void> {
  const { serialNumber, notAfter } = decodeCertificate(der);
  const row = { issuerId, partition: 0, serialNumber, revokedAt: 0, reason: 1, invalidityDate: null, removed: 0 };
  const statements = [
    store.crls.markChanged({ issuerId, partition: 0, at: 0 }),
    store.revocations.record({ ...row, notAfter: notAfter.getTime(), ...changes }),
  ];
  await store.commit({ statements, audit: [] });
}

const hold = { reason: 6 };
const released = { ...hold, removed: 1 };

describe('A certificate from before its CA was imported', () => {
  it.each<[string, Partial<NewRevocationRecord> | undefined, string]>([
    ['on no list', undefined, 'ok'],
    ['on the list of the CA', {}, 'revoked'],
    ['on hold', hold, 'revoked'],
    ['on hold no more', released, 'ok'],
  ])('%s, with the path to a trust anchor or registered as such', async (_, listed, expected) => {
    const { node, cas, idOf } = await makeCas([root, middle, issuing]);
    const own = makeCertificate({ ...device, signer: issuing.subject });
    if (listed) await list(own, idOf(2), listed);
    const question = { certificate: decodeCertificate(own), issued: undefined, at };
    const anchored = { presented: cas.slice(1), trustAnchors: createTrustAnchors(cas.slice(0, 1)) };
    expect(verdict(await validateCertificate({ ...question, ...anchored }, node))).toBe(expected);
    expect(verdict(await validateCertificate(question, node))).toBe(expected);
  });

  it.each<[string, Partial<NewRevocationRecord> | undefined, string]>([
    ['on no list', undefined, 'ok'],
    ['on the list of the CA above it', {}, 'above: revoked'],
    ['on hold', hold, 'above: held'],
    ['on hold no more', released, 'ok'],
  ])('a CA %s, above what was issued here', async (_, listed, expected) => {
    const { node, cas, idOf } = await makeCas([root, middle, issuing], { 2: 'unrecorded' });
    if (listed) await list(cas[2] ?? new Uint8Array(), idOf(1), listed);
    const asked = await record(makeCertificate(device), idOf(2));
    expect(verdict(await validateCertificate({ ...asked, at }, node))).toBe(expected);
  });

  it('may be that of a CA, which then counts no more as a trust anchor', async () => {
    const { node, idOf } = await makeCas([root, middle, issuing]);
    const line = { ...ca('O=Vendor,CN=Line'), issuer: issuing.subject, signer: issuing.subject };
    const anchor = makeCertificate(line);
    const certificate = decodeCertificate(makeCertificate({ ...born, issuer: line.subject, signer: line.subject }));
    const question = { certificate, issued: undefined, trustAnchors: createTrustAnchors([anchor]), at };
    expect(verdict(await validateCertificate(question, node))).toBe('ok');
    await list(anchor, idOf(2));
    expect(verdict(await validateCertificate(question, node))).toBe('revoked');
  });
});

describe("A certificate of a gateway's CA", () => {
  it.each<[string, Partial<UnmanagedCertificateRecord> | undefined, string]>([
    ['that was not reported', undefined, 'ok'],
    ['that was reported', {}, 'ok'],
    ['that is revoked by a report or the CRL', { status: 'revoked', revokedAt: 0, revocationReason: 1 }, 'revoked'],
    ['that is on hold by them', { status: 'revoked', revokedAt: 0, revocationReason: 6 }, 'revoked'],
    ['when another one is revoked', { status: 'revoked', serialNumber: '0abc' }, 'ok'],
  ])('%s', async (_, reported, expected) => {
    const { node, cas, idOf } = await makeCas([root, middle, issuing]);
    const line = { ...ca('O=Plant,CN=gw'), issuer: issuing.subject, signer: issuing.subject };
    const der = makeCertificate(line);
    const { issued: { id: issuedId = '' } = {} } = await record(der, idOf(2), { usage: 'intermediate' });
    const own = makeCertificate({ ...born, issuer: line.subject, signer: line.subject });
    const certificate = decodeCertificate(own);
    await store.commit({ statements: reportStatements(idOf(2), issuedId, certificate, reported), audit: [] });
    const anchors = [{ presented: [der, ...cas.slice(1)], trustAnchors: createTrustAnchors(cas.slice(0, 1)) }];
    for (const anchored of [...anchors, { trustAnchors: createTrustAnchors([der]) }]) {
      const question = { certificate, issued: undefined, ...anchored, at };
      expect(verdict(await validateCertificate(question, node))).toBe(expected);
    }
  });
});

function reportStatements(
  unmanagedCaId: string,
  ofCa: string,
  { serialNumber, der }: Certificate,
  reported: Partial<UnmanagedCertificateRecord> | undefined,
) {
  const { unmanagedCas, unmanagedCertificates } = store;
  const row = { unmanagedCaId, serialNumber, der, issuerKey: '', subject: '', names: '', fingerprint: serialNumber };
  const state = { notBefore: 0, notAfter: 0, status: 'valid', revokedAt: null, revocationReason: null } as const;
  return [
    unmanagedCas.insert({ id: unmanagedCaId, division: '', deviceId: null, subject: 'CN=gw', createdAt: 0 }),
    unmanagedCas.addCertificate({ certificateId: ofCa, unmanagedCaId }),
    ...(reported ? [unmanagedCertificates.insert({ ...row, ...state, reportedAt: 0, ...reported })] : []),
  ];
}
