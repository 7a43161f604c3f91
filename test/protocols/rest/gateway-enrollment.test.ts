import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Place, possessionText } from '../../../protocols/rest/possession-proof.js';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { applyYaml, fleet, fleetPasscode, lenientProfile, makePasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, recordOf } from '../../support/records.js';
import { createRestClient, csrPem, expectProblem, issuedOf, type RestClient } from '../../support/rest-client.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let rest: RestClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet.replace('methods: [est, scep, cmp]', 'methods: [est, rest]') });
  await applyYaml(test, lenientProfile);
  await applyYaml(test, policyLike('lenient', 'methods: [rest], profiles: [{ usage: operational, profile: lenient }]'));
  await applyYaml(test, policyLike('manual', 'methods: [rest], approval: manual'));
  await applyYaml(test, policyLike('closed', 'methods: [est]'));
  rest = createRestClient(test, { passcode: fleetPasscode });
});
afterAll(async () => {
  rest.close();
  await test.close();
});

const publicKeyPem = ({ publicKey }: KeyPair) => publicKey.export({ type: 'spki', format: 'pem' }).toString();

type Proven = Parameters<typeof possessionText>[0];
const atEnroll: Place = { operation: 'enroll', label: 'fleet' };

/** A request of the form publicKey, with a proof by `signer` over what `place` and `proven` make. */
function provenRequest(
  key: KeyPair,
  wanted: Proven,
  changes: Partial<Place & { signer: KeyPair; proven: Proven }> = {},
) {
  const { signer = key, proven = wanted, ...place } = changes;
  const text = Buffer.from(possessionText(proven, spkiOf(key), { ...atEnroll, ...place }));
  const hashes: Record<string, string> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };
  const { asymmetricKeyType, asymmetricKeyDetails } = signer.privateKey;
  const hash =
    asymmetricKeyType === 'ed25519' ? undefined : (hashes[asymmetricKeyDetails?.namedCurve ?? ''] ?? 'sha256');
  const proof = sign(hash, text, signer.privateKey).toString('base64');
  return { ...wanted, publicKey: publicKeyPem(key), proof };
}

const alternatives = (names: Partial<Record<'dns' | 'ip' | 'email' | 'uri', string[]>>) => ({
  dns: [],
  ip: [],
  email: [],
  uri: [],
  ...names,
});

describe('POST /api/v1/enroll/<label> with a PKCS #10 request', () => {
  it('answers 201 with certificate, chain, serial number and end, which is on record', async () => {
    const key = newKey();
    const issued = issuedOf(await rest.post('', { csr: csrPem({ key, subject: 'CN=pump-1' }) }));
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subject).toBe('CN=pump-1');
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    expect(issued.serialNumber).toBe(certificate.serialNumber.toLowerCase());
    expect(issued.notAfter).toBe(new Date(certificate.validTo).toISOString().replace('.000Z', 'Z'));
    const [issuer, root] = issued.chain.map((pem) => new X509Certificate(pem));
    if (!issuer || !root) throw new Error('the chain is too short');
    expect([certificate.verify(issuer.publicKey), issuer.verify(root.publicKey)]).toEqual([true, true]);
    expect([issued.chain.length, root.verify(root.publicKey), issued.privateKey]).toEqual([2, true, undefined]);
    expect(await recordOf(test, certificate)).toMatchObject({ protocol: 'rest', policy: 'fleet', status: 'valid' });
  });

  it('tells what differs from the wishes', async () => {
    const lenient = createRestClient(test, { label: 'lenient', passcode: fleetPasscode });
    const extensions = [{ id: '1.3.6.1.4.1.55555.1', critical: false, value: Uint8Array.of(5, 0) }];
    const csr = csrPem({ key: newKey(), subject: 'CN=pump-2', extensions });
    expect(issuedOf(await lenient.post('', { csr })).modified).toEqual([
      expect.stringContaining('1.3.6.1.4.1.55555.1'),
    ]);
    lenient.close();
  });

  it('refuses an end that is too late', async () => {
    const body = { csr: csrPem({ key: newKey(), subject: 'CN=pump-3' }), notAfter: '2099-01-01T00:00:00+01:00' };
    const answer = await rest.post('', body);
    await expectProblem(test, answer, { status: 422, code: 'rejected-profile', rule: 'validity' });
  });

  it('grants an end that is early', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000).toISOString();
    const body = { csr: csrPem({ key: newKey(), subject: 'CN=pump-3' }), notAfter };
    expect(issuedOf(await rest.post('', body)).notAfter).toBe(notAfter.replace('.000Z', 'Z'));
  });

  it('issues the profile that is named, and refuses one that is not there', async () => {
    const csr = csrPem({ key: newKey(), subject: 'CN=pump-4' });
    const named = issuedOf(await rest.post('', { csr, profile: 'device' }));
    expect(await recordOf(test, new X509Certificate(named.certificate))).toMatchObject({ profile: 'device' });
    await expectProblem(test, await rest.post('', { csr, profile: 'other' }), {
      status: 422,
      code: 'rejected-profile',
    });
  });

  it('takes a passcode with its user name, in UTF-8', async () => {
    const passcode = await makePasscode(test, { username: 'Jürgen' });
    const latin1 = Buffer.from('Jürgen').toString('latin1');
    const known = createRestClient(test, { passcode, username: latin1 });
    const other = createRestClient(test, { passcode, username: 'jurgen' });
    const body = { csr: csrPem({ key: newKey(), subject: 'CN=pump-5' }) };
    issuedOf(await known.post('', body));
    await expectProblem(test, await other.post('', body), { status: 401, code: 'bad-secret' });
    known.close();
    other.close();
  });
});

describe('POST with a public key and a proof of possession', () => {
  it.each([
    ['P-256', newKey()],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['RSA', rsaKey],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('issues what is asked for: %s', async (name, key) => {
    const wanted = {
      subject: `CN=proven ${name},O=Plant`,
      subjectAltNames: alternatives({ dns: ['a.example', 'b.example'], ip: ['10.0.0.1', '2001:db8::1'] }),
      profile: 'device',
    };
    const certificate = new X509Certificate(issuedOf(await rest.post('', provenRequest(key, wanted))).certificate);
    expect(certificate.subject).toBe(`O=Plant\nCN=proven ${name}`);
    expect(certificate.subjectAltName).toBe(
      'DNS:a.example, DNS:b.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1',
    );
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
  });

  const key = newKey();
  const wanted = { subject: 'CN=proven' };
  it.each([
    ['of another key', { signer: newKey() }],
    ['for another label', { label: 'manual' }],
    ['for another operation', { operation: 'renew' as const }],
    ['for another subject', { proven: { subject: 'CN=other' } }],
    ['for another alternative name', { proven: { ...wanted, subjectAltNames: alternatives({ dns: ['a.example'] }) } }],
    ['for another profile', { proven: { ...wanted, profile: 'device' } }],
    ['for another end', { proven: { ...wanted, notAfter: '2030-01-01T00:00:00Z' } }],
  ])('refuses a proof %s', async (_, changes) => {
    const answer = await rest.post('', provenRequest(key, wanted, changes));
    await expectProblem(test, answer, { status: 400, code: 'invalid-proof-of-possession' });
  });

  it('refuses names that could pass for further lines', async () => {
    const answer = await rest.post('', provenRequest(key, { subject: 'CN=proven\ndns:a.example' }));
    await expectProblem(test, answer, { status: 400, code: 'malformed-request', says: 'subject' });
  });

  it('refuses keys that sign nothing', async () => {
    const answer = await rest.post('', {
      publicKey: publicKeyPem(generateKeyPairSync('x25519')),
      proof: 'AAAA',
      subject: 'CN=proven',
    });
    await expectProblem(test, answer, { status: 422, code: 'unacceptable-key' });
  });
});

describe('POST for a key that the gateway makes', () => {
  it('answers with the key in PKCS #8, of the type that was asked for', async () => {
    const body = { generateKey: { format: 'pkcs8', type: 'ec-p384' }, subject: 'CN=made-1' };
    const { certificate, privateKey = '' } = issuedOf(await rest.post('', body));
    const key = createPrivateKey(privateKey);
    expect(key.asymmetricKeyDetails).toMatchObject({ namedCurve: 'secp384r1' });
    expect(new X509Certificate(certificate).checkPrivateKey(key)).toBe(true);
  });

  it('answers with the key encrypted under the password', async () => {
    const password = 'correct horse';
    const body = { generateKey: { format: 'encrypted-pkcs8', password }, subject: 'CN=made-2' };
    const { certificate, privateKey = '' } = issuedOf(await rest.post('', body));
    expect(privateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const key = createPrivateKey({ key: privateKey, passphrase: password });
    expect(new X509Certificate(certificate).checkPrivateKey(key)).toBe(true);
    expect(() => createPrivateKey({ key: privateKey, passphrase: 'wrong horse' })).toThrow();
  });

  it('answers with PKCS #12 that openssl opens: the key, the certificate and its chain', async () => {
    const password = 'correct horse';
    const body = { generateKey: { format: 'pkcs12', password }, subject: 'CN=made-4' };
    const { certificate, chain, pkcs12 = '', privateKey } = issuedOf(await rest.post('', body));
    const openssl = ['pkcs12', '-nodes', '-passin', 'env:PASSWORD'];
    const options = {
      input: Buffer.from(pkcs12, 'base64'),
      env: { ...process.env, PASSWORD: password },
      stdio: 'pipe',
    } as const;
    const opened = execFileSync('openssl', openssl, options).toString();
    expect(fromPem(opened, 'CERTIFICATE').map((der) => toPem('CERTIFICATE', der))).toEqual([certificate, ...chain]);
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(opened))).toBe(true);
    expect(privateKey).toBeUndefined();
  });

  it('makes another key for a repeat, and revokes what was not delivered', async () => {
    const body = { generateKey: { format: 'pkcs8' }, subject: 'CN=made-3' };
    const first = issuedOf(await rest.post('', body));
    const second = issuedOf(await rest.post('', body));
    expect(second.privateKey).not.toBe(first.privateKey);
    const record = await recordOf(test, new X509Certificate(first.certificate));
    expect(record).toMatchObject({ status: 'revoked', revocationReason: 4 });
  });

  it('leaves no password in the audit log', async () => {
    const password = 'never to be seen';
    const body = { generateKey: { format: 'encrypted-pkcs8', password }, subject: 'CN=not_allowed' };
    const answer = await rest.post('', body);
    await expectProblem(test, answer, { status: 422, code: 'rejected-name' });
    expect(JSON.stringify(await eventOf(test, answer))).not.toContain(password);
  });
});

describe('A request that waits for an approval', () => {
  const body = { csr: csrPem({ key: newKey(), subject: 'CN=waiting' }) };
  let manual: RestClient;
  beforeAll(() => {
    manual = createRestClient(test, { label: 'manual', passcode: fleetPasscode });
  });
  afterAll(() => manual.close());

  it('is answered with 202, and polled for until it is issued; its repeat is answered alike', async () => {
    const first = await manual.post('', body);
    const location = `/api/v1/enroll/manual/requests/${first.requestId}`;
    expect([first.status, first.headers.location, first.headers['retry-after']]).toEqual([202, location, '60']);
    expect(JSON.parse(first.text)).toEqual({ status: 'pending', request: first.requestId });
    const path = `/requests/${first.requestId}`;
    const waiting = await manual.get(path);
    expect([waiting.status, waiting.headers['retry-after'], waiting.text]).toEqual([202, '60', first.text]);
    await approveRequest(first.requestId, by('alice'), test.gateway.core);
    const repeated = issuedOf(await manual.post('', body));
    expect(issuedOf(await manual.get(path))).toEqual(repeated);
  });

  it('is told to nobody else', async () => {
    const first = await manual.post('', { csr: csrPem({ key: newKey(), subject: 'CN=waiting-2' }) });
    const passcode = await makePasscode(test, {});
    const other = createRestClient(test, { label: 'manual', passcode });
    const nobody = createRestClient(test, { label: 'manual' });
    const path = `/requests/${first.requestId}`;
    await expectProblem(test, await other.get(path), { status: 404, code: 'not-found' });
    await expectProblem(test, await nobody.get(path), { status: 401, code: 'bad-secret' });
    await expectProblem(test, await rest.get(path), { status: 404, code: 'not-found' });
    other.close();
    nobody.close();
  });

  it('is repeated where the gateway makes the key, in the form that was approved only', async () => {
    const made = { generateKey: { format: 'encrypted-pkcs8', password: 'correct horse' }, subject: 'CN=waiting-3' };
    const first = await manual.post('', made);
    expect([first.status, first.headers.location]).toEqual([202, undefined]);
    await approveRequest(first.requestId, by('alice'), test.gateway.core);
    expect((await manual.get(`/requests/${first.requestId}`)).status).toBe(202);
    expect((await manual.post('', { ...made, generateKey: { format: 'pkcs8' } })).status).toBe(202);
    expect(issuedOf(await manual.post('', made)).privateKey).toContain('ENCRYPTED');
  });
});

describe('A policy that is not open to REST', () => {
  it('refuses', async () => {
    const closed = createRestClient(test, { label: 'closed', passcode: fleetPasscode });
    const before = await countRecords(test);
    const answer = await closed.post('', { csr: csrPem({ subject: 'CN=pump-9' }) });
    await expectProblem(test, answer, { status: 403, code: 'forbidden' });
    expect(await countRecords(test)).toEqual(before);
    closed.close();
  });
});
