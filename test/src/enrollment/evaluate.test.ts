/** Dry runs: they decide as real requests are decided, and leave nothing behind. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { revokeCredential } from '../../../src/catalog/credentials.js';
import { type CertificateWish, readWish, requestedBy } from '../../../src/enrollment/certificate-wish.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { evaluate } from '../../../src/enrollment/evaluate.js';
import type { Evaluation, EvaluationQuestion } from '../../../src/enrollment/evaluation.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { findTarget } from '../../../src/enrollment/target.js';
import { presentCaller } from '../../../src/enrollment/would-be-caller.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { RequestedCertificate } from '../../../src/model/requested-certificate.js';
import { certificateId } from '../../../src/store/certificate-record.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { describeCertificate } from '../../../src/x509/describe-certificate.js';
import { toPem } from '../../../src/x509/pem.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { ca, leaf, makeChain } from '../../support/make-chain.js';
import { makeCsr, newKey, spkiOf } from '../../support/make-csr.js';
import { testActor } from '../../support/operator.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

// Certificates know whole seconds.
const clock = createTestClock(new Date(Math.floor(Date.now() / 1000) * 1000));
let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  const credentials = [
    '{ kind: passcode, name: near, secret: near-passcode, allowedAddresses: [192.0.2.0/24] }',
    '{ kind: passcode, name: bob, secret: bobs-passcode, username: bob }',
    '{ kind: passcode, name: early, secret: early-passcode, notAfter: "2020-01-01T00:00:00Z" }',
    '{ kind: passcode, name: gone, secret: gone-passcode }',
    '{ kind: passcode, name: once, secret: once-passcode, usageLimit: 1, registeredValues: { device: pump-9 } }',
    '{ kind: acme-account-key, name: eab, keyId: eab, hmacKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA }',
  ];
  await applyYaml(test, `authenticationPolicies: [{ name: fleet, division: plant, credentials: [${credentials}] }]`);
  await applyYaml(test, policyLike('asked', 'approval: manual'));
  await applyYaml(test, policyLike('closed', 'enabled: false'));
  await applyYaml(test, policyLike('slow', 'limits: { perMinute: 1 }'));
  await applyYaml(test, policyLike('servers', 'methods: [acme], acme: { authorization: both }'));
  await applyYaml(test, policyLike('single', 'duplicates: revoke-previous'));
  await revokeCredential({ authenticationPolicy: 'fleet', name: 'gone' }, { ...core(), actor: testActor });
});
afterAll(() => test.close());

function core() {
  return test.gateway.core;
}

function ask(changes: Partial<EvaluationQuestion> = {}): Promise<Evaluation> {
  return evaluate(
    {
      label: 'fleet',
      protocol: 'est',
      operation: 'either',
      wish: { csr: makeCsr() },
      caller: { credential: 'fleet' },
      ...changes,
    },
    core(),
  );
}

/** A request that is no dry run. */
function enrollByPasscode(requested: RequestedCertificate, label = 'fleet'): Promise<EnrollmentResult> {
  return enroll(
    {
      protocol: 'est',
      label,
      operation: 'enroll',
      requested,
      credentials: [{ kind: 'password', password: fleetPasscode }],
      remoteAddress: '192.0.2.7',
      requestId: createIdentifier(),
    },
    core(),
  );
}

async function issue(subject: string, label = 'fleet', key = newKey()): Promise<Uint8Array> {
  const requested = { subject: decodeSubject(subject), subjectPublicKeyInfo: spkiOf(key), extensions: [] };
  const result = await enrollByPasscode(requested, label);
  if (result.outcome !== 'issued') throw new Error('not issued');
  return result.certificate;
}

function decodeSubject(subject: string): Uint8Array {
  const wish = readWish({ subject, generateKey: {} });
  if ('csr' in wish) throw new Error('no names');
  return wish.names.subject;
}

async function idOf(der: Uint8Array): Promise<string> {
  const { serialNumber } = decodeCertificate(der);
  const [record] = await core().store.certificates.findBySerial({ serialNumber });
  if (record === undefined) throw new Error('not on record');
  return record.id;
}

/** The last thing that was said. */
function last({ trace }: Evaluation) {
  return trace.at(-1);
}

describe('a dry run that is approved', () => {
  it('describes the certificate that the same request then gets', async () => {
    const key = newKey();
    const wish: CertificateWish = {
      csr: makeCsr({ subject: 'CN=pump-1,O=Plant', key, alternatives: [{ type: 'dns', value: 'pump-1.example' }] }),
    };
    const evaluation = await ask({ wish });
    expect(evaluation).toMatchObject({
      outcome: 'approved',
      operation: 'enroll',
      profile: 'device',
      usage: 'operational',
      device: 'pump-1',
      isNewDevice: true,
      modified: [],
      revokes: [],
    });
    const result = await enrollByPasscode(requestedOf(wish));
    if (result.outcome !== 'issued') throw new Error('not issued');
    expect(evaluation.certificate).toEqual(describeCertificate(decodeCertificate(result.certificate)));
    expect(evaluation.certificate).toMatchObject({
      subject: 'CN=pump-1,O=Plant',
      subjectAltNames: ['dns:pump-1.example'],
      publicKey: { kind: 'ec P-256' },
      keyUsages: ['digitalSignature'],
      extendedKeyUsages: ['clientAuth', 'serverAuth'],
      isCa: false,
    });
    const again = await ask({ wish });
    expect(again).toMatchObject({ device: 'pump-1', isNewDevice: false });
  });

  it('tells each step before the rules, and each rule', async () => {
    const { trace } = await ask();
    const rules = trace.map(({ rule }) => rule);
    expect(rules.slice(0, 7)).toEqual([
      'label',
      'method',
      'message',
      'caller',
      'authentication',
      'requester',
      'profile',
    ]);
    expect(rules.slice(7, 10)).toEqual(['operation', 'policy', 'device']);
    expect(last({ trace } as Evaluation)).toEqual({
      rule: 'approval',
      outcome: 'ok',
      said: 'policy fleet approves by itself',
    });
  });

  it('takes a public key or a key of the gateway in place of a PKCS #10 request', async () => {
    const publicKey = toPem('PUBLIC KEY', spkiOf(newKey()));
    const named = { subject: 'CN=pump-2', subjectAltNames: { dns: ['pump-2.example'], ip: ['192.0.2.1'] } };
    const own = await ask({ wish: readWish({ ...named, publicKey }) });
    expect(own.certificate?.subjectAltNames).toEqual(['dns:pump-2.example', 'ip:192.0.2.1']);
    const made = await ask({ wish: readWish({ ...named, generateKey: { type: 'ec-p384' } }) });
    expect(made).toMatchObject({ outcome: 'approved', certificate: { publicKey: { kind: 'ec P-384' } } });
  });

  it('takes names as proved and the account as opened over ACME', async () => {
    const wish = { csr: makeCsr({ subject: 'CN=a.example', alternatives: [{ type: 'dns', value: 'A.example' }] }) };
    const acme = { label: 'servers', protocol: 'acme', wish } as const;
    expect(await ask({ ...acme, caller: { credential: 'eab' } })).toMatchObject({
      outcome: 'approved',
      requester: 'acme-account:dry-run',
    });
    expect(await ask({ ...acme, caller: {} })).toMatchObject({ outcome: 'refused-before', code: 'bad-secret' });
  });

  it('names the certificates that it would take the place of', async () => {
    const first = await issue('CN=pump-3', 'single');
    const evaluation = await ask({ label: 'single', wish: { csr: makeCsr({ subject: 'CN=pump-3', key: newKey() }) } });
    expect(evaluation).toMatchObject({ outcome: 'approved', revokes: [await idOf(first)] });
  });
});

describe('a dry run that waits for people', () => {
  it('is pending, and shows the certificate that they would approve', async () => {
    const evaluation = await ask({ label: 'asked' });
    expect(evaluation).toMatchObject({ outcome: 'pending', certificate: { subject: 'CN=device-1' } });
    expect(last(evaluation)).toMatchObject({ rule: 'approval', outcome: 'pending' });
  });
});

describe('a dry run of re-enrollment', () => {
  it('takes a certificate on record, or the latest of a device', async () => {
    const key = newKey();
    const id = await idOf(await issue('CN=pump-4', 'fleet', key));
    const wish = { csr: makeCsr({ subject: 'CN=pump-4', key }) };
    const expected = { outcome: 'approved', operation: 'reenroll', requester: `certificate:${id}`, device: 'pump-4' };
    expect(await ask({ wish, caller: { issuedCertificate: id } })).toMatchObject(expected);
    expect(await ask({ wish, caller: { device: 'pump-4' } })).toMatchObject(expected);
  });

  it('refuses what is revoked, unknown, or of a device without a certificate', async () => {
    const der = await issue('CN=pump-5');
    const id = await idOf(der);
    const { serialNumber } = decodeCertificate(der);
    const issuerId = id.slice(0, id.indexOf(':'));
    expect(certificateId(issuerId, serialNumber)).toBe(id);
    await revokeCertificate({ issuerId, serialNumber, reason: 'superseded', actor: testActor }, core());
    expect(await ask({ caller: { issuedCertificate: id } })).toMatchObject({
      outcome: 'refused-before',
      code: 'revoked-requester',
      reason: 'the client certificate is revoked',
    });
    expect(await ask({ caller: { device: 'pump-5' } })).toMatchObject({ code: 'untrusted-signer' });
    expect(await ask({ caller: { issuedCertificate: 'none' } })).toMatchObject({ code: 'unknown-certificate' });
  });
});

describe('a dry run that is denied', () => {
  it('ends with the rule that refuses, and says what the request would be told', async () => {
    const wish: CertificateWish = { csr: makeCsr({ subject: 'CN=pump_1' }) };
    const evaluation = await ask({ wish });
    const told = await enrollByPasscode(requestedOf(wish)).catch((error) => error);
    expect(evaluation).toMatchObject({ outcome: 'denied', code: 'rejected-name', reason: told.message });
    expect(last(evaluation)).toMatchObject({ rule: 'subject', outcome: 'denied' });
    expect(evaluation.certificate).toBeUndefined();
  });
});

describe('a dry run that is refused before the rules', () => {
  const of = (caller: EvaluationQuestion['caller']) => ({ caller });
  it.each<[string, Partial<EvaluationQuestion>, string, string, string]>([
    ['an unknown label', { label: 'none' }, 'label', 'not-found', 'no policy has this label'],
    ['a group without the policy', { label: 'asked~pumps' }, 'label', 'not-found', 'no device group'],
    ['a policy that is disabled', { label: 'closed' }, 'method', 'forbidden', 'policy closed is disabled'],
    ['a method that is closed', { protocol: 'rest' }, 'method', 'forbidden', 'not open to rest'],
    ['bytes that are no request', { wish: { csr: Uint8Array.of(4, 0) } }, 'message', 'malformed-request', 'malformed'],
    [
      'a request that another key has signed',
      { wish: { csr: makeCsr({ signedBy: newKey() }) } },
      'message',
      'invalid-proof-of-possession',
      'does not fit its public key',
    ],
    ['a caller with nothing', of({}), 'authentication', 'bad-secret', 'authenticate with a passcode'],
    ['a credential that is not there', of({ credential: 'x' }), 'caller', 'bad-secret', 'has no credential "x"'],
    ['a credential that is revoked', of({ credential: 'gone' }), 'caller', 'bad-secret', 'was revoked'],
    ['a credential that has expired', of({ credential: 'early' }), 'caller', 'bad-secret', 'has expired'],
    ['another address', of({ credential: 'near' }), 'caller', 'bad-secret', 'may not be used from this address'],
    ['another user name', of({ credential: 'bob', username: 'eve' }), 'caller', 'bad-secret', 'another user name'],
    [
      'a credential of another protocol',
      of({ credential: 'eab' }),
      'caller',
      'bad-secret',
      'not authenticate requests',
    ],
    ['a profile that it may not have', { profileHint: 'x' }, 'profile', 'rejected-profile', 'no profile of this name'],
  ])('%s', async (_name, changes, rule, code, says) => {
    const evaluation = await ask(changes);
    expect(evaluation).toMatchObject({ outcome: 'refused-before', code });
    expect(last(evaluation)).toEqual({ rule, outcome: 'denied', said: expect.stringContaining(says) });
  });

  it('passes the address and the user name that the credential wants', async () => {
    expect(await ask(of({ credential: 'near', remoteAddress: '192.0.2.9' }))).toMatchObject({ outcome: 'approved' });
    expect(await ask(of({ credential: 'bob', username: 'bob' }))).toMatchObject({ outcome: 'approved' });
  });

  it('a certificate of nobody that is trusted, with the inner reason for the operator', async () => {
    const chain = makeChain([ca('CN=Elsewhere'), leaf('CN=pump-1')]).toReversed();
    const evaluation = await ask(of({ certificateChain: chain }));
    expect(evaluation).toMatchObject({ outcome: 'refused-before', code: 'untrusted-signer' });
    expect(last(evaluation)?.said).toMatch(/does not chain to a CA .* \(.+\)$/);
  });
});

describe('a dry run', () => {
  it('issues, consumes, counts and records nothing', async () => {
    const before = dump();
    const wish = { csr: makeCsr({ subject: 'CN=pump-9', key: newKey() }) };
    for (let i = 0; i < 3; i++) {
      expect(await ask({ wish, caller: { credential: 'once' } })).toMatchObject({ outcome: 'approved' });
      expect(await ask({ label: 'slow' })).toMatchObject({ outcome: 'approved' });
      expect(await ask({ label: 'asked' })).toMatchObject({ outcome: 'pending' });
      expect(await ask({ caller: {} })).toMatchObject({ outcome: 'refused-before' });
    }
    expect(dump()).toEqual(before);
    expect(core().enrollments.count('slow')).toBe(0);
    expect(core().failures.count('127.0.0.1')).toBe(0);
  });

  it('tells of the limit that real requests have reached, and of a credential that they have used up', async () => {
    await issue('CN=pump-6', 'slow');
    expect(await ask({ label: 'slow' })).toMatchObject({ outcome: 'refused-before', code: 'rate-limited' });
    await enroll(
      {
        protocol: 'est',
        operation: 'enroll',
        requested: { subject: decodeSubject('CN=pump-9'), subjectPublicKeyInfo: spkiOf(newKey()), extensions: [] },
        credentials: [{ kind: 'password', password: 'once-passcode' }],
        remoteAddress: '192.0.2.7',
        requestId: createIdentifier(),
      },
      core(),
    );
    const evaluation = await ask({ caller: { credential: 'once' } });
    expect(evaluation).toMatchObject({ outcome: 'refused-before', code: 'bad-secret' });
    expect(last(evaluation)?.said).toBe('the credential is used up (passcode "once", 1 uses)');
  });

  it('is of the time that is given', async () => {
    const at = new Date(clock.now().getTime() + 86_400_000);
    expect((await ask({ at })).certificate?.notBefore).toBe(new Date(at.getTime() - 60_000).toISOString());
    const far = new Date('2200-01-01T00:00:00Z');
    expect(await ask({ at: far })).toMatchObject({ outcome: 'denied' });
  });
});

describe('what a would-be caller presents', () => {
  it('an operator is one, and says for which device', async () => {
    const target = findTarget(core().catalog(), 'fleet');
    const operator = { name: 'user alice', person: 'user:1' };
    const requested = requestedBy({ csr: makeCsr() });
    const presented = await presentCaller(
      { operator, device: 'pump-1' },
      { protocol: 'portal', target, requested },
      core(),
    );
    expect(presented).toEqual({
      credentials: [{ kind: 'operator', ...operator, device: 'pump-1' }],
      assumed: [],
      remoteAddress: '127.0.0.1',
    });
  });
});

describe('what a dry run asks for', () => {
  it.each([
    ['nothing', {}, 'give one of csr, publicKey and generateKey'],
    ['two keys', { csr: '', generateKey: {} }, 'give one of csr, publicKey and generateKey'],
    ['a request and names', { csr: 'x', subject: 'CN=a' }, 'the names are in the csr'],
    ['no PEM', { csr: 'x' }, 'csr cannot be read: not one PEM block CERTIFICATE REQUEST'],
    ['a broken name', { generateKey: {}, subject: 'pump' }, "subject cannot be read: no '=' in 'pump'"],
    ['a broken address', { generateKey: {}, subjectAltNames: { ip: ['1.2'] } }, 'subjectAltNames cannot be read'],
  ])('refuses %s', (_name, wish, says) => {
    expect(() => readWish(wish)).toThrow(
      expect.objectContaining({ code: 'malformed-request', message: expect.stringContaining(says) }),
    );
  });
});

function requestedOf(wish: CertificateWish) {
  const { csr } = wish as { readonly csr: Uint8Array };
  return requestedBy({ csr });
}

/** Everything that the database holds. */
function dump(): unknown {
  const database = new Database(test.settings.database, { readonly: true });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").pluck().all();
    return tables.map((table) => [table, database.prepare(`select * from "${table}"`).all()]);
  } finally {
    database.close();
  }
}
