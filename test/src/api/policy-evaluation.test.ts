/** POST /certificate-policies/{name}/evaluate */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Scope } from '../../../src/access/principal.js';
import { policyEvaluationOperations } from '../../../src/api/policy-evaluation.js';
import { requestedBy } from '../../../src/enrollment/certificate-wish.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { requireOnRecord } from '../../../src/enrollment/find-certificate.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { createIdentifier } from '../../../src/identifier.js';
import { toPem } from '../../../src/x509/pem.js';
import { callOperation, operationOf } from '../../support/call-operation.js';
import { applyYaml, fleet } from '../../support/fleet.js';
import { ca, leaf, makeChain } from '../../support/make-chain.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { testActor } from '../../support/operator.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

/** A second division, under the same CA. */
const office = `
divisions: [{ name: office }]
deviceGroups: [{ name: desks, division: office, policies: [office] }]
authenticationPolicies:
  - { name: office, division: office, credentials: [{ kind: passcode, name: office, secret: office-passcode }] }
policies:
  - name: office
    division: office
    authenticationPolicy: office
    profiles: [{ usage: operational, profile: device }]
    issuingCa: devices
    methods: [est]
    defaultGroup: desks
`;

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

describe('a certificate of a division that the caller may not see', () => {
  let foreign: { readonly id: string; readonly pem: string; readonly key: KeyPair };

  beforeAll(async () => {
    await applyYaml(test, office);
    const key = newKey();
    const { core } = test.gateway;
    const result = await enroll(
      {
        protocol: 'est',
        label: 'office',
        operation: 'enroll',
        requested: requestedBy({ csr: makeCsr({ subject: 'CN=desk-1', key }) }),
        credentials: [{ kind: 'password', password: 'office-passcode' }],
        remoteAddress: '192.0.2.7',
        requestId: createIdentifier(),
      },
      core,
    );
    if (result.outcome !== 'issued') throw new Error('not issued');
    const { id } = await requireOnRecord(result.certificate, core);
    foreign = { id, pem: toPem('CERTIFICATE', result.certificate), key };
  });

  const ofPlant = new Set(['plant']);
  const asking = (caller: object, scope: Scope = ofPlant) => send({ scope, body: { ...question, caller } });

  it('is answered as one that was never issued', async () => {
    const id = `${foreign.id.slice(0, -2)}00`;
    expect(id).not.toBe(foreign.id);
    expect(await asking({ issuedCertificate: foreign.id })).toEqual(await asking({ issuedCertificate: id }));
    const elsewhere = makeChain([ca('O=Plant,CN=Devices'), leaf('CN=desk-1')])[1] ?? new Uint8Array();
    const answer = await asking({ certificate: foreign.pem });
    expect(answer).toMatchObject({ outcome: 'refused-before', code: 'untrusted-signer' });
    expect(await asking({ certificate: toPem('CERTIFICATE', elsewhere) })).toEqual(answer);
    const [issuerId = '', serialNumber = ''] = foreign.id.split(':');
    await revokeCertificate({ issuerId, serialNumber, reason: 'superseded', actor: testActor }, test.gateway.core);
    expect(await asking({ certificate: foreign.pem })).toEqual(answer);
  });

  it('is there for who has rights in both', async () => {
    for (const scope of [new Set(['plant', 'office']), 'everywhere'] as const) {
      const said = { reason: expect.stringContaining('was issued here') };
      expect(await asking({ issuedCertificate: foreign.id }, scope)).toMatchObject(said);
      expect(await asking({ certificate: foreign.pem }, scope)).toMatchObject(said);
    }
  });

  it('does not show by its key either', async () => {
    const own = toPem('CERTIFICATE REQUEST', makeCsr({ subject: 'CN=pump-8', key: foreign.key }));
    const body = { ...question, csr: own };
    expect(await send({ body, scope: ofPlant })).toMatchObject({ outcome: 'approved' });
    expect(await send({ body })).toMatchObject({ outcome: 'denied', code: 'unacceptable-key' });
  });
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
