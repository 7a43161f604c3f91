import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { fromPem } from '../../../src/x509/pem.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { type KeyPair, newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import { createRestClient, csrPem, expectProblem, issuedOf, type RestClient } from '../../support/rest-client.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let rest: RestClient;
const clients: RestClient[] = [];

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet.replace('methods: [est, scep, cmp]', 'methods: [est, rest]') });
  rest = createRestClient(test, { passcode: fleetPasscode });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  rest.close();
  await test.close();
});

interface Device {
  readonly key: KeyPair;
  readonly certificate: X509Certificate;
  readonly serialNumber: string;
  /** Speaks with its certificate alone. */
  readonly client: RestClient;
}

let devices = 0;
async function enrolled(): Promise<Device> {
  devices++;
  const key = newKey();
  const { certificate } = issuedOf(await rest.post('', { csr: csrPem({ key, subject: `CN=valve-${devices}` }) }));
  return deviceOf(key, certificate);
}

function deviceOf(key: KeyPair, pem: string): Device {
  const certificate = new X509Certificate(pem);
  const client = createRestClient(test, { identity: { chain: [certificate.raw], privateKey: key.privateKey } });
  clients.push(client);
  return { key, certificate, serialNumber: certificate.serialNumber.toLowerCase(), client };
}

describe('POST …/renew', () => {
  it('issues a successor to the client certificate, for a new key', async () => {
    const { certificate, client } = await enrolled();
    const key = newKey();
    const subject = certificate.subject;
    const next = new X509Certificate(
      issuedOf(await client.post('/renew', { csr: csrPem({ key, subject }) })).certificate,
    );
    const old = await recordOf(test, certificate);
    expect(await recordOf(test, next)).toMatchObject({ replaces: old.id, deviceId: old.deviceId, protocol: 'rest' });
    expect(next.checkPrivateKey(key.privateKey)).toBe(true);
  });

  it('takes the names of the certificate for a key that the gateway makes, where none are given', async () => {
    const { certificate, client } = await enrolled();
    const next = issuedOf(await client.post('/renew', { generateKey: { format: 'pkcs8' } }));
    expect(new X509Certificate(next.certificate).subject).toBe(certificate.subject);
    expect(next.privateKey).toContain('BEGIN PRIVATE KEY');
  });

  it('refuses another subject, naming the rule', async () => {
    const { client } = await enrolled();
    const answer = await client.post('/renew', { csr: csrPem({ key: newKey(), subject: 'CN=other' }) });
    await expectProblem(test, answer, { status: 422, code: 'rejected-name' });
    expect(JSON.parse(answer.text).rule).toMatch(/^\w/);
  });

  it('refuses a passcode alone', async () => {
    const answer = await rest.post('/renew', { csr: csrPem({ key: newKey(), subject: 'CN=valve-1' }) });
    await expectProblem(test, answer, { status: 403, code: 'untrusted-signer' });
  });
});

describe('POST …/revoke', () => {
  it('revokes the certificate that authenticates it, which opens nothing from then on', async () => {
    const { certificate, client, serialNumber } = await enrolled();
    const answer = await client.post('/revoke', { serialNumber, reason: 'cessationOfOperation' });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { serialNumber, reason: 'cessationOfOperation' }]);
    const record = await recordOf(test, certificate);
    expect(record).toMatchObject({ status: 'revoked', revocationReason: 5 });
    const again = await client.post('/revoke', { serialNumber });
    await expectProblem(test, again, { status: 403, code: 'revoked-requester' });
  });

  it('takes the issuer as text, and the serial number as openssl prints it', async () => {
    const { client, serialNumber } = await enrolled();
    const body = { serialNumber: `00${serialNumber.toUpperCase()}`, issuer: 'CN=Devices,O=Plant' };
    expect((await client.post('/revoke', body)).status).toBe(200);
  });

  it.each([
    ['of another issuer', { issuer: 'CN=Nobody' }],
    ['that was never issued', { serialNumber: '01' }],
  ])('knows no certificate %s', async (_, changes) => {
    const { client, serialNumber } = await enrolled();
    const answer = await client.post('/revoke', { serialNumber, ...changes });
    await expectProblem(test, answer, { status: 404, code: 'unknown-certificate' });
  });

  it("refuses another's certificate, and a passcode", async () => {
    const { certificate, serialNumber } = await enrolled();
    const { client } = await enrolled();
    await expectProblem(test, await client.post('/revoke', { serialNumber }), { status: 403, code: 'forbidden' });
    await expectProblem(test, await rest.post('/revoke', { serialNumber }), { status: 403, code: 'forbidden' });
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
  });
});

describe('GET …/certificates/<serial number>', () => {
  it.each([
    ['', 'application/x-pem-file'],
    ['?format=pem', 'application/x-pem-file'],
    ['?format=chain', 'application/pem-certificate-chain'],
  ])('gives PEM: %s', async (query, type) => {
    const { certificate, client, serialNumber } = await enrolled();
    const answer = await client.get(`/certificates/${serialNumber.toUpperCase()}${query}`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, type]);
    const [first, ...others] = fromPem(answer.text, 'CERTIFICATE');
    expect(Buffer.from(first ?? [])).toEqual(certificate.raw);
    expect(others).toHaveLength(type.endsWith('chain') ? 2 : 0);
  });

  it.each([
    ['?format=der', {}],
    ['', { accept: 'application/pkix-cert' }],
  ])('gives DER: %s %j', async (query, headers) => {
    const { certificate, client, serialNumber } = await enrolled();
    const answer = await client.get(`/certificates/${serialNumber}${query}`, headers);
    expect([answer.headers['content-type'], answer.body]).toEqual(['application/pkix-cert', certificate.raw]);
  });

  it('gives PKCS #7', async () => {
    const { certificate, client, serialNumber } = await enrolled();
    const answer = await client.get(`/certificates/${serialNumber}?format=pkcs7`);
    expect(answer.headers['content-type']).toBe('application/pkcs7-mime');
    const found = decodeCertsOnly(answer.body).map((der) => Buffer.from(der));
    expect([found.length, found[0]]).toEqual([3, certificate.raw]);
  });

  it('refuses what it cannot give, and who has no certificate', async () => {
    const { client, serialNumber } = await enrolled();
    const path = `/certificates/${serialNumber}`;
    const malformed = { status: 400, code: 'malformed-request' } as const;
    await expectProblem(test, await client.get(`${path}?format=docx`), malformed);
    await expectProblem(test, await client.get('/certificates/xyz'), malformed);
    await expectProblem(test, await client.get(path, { accept: 'text/html' }), { ...malformed, status: 406 });
    await expectProblem(test, await client.get('/certificates/01'), { status: 404, code: 'unknown-certificate' });
    await expectProblem(test, await rest.get(path), { status: 403, code: 'untrusted-signer' });
  });
});

describe('GET …/ca', () => {
  it('is open to all: PEM, DER of the issuing CA, PKCS #7', async () => {
    const nobody = createRestClient(test);
    clients.push(nobody);
    const pem = await nobody.get('/ca');
    const chain = fromPem(pem.text, 'CERTIFICATE').map((der) => Buffer.from(der));
    expect(pem.headers['content-type']).toBe('application/pem-certificate-chain');
    expect(chain.map((der) => new X509Certificate(der).subject)).toEqual(['O=Plant\nCN=Devices', 'O=Plant\nCN=Root']);
    expect((await nobody.get('/ca?format=der')).body).toEqual(chain[0]);
    const pkcs7 = await nobody.get('/ca', { accept: 'application/pkcs7-mime' });
    expect(decodeCertsOnly(pkcs7.body).map((der) => Buffer.from(der))).toEqual(chain);
  });

  it('is not there for a label that nobody knows', async () => {
    const other = createRestClient(test, { label: 'nobody' });
    clients.push(other);
    await expectProblem(test, await other.get('/ca'), { status: 404, code: 'not-found' });
  });
});
