import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.js';
import { Tag } from '../../../src/x509/der.js';
import { ia5String, oid, sequence, setOf, tlv, utf8String } from '../../../src/x509/der-writer.js';
import { encodeBasicConstraints } from '../../../src/x509/extensions.js';
import { idAtCommonName, idCeBasicConstraints } from '../../../src/x509/oids.js';
import { signedAnew } from '../../support/cmp/signatures.js';
import { type Answer, certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { deviceKey, makeCsr, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { pseudoRandom } from '../../support/pseudo-random.js';
import { type Counts, countRecords, eventOf, expectRefused } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { closePrimesKey, rocaKey, shortRsaKey, smallExponentKey } from '../../support/weak-keys.js';

let test: TestGateway;
let est: EstClient;
let before: Counts;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, settings: { failedAuthenticationsPerMinute: '10000' } });
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
  certificateOf(await est.post('simpleenroll', makeCsr({ subject: 'CN=first' })));
  before = await countRecords(test);
});
afterAll(async () => {
  expect(await countRecords(test)).toEqual(before);
  est.close();
  await test.close();
});

const good = makeCsr({ key: newKey(), subject: 'CN=good' });
const idAtSerialNumber = '2.5.4.5';
const operations = ['simpleenroll', 'simplereenroll', 'serverkeygen'] as const;

describe('EST bodies that are no request', () => {
  const base64 = Buffer.from(good).toString('base64');
  const cases: [string, Uint8Array | string][] = [
    ['an empty body', ''],
    ['no base64', 'this is no base64 !!'],
    ['base64 with padding in its midst', `AAAA=${base64}`],
    ['base64 cut by a character', base64.slice(0, -1)],
    ['a request cut in half', good.subarray(0, good.length >> 1)],
    ['a request without its last octet', good.subarray(0, -1)],
    ['a request with an octet behind it', Buffer.concat([good, Buffer.of(0)])],
    ['two requests', Buffer.concat([good, good])],
    ['random octets', randomBytes(500)],
    ['random octets that begin like DER', Buffer.concat([Buffer.of(0x30, 0x82, 1, 0xf0), randomBytes(496)])],
    ['a sequence of indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(4), Buffer.of(0, 0)])],
    ['a nesting of a thousand sequences', nested(1000)],
    ['a length of four gigabytes', Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1)],
    ['PEM of a certificate', `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`],
    ['PEM without its end', `-----BEGIN CERTIFICATE REQUEST-----\n${base64}`],
    ['a NUL between base64', `${base64.slice(0, 8)}\0${base64.slice(8)}`],
    ['JSON', '{"csr":"x"}'],
  ];

  it.each(operations.flatMap((operation) => cases.map(([what, body]) => [operation, what, body] as const)))(
    '%s refuses %s with 400',
    async (operation, _, body) => {
      await expectRefused(test, await est.post(operation, body), { status: 400, code: 'malformed-request' });
    },
  );

  it('truncated anywhere, is refused with 400', async () => {
    for (let length = 1; length < good.length; length += 7) {
      await expectRefused(test, await est.post('simpleenroll', good.subarray(0, length)), {
        status: 400,
        code: 'malformed-request',
      });
    }
  });

  it('with any bit flipped, is refused with 400 or issued for what it says', async () => {
    const numbers = pseudoRandom();
    const statuses = new Set<number>();
    for (let i = 0; i < 150; i++) {
      const flipped = Uint8Array.from(good);
      const bit = numbers.next().value % (good.length * 8);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const answer = await est.post('simpleenroll', flipped);
      statuses.add(answer.status);
      expect(await eventOf(test, answer)).toMatchObject({
        action: 'request.refused',
        code: expect.stringMatching(
          /^(malformed-request|invalid-proof-of-possession|unacceptable-key|unsupported-algorithm)$/,
        ),
      });
    }
    expect([...statuses]).toEqual([400]);
  });

  it('with random octets anywhere, is never an error of the server', async () => {
    const numbers = pseudoRandom();
    for (let i = 0; i < 100; i++) {
      const spoilt = Buffer.from(good);
      const at = numbers.next().value % good.length;
      randomBytes(1 + (numbers.next().value % 8)).copy(spoilt, at);
      // Of one octet, one in 256 is what was there.
      if (spoilt.equals(good)) continue;
      const operation = operations[i % 2] ?? 'simpleenroll';
      expect((await est.post(operation, spoilt)).status).toBeLessThan(500);
    }
  });
});

describe('EST messages with the wrong form', () => {
  it.each(operations)('%s refuses other content types with 415', async (operation) => {
    for (const type of ['text/plain', 'application/pkcs7-mime', 'application/json', 'application/pkcs10x', 'x']) {
      const answer = await est.post(operation, good, { 'content-type': type });
      await expectRefused(test, answer, { status: 415, code: 'malformed-request', says: 'application/pkcs10' });
    }
  });

  it('fullcmc refuses other content types with 415', async () => {
    const answer = await est.post('fullcmc', good, { 'content-type': 'application/pkcs10' });
    await expectRefused(test, answer, { status: 415, code: 'malformed-request', says: 'application/pkcs7-mime' });
  });

  it.each(operations)('%s refuses a body beyond its limit with 413', async (operation) => {
    const answer = await est.post(operation, 'A'.repeat(70_000));
    await expectRefused(test, answer, { status: 413, code: 'malformed-request', says: 'larger than' });
  });

  it('refuses a body beyond its limit that does not say its length with 413', async () => {
    const headers = { 'content-type': 'application/pkcs10', 'transfer-encoding': 'chunked' };
    const answer = await est.send('/.well-known/est/fleet/simpleenroll', {
      method: 'POST',
      headers,
      body: 'A'.repeat(70_000),
    });
    await expectRefused(test, answer, { status: 413, code: 'malformed-request', says: 'larger than' });
  });

  it.each([
    ['POST', 'cacerts', 'GET, HEAD'],
    ['PUT', 'csrattrs', 'GET, HEAD'],
    ['GET', 'simpleenroll', 'POST'],
    ['HEAD', 'simpleenroll', 'POST'],
    ['PUT', 'simplereenroll', 'POST'],
    ['DELETE', 'serverkeygen', 'POST'],
    ['PATCH', 'fullcmc', 'POST'],
  ])('%s %s is refused with 405 and what is allowed', async (method, operation, allow) => {
    const answer = await est.send(`/.well-known/est/fleet/${operation}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
  });

  it.each(['nobody', 'fleet~nobody', 'fleet~', '~pumps', '__proto__', 'constructor', 'fleet%00', 'x'.repeat(5000)])(
    'the label %.20s is refused with 404',
    async (label) => {
      const unknown = createEstClient(test, { label, passcode: fleetPasscode });
      await expectRefused(test, await unknown.post('simpleenroll', good), {
        status: 404,
        code: 'not-found',
        says: 'label',
      });
      expect((await unknown.get('cacerts')).status).toBe(404);
      expect((await unknown.get('csrattrs')).status).toBe(404);
      unknown.close();
    },
  );

  it.each(['/', '/.well-known/est', '/.well-known/est/fleet/nothing', '/.well-known/est/fleet/pumps/simpleenroll'])(
    '%s is not found',
    async (path) => {
      const answer = await est.send(path);
      expect(answer.status).toBe(404);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    },
  );

  it.each(['/.well-known/est/%ff/cacerts', '/.well-known/est/%/cacerts'])('%s is a malformed address', async (path) => {
    expect((await est.send(path)).status).toBe(400);
  });

  it('headers beyond their limit are refused with 431', async () => {
    const answer = await est.send('/.well-known/est/fleet/cacerts', { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });

  it.each(['Basic', 'Basic !!!', 'Basic bm9jb2xvbg==', 'Bearer abc', 'Basic /////w==', `Basic ${'A'.repeat(4000)}`])(
    'the Authorization %.20s is no credential',
    async (authorization) => {
      const answer = await est.post('simpleenroll', good, { authorization });
      await expectRefused(test, answer, { status: 401, code: 'bad-secret', says: 'passcode' });
    },
  );
});

describe('EST requests whose key nobody should have', () => {
  it.each<[string, () => Uint8Array, ErrorCode, string]>([
    ['RSA 1024', () => makeCsr({ key: shortRsaKey() }), 'unacceptable-key', '1024 bits is too short'],
    ['exponent 3', () => makeCsr({ key: smallExponentKey() }), 'unacceptable-key', 'exponent'],
    ['the ROCA weakness', () => makeCsr({ key: rocaKey() }), 'unacceptable-key', 'ROCA'],
    ['close primes', () => makeCsr({ key: closePrimesKey() }), 'unacceptable-key', 'primes'],
    [
      'a point off its curve',
      () => makeCsr({ subjectPublicKeyInfo: offCurve() }),
      'unacceptable-key',
      'not a valid ec public key',
    ],
    ['a broken signature', () => makeCsr({ signedBy: newKey() }), 'invalid-proof-of-possession', 'signature'],
    ["another algorithm's signature", () => makeCsr({ signedBy: rsaKey }), 'invalid-proof-of-possession', 'signature'],
    ['SHA-1', () => makeCsr({ hash: 'sha1' }), 'unsupported-algorithm', 'sha1'],
    [
      'SHA3-256, which only CMP takes',
      () => signedAnew(makeCsr(), 'ecdsa-sha3-256', deviceKey.privateKey),
      'unsupported-algorithm',
      'is signed in a way that is not supported',
    ],
  ])('%s is refused with 400', async (_, makeRequest, code, says) => {
    await expectRefused(test, await est.post('simpleenroll', makeRequest()), { status: 400, code, says });
  });
});

describe('EST requests for names and extensions that nobody gave', () => {
  const attribute = (type: string, value: Uint8Array) => setOf(sequence(oid(type), value));
  // The serial number says which device it is; what is wrong is the common name.
  const commonName = (value: Uint8Array) =>
    sequence(attribute(idAtSerialNumber, utf8String('S-1')), attribute(idAtCommonName, value));
  const key = newKey();
  it.each<[string, Parameters<typeof makeCsr>[0], ErrorCode, string]>([
    [
      'CA = true',
      { extensions: [{ id: idCeBasicConstraints, critical: true, value: encodeBasicConstraints({ ca: true }) }] },
      'rejected-power',
      'CA certificates',
    ],
    ['a NUL in its common name', { subject: commonName(utf8String('device\0.evil')) }, 'rejected-name', 'commonName'],
    ['a NUL in an IA5String', { subject: commonName(ia5String('device\0')) }, 'rejected-name', 'commonName'],
    [
      'a line break in its common name',
      { subject: commonName(utf8String('device\nevil')) },
      'rejected-name',
      'commonName',
    ],
    [
      'a bidi mark in its common name',
      { subject: commonName(utf8String('device\u202egpj')) },
      'rejected-name',
      'commonName',
    ],
    ['an INTEGER as common name', { subject: commonName(Uint8Array.of(2, 1, 5)) }, 'rejected-name', 'commonName'],
    [
      'UTF8String that is not UTF-8',
      { subject: commonName(tlv(Tag.utf8String, Uint8Array.of(0xff, 0xfe))) },
      'malformed-request',
      '',
    ],
    [
      'PrintableString with an asterisk and at sign',
      { subject: commonName(tlv(Tag.printableString, Buffer.from('*@'))) },
      'rejected-name',
      '',
    ],
    [
      'BMPString of an odd length',
      { subject: commonName(tlv(Tag.bmpString, Buffer.from('abc'))) },
      'malformed-request',
      '',
    ],
    [
      'UniversalString beyond Unicode',
      { subject: commonName(tlv(Tag.universalString, Uint8Array.of(0x7f, 0xff, 0xff, 0xff))) },
      'malformed-request',
      '',
    ],
    ['no common name', { subject: 'O=Plant,serialNumber=S-1' }, 'rejected-name', 'commonName'],
    ['an empty subject', { subject: sequence() }, 'rejected-name', 'which device'],
    ['an attribute outside of the profile', { subject: 'CN=device,C=DE' }, 'rejected-name', 'countryName'],
    ['two common names', { subject: 'CN=device,CN=other' }, 'rejected-name', '2 times'],
    ['a name that does not match', { subject: 'CN=device_1' }, 'rejected-name', 'pattern'],
    [
      'a common name of a thousand characters',
      { subject: `serialNumber=S-1,CN=${'x'.repeat(1000)}` },
      'rejected-name',
      'longer',
    ],
    [
      'a hundred SANs',
      { alternatives: Array.from({ length: 100 }, (_, i) => ({ type: 'dns', value: `d${i}.example` }) as const) },
      'rejected-name',
      '100 times',
    ],
    ['a wildcard', { alternatives: [{ type: 'dns', value: '*.example' }] }, 'rejected-name', '*.example'],
    ['a SAN with a NUL', { alternatives: [{ type: 'dns', value: 'good.example\0.evil' }] }, 'rejected-name', 'DNS'],
    [
      'a SAN of a type outside of the profile',
      { alternatives: [{ type: 'email', value: 'a@example.com' }] },
      'rejected-name',
      'profile device',
    ],
    [
      'an extension outside of the profile',
      { extensions: [{ id: '1.2.3.4', critical: false, value: Uint8Array.of(5, 0) }] },
      'rejected-profile',
      '1.2.3.4',
    ],
    [
      'a certificate policy of its own',
      { extensions: [{ id: '2.5.29.32', critical: false, value: sequence(sequence(oid('1.2.3'))) }] },
      'rejected-profile',
      '2.5.29.32',
    ],
  ])('%s is refused with 400', async (_, options, code, says) => {
    const answer = await est.post('simpleenroll', makeCsr({ key, subject: 'CN=named', ...options }));
    await expectRefused(test, answer, { status: 400, code, says });
  });

  it('names the rule that refused', async () => {
    const answer = await est.post('simpleenroll', makeCsr({ key, subject: 'CN=device_1' }));
    expect(answer.text).toContain('(rule subject)');
    expect(await eventOf(test, answer)).toMatchObject({
      trace: expect.arrayContaining([expect.objectContaining({ rule: 'subject', outcome: 'denied' })]),
    });
  });

  it('does not repeat control characters of the request', async () => {
    const answer = await est.post(
      'simpleenroll',
      makeCsr({ key, subject: 'CN=named', alternatives: [{ type: 'dns', value: 'x\r\nset-cookie: a' }] }),
    );
    await expectRefused(test, answer, { status: 400, code: 'rejected-name' });
  });
});

describe('EST fullcmc with what is no Full PKI Request', () => {
  it.each<[string, Uint8Array | string]>([
    ['an empty body', ''],
    ['a PKCS #10 request', good],
    ['random octets', randomBytes(300)],
    ['no base64', '???'],
  ])('%s is refused with 400 and a Full PKI Response (RFC 7030 4.3.2)', async (_, body) => {
    const answer: Answer = await est.post('fullcmc', body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('smime-type=CMC-response');
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'malformed-request' });
  });
});

describe('connections of clients that are slow or gone', () => {
  it('do not keep others waiting', async () => {
    const { deviceTlsPort: port } = test.gateway.listeners;
    const halfOpen = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    const slow = Array.from({ length: 20 }, () => connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }));
    for (const socket of slow)
      socket.write(
        'POST /.well-known/est/fleet/simpleenroll HTTP/1.1\r\nhost: x\r\ncontent-type: application/pkcs10\r\ncontent-length: 500\r\n\r\nMII',
      );
    expect((await est.get('cacerts')).status).toBe(200);
    expect((await est.post('simpleenroll', '')).status).toBe(400);
    // Nobody waited until their time was over.
    expect([...halfOpen, ...slow].map((socket) => socket.destroyed)).not.toContain(true);
    for (const socket of [...halfOpen, ...slow]) socket.destroy();
  });

  it('a body that ends early is recorded as malformed', async () => {
    const socket = connectTls({
      port: test.gateway.listeners.deviceTlsPort,
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    socket.write(
      'POST /.well-known/est/fleet/simpleenroll HTTP/1.1\r\nhost: x\r\ncontent-type: application/pkcs10\r\ncontent-length: 500\r\n\r\nMII',
    );
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    const { audit } = test.gateway.core.store;
    const ended = async () =>
      (await audit.list({ action: 'request.refused', limit: 5 })).some(({ content }) =>
        content.includes('ended early'),
      );
    for (let i = 0; i < 50 && !(await ended()); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ended()).toBe(true);
  });
});

function nested(depth: number): Uint8Array {
  let der = sequence();
  for (let i = 0; i < depth; i++) der = sequence(der);
  return der;
}

function offCurve(): Uint8Array {
  const spki = spkiOf(deviceKey);
  spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
  return spki;
}
