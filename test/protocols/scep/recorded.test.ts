import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { decodePkiMessage } from '../../../protocols/scep/pki-message.js';
import type { EnrollmentRequest } from '../../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { GatewayError } from '../../../src/errors.js';
import { createKeyOpener } from '../../../src/keys/rsa-key-transport.js';
import type { Reply } from '../../../src/protocol.js';
import type { EncryptionServiceKey } from '../../../src/service-key.js';
import { fingerprint } from '../../../src/x509/certificate.js';
import { readString } from '../../../src/x509/character-strings.js';
import { DerReader } from '../../../src/x509/der.js';
import { formatName } from '../../../src/x509/names.js';
import { type CertRep, readCertRep } from '../../support/cert-rep.js';
import { readSignedMessage } from '../../support/cms-answer.js';
import { createFakeGateway, type FakeGateway, type FakeOptions } from './fake-gateway.js';

/** What a client sent, from fixtures/scep. */
interface Recorded {
  readonly method: string;
  readonly label: string;
  readonly query: string;
  readonly body: Uint8Array;
  /** DER, of a PKIOperation. */
  readonly message: Uint8Array;
}

function readFixture(name: string): Buffer {
  return readFileSync(`fixtures/scep/${name}`);
}

function readRecorded(scenario: string, number: number): Recorded {
  const file = `${scenario}/${String(number).padStart(2, '0')}-request`;
  const [first = ''] = readFixture(`${file}-head.txt`).toString().split('\n');
  const [method = '', url = ''] = first.split(' ');
  const { pathname, search, searchParams } = new URL(url, 'http://localhost');
  const hasBody = existsSync(`fixtures/scep/${file}-body.der`);
  const body = hasBody ? readFixture(`${file}-body.der`) : Buffer.of();
  const message = hasBody ? body : Buffer.from(searchParams.get('message') ?? '', 'base64');
  const [, , label = ''] = pathname.split('/');
  return { method, label, query: search.slice(1), body, message };
}

interface GatewayFixture {
  readonly key: EncryptionServiceKey;
  /** DER: RA, issuing CA, root. */
  readonly certificates: readonly [Uint8Array, ...Uint8Array[]];
}

function readGateway(policy: string): GatewayFixture {
  const pems = readFixture(`gateway/${policy}/certificates.pem`).toString();
  const [ra, ...cas] = (pems.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).raw,
  );
  if (ra === undefined) throw new Error(`no certificates of ${policy}`);
  const privateKey = createPrivateKey(readFixture(`gateway/${policy}/ra-key.pem`));
  const key: EncryptionServiceKey = {
    certificate: ra,
    chain: cas,
    algorithm: 'rsa',
    sign: async (data, hash) => sign(hash, data, privateKey),
    openKey: createKeyOpener(privateKey),
  };
  return { key, certificates: [ra, ...cas] };
}

/** A gateway with the RA key, the CAs and the time of the recording. */
function gatewayOf(label: string, options: FakeOptions = {}): FakeGateway {
  const { key, certificates } = readGateway(label);
  return createFakeGateway({
    keys: [key],
    chain: certificates.slice(1),
    now: new Date(readFixture('gateway/clock.txt').toString().trim()),
    scep: { legacy: label === 'legacy' },
    result: issuedUnder(label),
    crl: readFileSync('fixtures/x509/two-entries.crl.der'),
    ...options,
  });
}

/** Some certificate, which those who read the answer can decode. */
function issuedUnder(label: string): EnrollmentResult {
  const [certificate, ...chain] = readGateway(label).certificates;
  return { outcome: 'issued', certificate, serialNumber: '01', chain, modified: [] };
}

function replay(gateway: FakeGateway, { method, label, query, body }: Recorded): Promise<Reply> {
  const more = { params: { label } };
  return method === 'GET' ? gateway.get(query, more) : gateway.post(body, { ...more, query });
}

/** Replays a message and reads the answer with the device's key; it is an answer to this message. */
async function exchange(gateway: FakeGateway, scenario: string, number = 1): Promise<CertRep> {
  const recorded = readRecorded(scenario, number);
  const { status, headers, body } = await replay(gateway, recorded);
  expect({ status, type: headers['Content-Type'] }).toEqual({ status: 200, type: 'application/x-pki-message' });
  const privateKey = createPrivateKey(readFixture(`${scenario}/device-key.pem`));
  const reply = readCertRep(Buffer.from(body), { privateKey });
  const { transactionId, senderNonce } = decodePkiMessage(recorded.message);
  expect(reply.signer.isValid).toBe(true);
  expect(reply.signer.certificate.raw).toEqual(readGateway(recorded.label).certificates[0]);
  expect(reply.transactionId).toBe(DerReader.decode(transactionId.der, readString).value);
  expect(reply.recipientNonce).toBe(Buffer.from(senderNonce ?? []).toString('hex'));
  return reply;
}

const challenge = { kind: 'password', password: expect.stringMatching(/^[0-9a-z-]{31}$/) };

describe.each([
  ['strongswan-enroll', { subject: 'CN=pump-1', cipher: 'aes-128-cbc', digest: 'sha256' }],
  ['strongswan-pss', { subject: 'CN=pump-2', cipher: 'aes-128-cbc', digest: 'sha512' }],
  ['strongswan-legacy', { subject: 'CN=pump-3', cipher: 'des-ede3-cbc', digest: 'sha1' }],
  ['certmonger-enroll', { subject: 'CN=pump-6', cipher: 'aes-256-cbc', digest: 'sha256' }],
  ['openssl-enroll-ber', { subject: 'CN=pump-8', cipher: 'aes-256-cbc', digest: 'sha512' }],
  ['openssl-enroll-ec', { subject: 'CN=pump-9', cipher: 'aes-128-cbc', digest: 'sha256' }],
  ['scepclient-enroll', { subject: 'CN=pump-10', cipher: 'des-cbc', digest: 'sha1' }],
  ['sscep-enroll', { subject: 'CN=pump-11', cipher: 'aes-128-cbc', digest: 'sha512' }],
])('The recorded %s (RFC 8894 3.3.1)', (scenario, { subject, cipher, digest }) => {
  it('is read: names and challenge', async () => {
    const { label } = readRecorded(scenario, 1);
    const gateway = gatewayOf(label);
    await exchange(gateway, scenario);
    const [request] = gateway.requests;
    expect(gateway.refusals).toEqual([]);
    expect(request).toMatchObject({ protocol: 'scep', label, operation: 'either', credentials: [challenge] });
    expect(subjectOf(request)).toContain(subject);
  });

  it('is answered with what the client can read: certificates, cipher and digest', async () => {
    const { label } = readRecorded(scenario, 1);
    const reply = await exchange(gatewayOf(label), scenario);
    expect(reply).toMatchObject({ pkiStatus: 'SUCCESS', envelope: { cipher }, signer: { digest } });
    expect(reply.certificates.map(({ raw }) => raw)).toEqual(readGateway(label).certificates);
  });
});

describe.each([
  ['strongswan-renew', 'CN=pump-1'],
  ['certmonger-rekey', 'CN=pump-6'],
  ['openssl-renew-ec', 'CN=pump-9'],
])('The recorded %s (RFC 8894 3.3.1.2)', (scenario, subject) => {
  it('is read: who signed it is a credential', async () => {
    const recorded = readRecorded(scenario, 1);
    const gateway = gatewayOf(recorded.label);
    const reply = await exchange(gateway, scenario);
    expect(reply.pkiStatus).toBe('SUCCESS');
    const [request] = gateway.requests;
    const [signer] = readSignedMessage(recorded.message).certificates;
    const [credential] = request?.credentials ?? [];
    expect(subjectOf(request)).toBe(subject);
    expect(credential).toMatchObject({ kind: 'certificate', proof: 'message' });
    const [presented] = credential?.kind === 'certificate' ? credential.chain : [];
    expect(presented && fingerprint(presented)).toBe(signer && fingerprint(signer.raw));
  });
});

const pending: EnrollmentResult = { outcome: 'pending', requestId: 'request-1', retryAfterSeconds: 10 };

describe('The recorded strongswan-poll (RFC 8894 3.3.3)', () => {
  it('is told to wait, and polls for the same transaction with the same key', async () => {
    const waiting = gatewayOf('quickstart-approval', { result: pending });
    const first = await exchange(waiting, 'strongswan-poll');
    expect(first.pkiStatus).toBe('PENDING');
    const polled = gatewayOf('quickstart-approval');
    const second = await exchange(polled, 'strongswan-poll', 2);
    expect(second).toMatchObject({ pkiStatus: 'SUCCESS', transactionId: first.transactionId });
    expect(polled.polls[0]?.pending).toEqual({ conversation: waiting.requests[0]?.conversation });
  });
});

describe('The recorded certmonger-poll (RFC 8894 3.3.3)', () => {
  it('is told to wait, and sends what is the same request again', async () => {
    const waiting = gatewayOf('quickstart-approval', { result: pending });
    expect((await exchange(waiting, 'certmonger-poll')).pkiStatus).toBe('PENDING');
    const repeated = gatewayOf('quickstart-approval');
    expect((await exchange(repeated, 'certmonger-poll', 2)).pkiStatus).toBe('SUCCESS');
    const [[first], [second]] = [waiting.requests, repeated.requests];
    expect(second).toMatchObject({ transactionId: first?.transactionId, conversation: first?.conversation });
  });
});

describe('The recorded strongswan-wrong-challenge', () => {
  it('is answered with FAILURE and why', async () => {
    const text = 'the passcode is wrong';
    const gateway = gatewayOf('quickstart', { result: new GatewayError('bad-secret', text) });
    const reply = await exchange(gateway, 'strongswan-wrong-challenge');
    expect(gateway.requests[0]?.credentials).toEqual([{ kind: 'password', password: 'wrong-challenge' }]);
    expect(reply).toMatchObject({ pkiStatus: 'FAILURE', failInfo: 'badRequest', failInfoText: text });
  });
});

describe('The recorded sscep-getcert and sscep-getcrl (RFC 8894 3.3.4)', () => {
  it.each([
    ['sscep-getcert', 3, 0],
    ['sscep-getcrl', 0, 1],
  ])('%s is read and answered', async (scenario, certificates, crls) => {
    const gateway = gatewayOf('quickstart');
    const reply = await exchange(gateway, scenario);
    const [ra] = readGateway('quickstart').certificates;
    const [query] = gateway.queries;
    expect(query?.credentials).toMatchObject([{ kind: 'certificate', proof: 'message' }]);
    expect(formatName(query?.issuer ?? ra)).toBe('CN=Gatehouse Quickstart EC CA,O=Gatehouse Quickstart');
    expect({ certificates: reply.certificates.length, crls: reply.crls.length }).toEqual({ certificates, crls });
  });
});

describe('The recorded questions for capabilities and certificates', () => {
  it.each([
    ['strongswan-ca', 1, 'der'],
    ['certmonger-ca', 1, 'der'],
    ['sscep-ca', 1, 'txt'],
    ['sscep-ca', 2, 'der'],
  ])('%s %i is answered in the form that the client took', async (scenario, number, kind) => {
    const recorded = readRecorded(scenario, number);
    const reply = await replay(gatewayOf(recorded.label), recorded);
    const answer = `${scenario}/0${number}-answer`;
    const [status, ...fields] = readFixture(`${answer}-head.txt`).toString().trimEnd().split('\n');
    expect(String(reply.status)).toBe(status);
    for (const field of fields) {
      const [name = '', value] = field.split(': ');
      expect(reply.headers[name]).toBe(value);
    }
    expect(Buffer.from(reply.body)).toEqual(readFixture(`${answer}-body.${kind}`));
  });
});

function subjectOf(request: EnrollmentRequest | undefined): string | undefined {
  return request && formatName(request.requested.subject);
}
