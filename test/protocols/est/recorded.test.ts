import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ContentInfo, SignedData } from 'pkijs';
import type { EnrollmentRequest } from '../../../src/enrollment/request.js';
import type { Reply } from '../../../src/protocol.js';
import { formatName } from '../../../src/x509/names.js';
import { createFakeGateway, type FakeGateway, issued } from './fake-gateway.js';

/** What a client sent, from fixtures/est. */
interface Recorded {
  readonly method: string;
  readonly label: string | undefined;
  readonly operation: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** DER. */
  readonly clientCertificate: Uint8Array | undefined;
}

function readScenario(scenario: string): Recorded {
  const [first = '', ...fields] = head(scenario, '01-request');
  const [method = '', path = ''] = first.split(' ');
  const [operation = '', label] = path.replace('/.well-known/est/', '').split('/').reverse();
  return {
    method,
    label,
    operation,
    headers: Object.fromEntries(fields.map((field) => field.split(': ') as [string, string])),
    body: optional(scenario, '01-request-body.txt') ?? new Uint8Array(),
    clientCertificate: optional(scenario, '01-client-certificate.der'),
  };
}

function head(scenario: string, message: string): string[] {
  return Buffer.from(optional(scenario, `${message}-head.txt`) ?? [])
    .toString()
    .trimEnd()
    .split('\n');
}

function optional(scenario: string, name: string): Uint8Array | undefined {
  const file = `fixtures/est/${scenario}/${name}`;
  return existsSync(file) ? readFileSync(file) : undefined;
}

/** The certificates of the answer that the client took, as another library reads them. */
function answeredCertificates(scenario: string): Uint8Array[] {
  const body = Buffer.from(optional(scenario, '02-answer-body.txt') ?? []);
  const content = ContentInfo.fromBER(Buffer.from(body.toString('latin1'), 'base64'));
  const { certificates = [] } = new SignedData({ schema: content.content });
  return certificates.map((certificate) => new Uint8Array(certificate.toSchema().toBER()));
}

function replay(gateway: FakeGateway, { method, label, operation, headers, body, clientCertificate }: Recorded) {
  const clientChain = clientCertificate === undefined ? [] : [clientCertificate];
  const more = {
    headers,
    params: label === undefined ? {} : { label },
    tls: { clientChain, channelBinding: () => undefined },
  };
  return method === 'GET' ? gateway.get(operation, more) : gateway.post(operation, body, more);
}

const passcode = { kind: 'password', username: 'quickstart', password: expect.stringMatching(/^[0-9a-z-]{31}$/) };

describe.each([
  ['strongswan-simpleenroll-ec', { operation: 'enroll', subject: 'CN=pump-1' }],
  ['strongswan-simpleenroll-rsa', { operation: 'enroll', subject: 'CN=pump-2' }],
  ['strongswan-simplereenroll', { operation: 'reenroll', subject: 'CN=pump-1' }],
  ['estclient-simpleenroll', { operation: 'enroll', subject: 'CN=pump-3' }],
  ['estclient-simplereenroll', { operation: 'reenroll', subject: 'CN=pump-3' }],
  ['curl-simpleenroll', { operation: 'enroll', subject: 'CN=pump-5' }],
])('The recorded %s', (scenario, { operation, subject }) => {
  it('is read: names, key, credentials and proof of possession', async () => {
    const gateway = createFakeGateway();
    const recorded = readScenario(scenario);
    const reply = await replay(gateway, recorded);
    expect({ status: reply.status, refusals: gateway.refusals }).toEqual({ status: 200, refusals: [] });
    const [request] = gateway.requests;
    expect({ operation: request?.operation, label: request?.label }).toEqual({ operation, label: recorded.label });
    expect(subjectOf(request)).toBe(subject);
    const { clientCertificate } = recorded;
    expect(request?.credentials).toEqual([
      clientCertificate === undefined ? passcode : { kind: 'certificate', chain: [clientCertificate], proof: 'tls' },
    ]);
  });

  it('is answered in the form that the client took', async () => {
    const [certificate = new Uint8Array()] = answeredCertificates(scenario);
    const gateway = createFakeGateway({ result: { ...issued, certificate } });
    const reply = await replay(gateway, readScenario(scenario));
    expectAnswered(reply, scenario);
  });
});

describe('The recorded strongswan-cacerts', () => {
  it('is answered in the form that the client took', async () => {
    const scenario = 'strongswan-cacerts';
    const gateway = createFakeGateway({ caCertificates: answeredCertificates(scenario) });
    expectAnswered(await replay(gateway, readScenario(scenario)), scenario);
  });
});

describe('The recorded estclient-serverkeygen', () => {
  it('is read: names, the wish for an EC key and credentials', async () => {
    const gateway = createFakeGateway();
    await replay(gateway, readScenario('estclient-serverkeygen'));
    const [request] = gateway.requests;
    expect(subjectOf(request)).toBe('CN=pump-4');
    expect(request).toMatchObject({ label: 'quickstart', generateKey: { type: 'ec-p256' }, credentials: [passcode] });
  });
});

describe('The recorded openssl-cms-fullcmc', () => {
  it('is read: names, who signed it and proof of possession', async () => {
    const gateway = createFakeGateway();
    await replay(gateway, readScenario('openssl-cms-fullcmc'));
    expect(gateway.refusals).toEqual([]);
    const [request] = gateway.requests;
    expect(subjectOf(request)).toBe('CN=pump-6');
    expect(request).toMatchObject({ operation: 'enroll', credentials: [{ kind: 'certificate', proof: 'message' }] });
  });
});

function subjectOf(request: EnrollmentRequest | undefined): string | undefined {
  return request && formatName(request.requested.subject);
}

function expectAnswered({ status, headers, body }: Reply, scenario: string): void {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  expect([String(status), ...fields]).toEqual(head(scenario, '02-answer'));
  expect(String(body)).toBe(Buffer.from(optional(scenario, '02-answer-body.txt') ?? []).toString());
}
