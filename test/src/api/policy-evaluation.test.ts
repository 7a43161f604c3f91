/** POST /certificate-policies/{name}/evaluate */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Scope } from '../../../src/access/principal.js';
import { policyEvaluationOperations } from '../../../src/api/policy-evaluation.js';
import { toPem } from '../../../src/x509/pem.js';
import { callOperation, operationOf } from '../../support/call-operation.js';
import { fleet } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
});
afterAll(() => test.close());

interface Sent {
  readonly name?: string;
  readonly query?: object;
  readonly body?: object;
  readonly scope?: Scope;
}

const csr = toPem('CERTIFICATE REQUEST', makeCsr());
const question = { protocol: 'est', csr, caller: { credential: 'fleet' } };

async function send({ name = 'fleet', query = {}, body = question, scope = 'everywhere' }: Sent = {}) {
  const operations = policyEvaluationOperations({ ...test.gateway.core, version: '0' });
  const principal = { kind: 'user', id: '1', name: 'alice', person: 'user:1', grants: [] } as const;
  const sent = { params: { name }, query, body, scope, principal };
  return (await callOperation(operationOf(operations, 'evaluateCertificatePolicy'), sent)).value;
}

it('answers the trace and the certificate', async () => {
  expect(await send()).toMatchObject({
    outcome: 'approved',
    trace: expect.arrayContaining([{ rule: 'authentication', outcome: 'ok', said: expect.any(String) }]),
    certificate: { subject: 'CN=device-1', issuer: 'CN=Devices,O=Plant' },
  });
  expect(await send({ query: { group: 'valves' } })).toMatchObject({ outcome: 'approved' });
  expect(await send({ query: { group: 'none' } })).toMatchObject({ outcome: 'refused-before', code: 'not-found' });
});

it('knows no policy of a division that the caller may not see', async () => {
  await expect(send({ scope: new Set(['office']) })).rejects.toMatchObject({ code: 'not-found' });
  await expect(send({ name: 'none' })).rejects.toMatchObject({ code: 'not-found' });
  expect(await send({ scope: new Set(['plant']) })).toMatchObject({ outcome: 'approved' });
});

it('takes the certificate of a caller as PEM', async () => {
  const { authority } = test.gateway.core;
  const certificate = authority
    .chain(authority.issuer('devices').id)
    .map((der) => toPem('CERTIFICATE', der))
    .join('');
  expect(await send({ body: { ...question, caller: { certificate } } })).toMatchObject({
    outcome: 'refused-before',
    code: 'untrusted-signer',
  });
  await expect(send({ body: { ...question, caller: { certificate: 'none' } } })).rejects.toMatchObject({
    code: 'malformed-request',
    message: 'caller.certificate must be PEM blocks: CERTIFICATE',
  });
});

it.each([
  ['an unknown member', { ...question, cname: 'x' }],
  ['no protocol', { csr }],
  ['an unknown protocol', { ...question, protocol: 'ftp' }],
  ['two certificates', { ...question, caller: { issuedCertificate: 'a', device: 'b' } }],
  ['a user name without a credential', { ...question, caller: { username: 'bob' } }],
  ['an address that is none', { ...question, caller: { remoteAddress: 'here' } }],
  ['a time that is none', { ...question, at: 'tomorrow' }],
  ['a megabyte of text', { ...question, csr: 'x'.repeat(65_537) }],
])('refuses %s by its schema', async (_name, body) => {
  await expect(send({ body })).rejects.toMatchObject({ name: 'ZodError' });
});

it('refuses a request that says nothing, or cannot be read', async () => {
  await expect(send({ body: { protocol: 'est' } })).rejects.toMatchObject({ code: 'malformed-request' });
  await expect(send({ body: { protocol: 'est', csr: 'x' } })).rejects.toMatchObject({ code: 'malformed-request' });
});
