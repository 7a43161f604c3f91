import { randomBytes } from 'node:crypto';
import { request as requestPlain } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.js';
import { toPem } from '../../../src/x509/pem.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { pseudoRandom } from '../../support/pseudo-random.js';
import { type Counts, countRecords } from '../../support/records.js';
import {
  createRestClient,
  csrPem,
  expectProblem,
  issuedOf,
  problemOf,
  type RestClient,
} from '../../support/rest-client.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { shortRsaKey } from '../../support/weak-keys.js';

let test: TestGateway;
let rest: RestClient;
let before: Counts;

beforeAll(async () => {
  test = await startTestGateway({
    configuration: fleet.replace('methods: [est, scep, cmp]', 'methods: [rest]'),
    settings: { failedAuthenticationsPerMinute: '10000' },
  });
  rest = createRestClient(test, { passcode: fleetPasscode });
  issuedOf(await rest.post('', { csr: csrPem({ subject: 'CN=first' }) }));
  before = await countRecords(test);
});
afterAll(async () => {
  expect(await countRecords(test)).toEqual(before);
  rest.close();
  await test.close();
});

const csr = csrPem({ key: newKey(), subject: 'CN=good' });
const signedByOther = csrPem({ key: newKey(), signedBy: newKey(), subject: 'CN=good' });
const generateKey = { format: 'pkcs8' };

describe('Bodies that are no request', () => {
  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '{"csr":'],
    ['a list', '[]'],
    ['a number', '17'],
    ['a byte order mark', `\ufeff${JSON.stringify({ csr })}`],
    ['no UTF-8', Buffer.from('7b22c32822 3a317d'.replace(' ', ''), 'hex')],
    ['random octets', randomBytes(500)],
    ['a nesting of eleven levels', `{"csr":${'['.repeat(10)}${']'.repeat(10)}}`],
    ['a nesting of twenty thousand levels', `{"csr":${'['.repeat(20_000)}`],
    ['no form', {}],
    ['two forms', { csr, generateKey }],
    ['an unknown field', { csr, colour: 'blue' }],
    ['an unknown field with a long name', { csr, ['x'.repeat(10_000)]: 1 }],
    ['__proto__', `{"csr":${JSON.stringify(csr)},"__proto__":{"a":1}}`],
    ['__proto__ further inside', '{"generateKey":{"format":"pkcs8","__proto__":{"a":1}},"subject":"CN=good"}'],
    ['a field of another form', { csr, subject: 'CN=good' }],
    ['a number for a text', { csr: 17 }],
    ['null', { csr: null }],
    ['text that is no PEM', { csr: 'good' }],
    ['PEM of another kind', { csr: toPem('CERTIFICATE', makeCsr()) }],
    ['PEM of no base64', { csr: csr.replace(/\n[A-Z]/i, '\n!') }],
    ['PEM without an end', { csr: csr.slice(0, -20) }],
    ['two requests', { csr: csr + csr }],
    [
      'a request with an octet behind it',
      { csr: toPem('CERTIFICATE REQUEST', Buffer.concat([makeCsr(), Buffer.of(0)])) },
    ],
    ['random octets in PEM', { csr: toPem('CERTIFICATE REQUEST', randomBytes(300)) }],
    ['a time of no form', { csr, notAfter: 'tomorrow' }],
    ['a day that is not', { csr, notAfter: '2027-02-30T00:00:00Z' }],
    ['no proof', { publicKey: 'x' }],
    ['a proof that is no base64', { publicKey: 'x', proof: '!!' }],
    ['a public key that is none', { publicKey: toPem('PUBLIC KEY', randomBytes(91)), proof: 'AAAA' }],
    ['no format of the key', { generateKey: {} }],
    ['another format', { generateKey: { format: 'jks' } }],
    ['another type of key', { generateKey: { format: 'pkcs8', type: 'dsa' } }],
    ['a password for a key in the clear', { generateKey: { format: 'pkcs8', password: 'correct horse' } }],
    ['no password', { generateKey: { format: 'pkcs12' } }],
    ['a short password', { generateKey: { format: 'pkcs12', password: 'short' } }],
    ['a subject of no form', { generateKey, subject: 'good' }],
    ['an unknown attribute', { generateKey, subject: 'X-Y=good' }],
    ['a control character', { generateKey, subject: 'CN=go\u0000od' }],
    ['an address that is none', { generateKey, subject: 'CN=good', subjectAltNames: { ip: ['10.0.0.256'] } }],
    ['a name beyond ASCII', { generateKey, subject: 'CN=good', subjectAltNames: { dns: ['gärten.example'] } }],
    ['a kind of name that there is not', { generateKey, subject: 'CN=good', subjectAltNames: { x400: ['a'] } }],
    ['101 names', { generateKey, subject: 'CN=good', subjectAltNames: { dns: Array(101).fill('a.example') } }],
  ])('%s: 400', async (_, body) => {
    await expectProblem(test, await rest.post('', body), { status: 400, code: 'malformed-request' });
  });

  it('names the field', async () => {
    const { detail } = problemOf(await rest.post('', { csr, colour: 'blue' }));
    expect(detail).toBe('there is no field "colour" in this request');
    const nested = problemOf(await rest.post('', { generateKey: { format: 'pkcs8', size: 1 } }));
    expect(nested.detail).toBe('there is no field "generateKey.size" in this request');
    const wrong = problemOf(await rest.post('', { generateKey, subjectAltNames: { dns: ['a', 7] } }));
    expect(wrong.detail).toMatch(/^the field "subjectAltNames.dns.1" is wrong: /);
  });

  it.each([
    ['', { serialNumber: '12', colour: 1 }],
    ['', { serialNumber: 'xyz' }],
    ['', { serialNumber: '12', reason: 'bored' }],
    ['', { serialNumber: '12', issuer: 'nobody' }],
    ['', {}],
  ])('revocations as well%s: %j', async (_, body) => {
    await expectProblem(test, await rest.post('/revoke', body), { status: 400, code: 'malformed-request' });
  });
});

describe('Requests that are refused', () => {
  it.each<[string, number, ErrorCode, unknown]>([
    ['a signature of another key', 400, 'invalid-proof-of-possession', { csr: signedByOther }],
    ['a weak key', 422, 'unacceptable-key', { csr: csrPem({ key: shortRsaKey(), subject: 'CN=good' }) }],
    ['a name', 422, 'rejected-name', { csr: csrPem({ subject: 'CN=not_allowed' }) }],
    [
      'a type of key that the policy has not',
      422,
      'unacceptable-key',
      { generateKey: { format: 'pkcs8', type: 'ec-p521' }, subject: 'CN=good' },
    ],
  ])('%s: %d %s', async (_, status, code, body) => {
    await expectProblem(test, await rest.post('', body), { status, code });
  });

  it('name the rule that refused', async () => {
    const problem = problemOf(await rest.post('', { csr: csrPem({ subject: 'CN=not_allowed' }) }));
    expect(problem).toMatchObject({ title: 'Unprocessable Entity', rule: expect.stringMatching(/^[a-z-]+$/) });
    expect(problem.detail).toContain(`(rule ${problem.rule})`);
  });

  it('ask for a passcode or an API key by 401', async () => {
    const nobody = createRestClient(test);
    const answer = await nobody.post('', { csr });
    await expectProblem(test, answer, { status: 401, code: 'bad-secret' });
    expect(answer.headers['www-authenticate']).toBe('X-Passcode realm="gatehouse", Bearer realm="gatehouse"');
    nobody.close();
  });

  it('refuse a header that is not UTF-8', async () => {
    const answer = await rest.post('', { csr }, { 'x-passcode': '\u00ff' });
    await expectProblem(test, answer, { status: 400, code: 'malformed-request', says: 'X-Passcode' });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json5', ''])('%s: 415', async (type) => {
    const answer = await rest.post('', { csr }, { 'content-type': type });
    await expectProblem(test, answer, { status: 415, code: 'malformed-request' });
  });

  it('of more than 64 KiB: 413', async () => {
    const answer = await rest.post('', { csr: 'x'.repeat(65_536) });
    await expectProblem(test, answer, { status: 413, code: 'malformed-request' });
  });

  it('by another method: 405; of another policy: 404', async () => {
    const answer = await rest.send('/api/v1/enroll/fleet', 'DELETE');
    expect([answer.status, answer.headers.allow, problemOf(answer).code]).toEqual([
      405,
      'POST',
      'unsupported-operation',
    ]);
    const other = createRestClient(test, { label: 'nobody', passcode: fleetPasscode });
    await expectProblem(test, await other.post('', { csr }), { status: 404, code: 'not-found' });
    other.close();
  });

  it.each(['%00', 'x'.repeat(4000), "'%20or%201=1"])('of a request that nobody made: 404 (%#)', async (id) => {
    await expectProblem(test, await rest.get(`/requests/${id}`), { status: 404, code: 'not-found' });
  });

  it('of a label that is no text: 400', async () => {
    expect((await rest.send('/api/v1/enroll/%ff', 'POST')).status).toBe(400);
  });

  it('over plain HTTP: there is nothing', async () => {
    const { deviceHttpPort } = test.gateway.listeners;
    const status = await new Promise((resolve, reject) => {
      const outgoing = requestPlain({
        port: deviceHttpPort,
        host: '127.0.0.1',
        path: '/api/v1/enroll/fleet',
        method: 'POST',
      });
      outgoing.on('response', (incoming) => resolve(incoming.resume().statusCode));
      outgoing.on('error', reject);
      outgoing.end('{}');
    });
    expect(status).toBe(404);
  });
});

describe('Any octets changed in a request', () => {
  it('are never a failure of the gateway', async () => {
    const random = pseudoRandom();
    const body = Buffer.from(
      JSON.stringify({ generateKey, subject: 'CN=not_allowed_at_all', subjectAltNames: { dns: ['a'] } }),
    );
    for (let round = 0; round < 150; round++) {
      const changed = Buffer.from(body);
      changed[random.next().value % changed.length] = random.next().value % 256;
      const answer = await rest.post('', changed);
      expect([400, 422]).toContain(answer.status);
      expect(problemOf(answer).status).toBe(answer.status);
    }
  });
});
