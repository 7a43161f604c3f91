import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Tag } from '../../../src/x509/der.js';
import {
  bitString,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  tlv,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { makeCertReqMsg } from '../../support/cmp/cert-request.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { encodeHeader } from '../../support/cmp/header.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import type { Answer } from '../../support/est-client.js';
import { applyYaml } from '../../support/fleet.js';
import { flipped } from '../../support/flipped.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { pseudoRandom } from '../../support/pseudo-random.js';
import { type Counts, countRecords, eventOf, expectRefused } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let before: Counts;
/** A request that would be granted. */
let good: Uint8Array;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('other'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  good = client.makeRequest('ir', { key: newKey(), subject: 'CN=good' }).der;
  await enrolled(test);
  before = await countRecords(test);
});
afterAll(async () => {
  // Whatever was sent in between: nothing is half on record.
  expect(await countRecords(test)).toEqual(before);
  expect(await test.gateway.core.store.audit.verifyChain({ from: 1, limit: 100_000 })).toMatchObject({ intact: true });
  client.close();
  await test.close();
});

/** Strangers are on record with 600 refusals a minute. */
function nextMinute(): void {
  clock.advance(61);
}

function nested(depth: number): Uint8Array {
  let inside: Uint8Array = sequence();
  for (let level = 0; level < depth; level++) inside = sequence(inside);
  return inside;
}

const unreadable = { status: 400, code: 'malformed-request' } as const;

describe('What is no PKIMessage is refused with 400', () => {
  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['random octets', () => Buffer.concat([Buffer.of(0x17), randomBytes(1500)])],
    ['random octets that begin like DER', () => Buffer.concat([Buffer.of(0x30, 0x82, 5, 0xd8), randomBytes(1496)])],
    ['base64', () => Buffer.from(Buffer.from(good).toString('base64'))],
    ['PKCS #10', () => makeCsr()],
    ['an empty sequence', () => sequence()],
    ['a nesting of a thousand sequences', () => nested(1000)],
    ['a nesting of a hundred thousand sequences', () => nested(20_000)],
    ['a nesting of a thousand sequences of indefinite length', () => Buffer.alloc(2000, Buffer.of(0x30, 0x80))],
    ['a length of four gigabytes', () => Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1)],
  ])('%s', async (_what, body) => {
    await expectRefused(test, await client.send(body()), unreadable);
  });

  it('with 413 beyond half a megabyte', async () => {
    const big = Buffer.alloc(513 * 1024);
    await expectRefused(test, await client.send(big), { status: 413, code: 'malformed-request', says: 'larger' });
  });

  it.each(['text/plain', 'application/pkix-cmp', 'application/octet-stream', ''])('with 415 as %s', async (type) => {
    const answer = await client.send(good, { 'content-type': type });
    await expectRefused(test, answer, { status: 415, code: 'malformed-request', says: 'application/pkixcmp' });
  });

  it.each([
    '/.well-known/cmp',
    '/.well-known/cmp/initialization',
    '/.well-known/cmp/p/cmp',
    '/.well-known/cmp/p/cmp/pkcs10',
    '/cmp/cmp',
    '/cmp/cmp/nested',
  ])('with 405 by any method but POST at %s', async (path) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, headers } = await fetch(`http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}${path}`, {
        method,
      });
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'POST']);
    }
  });

  it('but the media type may have parameters, and any case', async () => {
    const wrong = flipped(good);
    const answer = await client.send(wrong, { 'content-type': 'Application/PKIXCMP; charset=binary' });
    expect([200, 400]).toContain(answer.status);
  });
});

/** An answer that says error, or rejection in the body that fits. */
function expectCmpRefusal({ status, body, headers }: Answer): void {
  expect([status, headers['content-type']]).toEqual([200, 'application/pkixcmp']);
  const { body: said, header } = readMessage(body);
  const info = 'responses' in said ? said.responses[0]?.status : said.type === 'error' ? said.status : undefined;
  expect(info).toMatchObject({ status: 'rejection', failInfo: [expect.any(String)] });
  expect(header.senderNonce?.length).toBe(16);
}

describe('A PKIMessage that is damaged', () => {
  it('anywhere by truncation gets 400, or an error message once its header can be read', async () => {
    const seen = new Set<number>();
    for (let length = 1; length < good.length; length += 13) {
      const answer = await client.send(good.subarray(0, length));
      seen.add(answer.status);
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200) expectCmpRefusal(answer);
      expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'malformed-request' });
    }
    expect(seen.has(400)).toBe(true);
  });

  it('in any octet gets 400, or an error message', async () => {
    const numbers = pseudoRandom();
    for (let at = 0; at < good.length; at += 3) {
      if (at % 500 < 3) nextMinute();
      const changed = Uint8Array.from(good);
      changed[at] = (changed[at] ?? 0) ^ ((numbers.next().value % 255) + 1);
      const answer = await client.send(changed);
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200) expectCmpRefusal(answer);
      expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', outcome: 'refused' });
    }
  }, 60_000);

  it('by anything inserted, or left out, gets 400 or an error message', async () => {
    nextMinute();
    const numbers = pseudoRandom();
    for (let i = 0; i < 60; i++) {
      const at = numbers.next().value % good.length;
      const some = numbers.next().value % 40;
      const [head, tail] = [good.subarray(0, at), good.subarray(at)];
      const changed = i % 2 === 0 ? [head, randomBytes(some + 1), tail] : [head, tail.subarray(some + 1)];
      const answer = await client.send(Buffer.concat(changed));
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200) expectCmpRefusal(answer);
    }
  });

  it('by an octet behind it is refused', async () => {
    for (const more of [Buffer.of(0), good]) {
      const answer = await client.send(Buffer.concat([good, more]));
      if (answer.status === 200) expectCmpRefusal(answer);
      else await expectRefused(test, answer, unreadable);
      expect(await eventOf(test, answer)).toMatchObject({ code: 'malformed-request' });
    }
  });
});

describe('A PKIMessage whose body is wrong, but whose protection is good', () => {
  const refusal: CmpRefusal = { failInfo: 'badDataFormat', code: 'malformed-request' };
  const answers = { ir: 'ip', cr: 'cp', p10cr: 'cp', genm: 'error' } as const;

  it.each<[string, () => Uint8Array]>([
    ['NULL', () => nullValue],
    ['an OCTET STRING', () => octetString(randomBytes(32))],
    ['sequences in each other', () => nested(200)],
    ['random octets in an OCTET STRING in a SEQUENCE', () => sequence(octetString(randomBytes(100)))],
  ])('%s is badDataFormat in the body that fits', async (_what, content) => {
    for (const type of ['ir', 'cr', 'p10cr', 'genm'] as const) {
      const body = answers[type];
      await expectRejected(test, () => client.exchange(type, content()), { ...refusal, body });
    }
  });

  it.each(['ip', 'cp', 'kup', 'rp', 'pkiconf', 'genp', 'krr', 'popdecc', 'ckuann', 'cann', 'crlann'] as const)(
    '%s, which a server sends or nobody serves, is badRequest',
    async (type) => {
      const content = type === 'pkiconf' ? nullValue : sequence();
      const send = () => client.exchange(type, content);
      const outcome = await expectRejected(test, send, { failInfo: 'badRequest', code: 'unsupported-operation' });
      expect(outcome.statusString).toContain(type);
    },
  );

  it('fields in a wrong place of a CertReqMsg are badDataFormat', async () => {
    const message = Buffer.from(makeCertReqMsg({ key: newKey() }));
    for (const damaged of [sequence(message.subarray(4)), sequence(message, nullValue), sequence(sequence(message))]) {
      const outcome = await client.exchange('ir', damaged);
      expect(outcome).toMatchObject({ pkiStatus: 'rejection', body: { type: 'ip' } });
      expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'request.refused' });
    }
  });

  it.each<[string, Partial<EnrollWish>]>([
    ['a public key that is none', { template: { publicKey: sequence(sequence(oid('1.2.840.10045.2.1'))) } }],
    [
      'a point that is not on its curve',
      {
        template: {
          publicKey: sequence(
            sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
            bitString(Buffer.concat([Buffer.of(4), randomBytes(64)])),
          ),
        },
      },
    ],
    ['a subject with a hundred attributes', { subject: sequence(...Array.from({ length: 100 }, anAttribute)) }],
    ['a subject that is no Name', { subject: octetString(randomBytes(10)) }],
    ['an extension twice', { extensions: [anExtension(), anExtension()] }],
    ['a subjectAltName that is none', { extensions: [{ id: '2.5.29.17', critical: false, value: nullValue }] }],
    ['a key usage that is none', { extensions: [{ id: '2.5.29.15', critical: false, value: nullValue }] }],
    ['basicConstraints that are none', { extensions: [{ id: '2.5.29.19', critical: false, value: nullValue }] }],
    ['a proof that is none', { possession: { kind: 'raw', der: tlv(0xa1, nullValue) } }],
    ['a proof of an unknown kind', { possession: { kind: 'raw', der: tlv(0xa7, nullValue) } }],
  ])('%s is refused in an ip', async (_what, wish) => {
    const outcome = await client.ir({ key: newKey(), subject: 'CN=wrong', ...wish });
    const { status, body, pkiStatus, failInfo, certificate, statusString } = outcome;
    expect([status, body?.type, pkiStatus, certificate?.subject]).toEqual([200, 'ip', 'rejection', undefined]);
    expect(failInfo).toHaveLength(1);
    expect(failInfo).not.toContain('systemFailure');
    expect(statusString).toMatch(/^[^\n\p{Cc}]{10,300}$/u);
    expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'request.refused', outcome: 'refused' });
  });
});

describe('A header that is wrong, but can be read', () => {
  it.each<[string, Parameters<CmpClient['ir']>[0]['rawHeader']]>([
    ['a messageTime as UTCTime', { messageTime: tlv(Tag.utcTime, Buffer.from('261121120000Z')) }],
    ['a transactionID that is no OCTET STRING', { transactionId: utf8String('transaction') }],
    ['generalInfo that is no list', { generalInfo: nullValue }],
    ['freeText that is no list', { freeText: utf8String('text') }],
    ['a protectionAlg that is none', { protectionAlg: nullValue }],
    ['a pvno that is no number', { pvno: utf8String('2') }],
    ['a sender that is none', { sender: nullValue }],
  ])('%s', async (_what, rawHeader) => {
    const { der } = client.makeRequest('ir', { key: newKey(), ...(rawHeader && { rawHeader }) });
    const answer = await client.send(der);
    expect([200, 400]).toContain(answer.status);
    if (answer.status === 200) expectCmpRefusal(answer);
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'malformed-request' });
  });

  it('generalInfo of a thousand infos, or freeText of a megabit, is refused or ignored in a moment', async () => {
    const infos = Array.from({ length: 1000 }, (_, i) => ({ type: `1.3.6.1.4.1.55555.${i}` }));
    const texts = Array.from({ length: 500 }, () => 'text'.repeat(60));
    for (const header of [{ generalInfo: infos }, { freeText: texts }]) {
      const cost = await cpuTimeOf(async () => {
        const { answer } = await client.genm('caCerts', undefined, { header, unchecked: ['protectionKind'] });
        expect([200, 400]).toContain(answer.status);
      });
      expect(cost).toBeLessThan(1000);
    }
  });

  it('extraCerts of a hundred certificates, or of what is none, is refused in bounded time', async () => {
    const { credential } = await enrolledBefore();
    const [own = new Uint8Array()] = credential.chain;
    for (const extraCerts of [
      Array.from({ length: 100 }, () => own),
      [own, ...Array.from({ length: 50 }, () => sequence(octetString(randomBytes(50))))],
      [sequence()],
      [nested(100)],
    ]) {
      const cost = await cpuTimeOf(async () => {
        const outcome = await client.genm('caCerts', undefined, { credential, extraCerts });
        expect(outcome.pkiStatus).toBe('rejection');
        expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'request.refused' });
      });
      expect(cost).toBeLessThan(1000);
    }
  });

  it('a header alone, with nothing behind it, gets an error message', async () => {
    const header = encodeHeader({
      pvno: 2,
      sender: 'CN=x',
      recipient: '',
      transactionId: randomBytes(16),
      senderNonce: randomBytes(16),
    });
    const answer = await client.send(sequence(header));
    expectCmpRefusal(answer);
    expect(readMessage(answer.body).header.pvno).toBe(2);
  });

  it('a pvno of 64 bits gets an error message', async () => {
    const { der } = client.makeRequest('ir', {
      key: newKey(),
      rawHeader: { pvno: tlv(Tag.integer, Buffer.alloc(8, 0x7f)) },
    });
    const answer = await client.send(der);
    if (answer.status === 200) expectCmpRefusal(answer);
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused' });
  });
});

let device: ReturnType<typeof enrolled> | undefined;

/** One device, which counts as having been there before. */
async function enrolledBefore() {
  device ??= enrolled(test, { name: 'before' }).then(async (made) => {
    before = await countRecords(test);
    return made;
  });
  return await device;
}

function anAttribute(): Uint8Array {
  return setOf(sequence(oid('2.5.4.11'), utf8String('unit')));
}

function anExtension() {
  return { id: '2.5.29.37', critical: false, value: sequence(oid('1.3.6.1.5.5.7.3.2')) };
}
