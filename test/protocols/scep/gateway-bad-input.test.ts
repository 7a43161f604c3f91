import { hash, randomBytes, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Tag } from '../../../src/x509/der.js';
import {
  ia5String,
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  smallInteger,
  tlv,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { derWriter } from '../../support/ber-writer.js';
import { readCertRep } from '../../support/cert-rep.js';
import type { Answer } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { pseudoRandom } from '../../support/pseudo-random.js';
import { type Counts, countRecords, eventOf, expectRefused } from '../../support/records.js';
import { createScepClient, type ScepClient, type ScepWish } from '../../support/scep-client.js';
import { issuerAndSerialNumber, makeEnvelope } from '../../support/scep-envelope.js';
import { cmsIds, digestIds, rsaEncryption, scepAttributes } from '../../support/scep-identifiers.js';
import { type PkiMessageOptions, selfSigned } from '../../support/scep-message.js';
import { expectFailure, type ScepRefusal } from '../../support/scep-refusals.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let scep: ScepClient;
let before: Counts;
let good: Uint8Array;
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({
    configuration: fleet,
    clock,
    settings: { failedAuthenticationsPerMinute: '100000' },
  });
  await applyYaml(test, policyLike('strict', 'scep: { clockTolerance: 5m }'));
  scep = createScepClient(test, { label: 'fleet' });
  good = await scep.makeRequest({ key: rsaKey, subject: 'CN=good', challenge: 'a challenge that is wrong' });
  before = await countRecords(test);
});
afterAll(async () => {
  // Whatever was sent in between: nothing is half on record.
  expect(await countRecords(test)).toEqual(before);
  expect(await test.gateway.core.store.audit.verifyChain({ from: 1, limit: 100_000 })).toMatchObject({ intact: true });
  scep.close();
  await test.close();
});

/** Strangers are on record with 600 refusals a minute. */
function nextMinute(): void {
  clock.advance(61);
}

const unreadable = { status: 400, code: 'malformed-request' } as const;

describe('a SCEP message whose transaction cannot be read (400)', () => {
  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['random octets', () => randomBytes(1500)],
    ['random octets that begin like DER', () => Buffer.concat([Buffer.of(0x30, 0x82, 5, 0xd8), randomBytes(1496)])],
    ['two messages', () => Buffer.concat([good, good])],
    ['an octet more', () => Buffer.concat([good, Buffer.of(0)])],
    ['base64', () => Buffer.from(Buffer.from(good).toString('base64'))],
    ['PKCS #10', () => makeCsr()],
    ['an EnvelopedData', () => sequence(oid(cmsIds.envelopedData), tlv(Tag.context(0), sequence()))],
    ['a nesting of a thousand sequences', () => nested(1000)],
    ['a nesting of a thousand sequences of indefinite length', () => Buffer.alloc(2000, Buffer.of(0x30, 0x80))],
    ['a length of four gigabytes', () => Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1)],
  ])('is refused: %s', async (_, body) => {
    await expectRefused(test, await scep.pkiOperation(body()), unreadable);
  });

  it.each<[string, Partial<PkiMessageOptions>]>([
    ['no transactionID', { omit: ['transactionId'] }],
    ['an empty transactionID', { transactionId: printableString('') }],
    ['a transactionID that is no string', { transactionId: octetString(randomBytes(16)) }],
    ['a transactionID of 256 characters', { transactionId: printableString('1'.repeat(256)) }],
    ['two values of a transactionID', { transactionId: Buffer.concat([printableString('a'), printableString('b')]) }],
  ])('is refused: %s', async (_, message) => {
    const body = await scep.makeRequest({ key: newKey(), challenge: fleetPasscode, message });
    await expectRefused(test, await scep.pkiOperation(body), { ...unreadable, says: 'transactionID' });
    await expectRefused(test, await scep.pkiOperation(body, 'GET'), { ...unreadable, says: 'transactionID' });
  });

  it.each([0, 2])('is refused: %d signers', async (signers) => {
    const answer = await scep.pkiOperation(await makeUnusual({ signers }));
    await expectRefused(test, answer, { ...unreadable, says: 'exactly one signer' });
  });

  it('is refused: an attribute twice', async () => {
    const again = attribute(scepAttributes.messageType, printableString('17'));
    await expectRefused(test, await scep.pkiOperation(await makeUnusual({ attributes: [again] })), unreadable);
  });

  it('is refused truncated anywhere', async () => {
    for (let length = 1; length < good.length; length += 50) {
      await expectRefused(test, await scep.pkiOperation(good.subarray(0, length)), unreadable);
    }
    await expectRefused(test, await scep.pkiOperation(good.subarray(0, -1)), unreadable);
  });

  it('is refused beyond 64 KiB with 413, said in advance or not', async () => {
    const answer = await scep.pkiOperation(Buffer.alloc(65 * 1024));
    await expectRefused(test, answer, { status: 413, code: 'malformed-request', says: 'larger' });
  });

  it('is refused by GET beyond 16 KiB with 431', async () => {
    const answer = await scep.get(`operation=PKIOperation&message=${'A'.repeat(17 * 1024)}`);
    expect([answer.status, Buffer.from(answer.body).toString()]).toEqual([
      431,
      'the address or the headers are too large; send the message by POST\n',
    ]);
  });
});

interface Case extends ScepRefusal {
  readonly what: string;
  readonly wish: Partial<ScepWish>;
}

const badRequest = { failInfo: 'badRequest', code: 'malformed-request' } as const;
const badCheck = { failInfo: 'badMessageCheck', code: 'invalid-signature' } as const;
const encrypted = { ...badRequest, says: 'no PKCS #10 request with a valid signature' } as const;

const message = (options: Partial<PkiMessageOptions>): Partial<ScepWish> => ({ message: options });
/** RSA, so that the one who signs can read answers of any kind. */
const another = selfSigned(rsaKey, 'CN=another', clock.now());

describe('a SCEP message that is refused with a CertRep', () => {
  const cases: readonly Case[] = [
    { what: 'a wrong signature', wish: message({ damage: 'signature' }), ...badCheck },
    { what: 'a signature of other attributes', wish: message({ damage: 'signedAttributes' }), ...badCheck },
    { what: 'the digest of another content', wish: message({ damage: 'messageDigest' }), ...badCheck },
    {
      what: 'no certificate of the signer',
      wish: message({ omit: ['signerCertificate'] }),
      ...badRequest,
      says: 'not in the message',
    },
    { what: 'no senderNonce', wish: message({ omit: ['senderNonce'] }), ...badRequest, says: 'senderNonce' },
    { what: 'no content', wish: message({ omit: ['envelope'] }), ...badRequest, says: 'no encrypted content' },
    {
      what: 'no messageType',
      wish: message({ omit: ['messageType'] }),
      failInfo: 'badRequest',
      code: 'unsupported-operation',
      says: 'messageType',
    },
    ...[3, 0, 18, 99].map((type) => ({
      what: `the messageType ${type}`,
      wish: message({ type }),
      failInfo: 'badRequest' as const,
      code: 'unsupported-operation' as const,
      says: 'messageType',
    })),
    { what: 'another recipient', wish: message({ recipient: another.certificate }), ...badRequest, says: 'GetCACert' },
    { what: 'a changed key', wish: message({ damage: 'encryptedKey' }), ...encrypted },
    { what: 'a changed content', wish: message({ damage: 'encryptedContent' }), ...encrypted },
    { what: 'no PKCS #10 request', wish: { csr: another.certificate }, ...encrypted },
    { what: 'nothing encrypted', wish: { csr: new Uint8Array() }, ...encrypted },
    {
      what: 'a request signed with another key',
      wish: { csr: makeCsr({ key: newKey(), signedBy: newKey(), challengePassword: fleetPasscode }) },
      ...encrypted,
    },
    {
      what: 'a request of another key than the signer’s',
      wish: { csr: makeCsr({ key: newKey(), challengePassword: fleetPasscode }) },
      failInfo: 'badRequest',
      code: 'invalid-proof-of-possession',
      says: 'another key',
    },
    {
      what: 'a wrong challenge',
      wish: { challenge: 'wrong-passcode' },
      failInfo: 'badRequest',
      code: 'bad-secret',
      says: 'passcode',
    },
  ];

  it.each(cases)('for $what', async ({ wish, ...refusal }) => {
    for (const key of [newKey(), rsaKey]) {
      const outcome = await scep.enroll({ key, challenge: fleetPasscode, ...wish });
      await expectFailure(test, outcome, refusal);
    }
  });

  it.each([0, 65])('for a senderNonce of %d octets, which does not come back', async (length) => {
    const message = { senderNonce: Buffer.alloc(length) };
    const answer = await scep.pkiOperation(await scep.makeRequest({ key: rsaKey, message }));
    const reply = readCertRep(answer.body, rsaKey);
    expect(reply.recipientNonce).toBeUndefined();
    await expectFailure(test, { answer, reply }, { ...badRequest, says: 'senderNonce' });
  });

  it('of which the device gets its transactionID back as it was, whatever string it is', async () => {
    const name = 'Übertragung № 1';
    for (const transactionId of [utf8String(name), ia5String('a_b@c'), printableString('x'.repeat(255))]) {
      const { answer, reply } = await scep.enroll({ key: newKey(), message: { transactionId } });
      expect(reply?.failInfo).toBe('badRequest');
      expect(answer.body.includes(Buffer.from(transactionId))).toBe(true);
    }
  });
});

describe('the signing time of a SCEP message', () => {
  it('is refused where it is no time', async () => {
    const attributes = [attribute(cmsIds.signingTime, printableString('yesterday'))];
    const answer = await scep.pkiOperation(await makeUnusual({ attributes }));
    await expectFailure(
      test,
      { answer, reply: readCertRep(answer.body, rsaKey) },
      { ...badRequest, says: 'signing time' },
    );
  });

  const late = { failInfo: 'badTime', code: 'stale-message' } as const;

  it.each([
    ['fleet', 86_400],
    ['strict', 300],
  ])('may differ from the gateway’s at policy %s by %d seconds', async (label, tolerance) => {
    const client = createScepClient(test, { label });
    for (const seconds of [-tolerance - 2, tolerance + 2]) {
      const signingTime = new Date(clock.now().getTime() + seconds * 1000);
      const outcome = await client.enroll({ key: newKey(), challenge: fleetPasscode, message: { signingTime } });
      await expectFailure(test, outcome, { ...late, says: signingTime.toISOString().slice(0, 19) });
    }
    for (const seconds of [-tolerance + 2, tolerance - 2]) {
      const signingTime = new Date(clock.now().getTime() + seconds * 1000);
      const outcome = await client.enroll({ key: newKey(), challenge: 'wrong-passcode', message: { signingTime } });
      await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'bad-secret' });
    }
    client.close();
  });
});

/** What a refusal may be: a sentence with 400, or a FAILURE that is well-formed and signed. */
async function expectAnyRefusal(answer: Answer): Promise<string> {
  const event = await eventOf(test, answer);
  expect(event).toMatchObject({
    action: 'request.refused',
    outcome: 'refused',
    code: expect.not.stringMatching(/internal/),
  });
  if (answer.status === 400) {
    expect(answer.text).toMatch(/^[^\n\p{Cc}]{10,300}\n$/u);
    return '400';
  }
  const reply = readCertRep(answer.body, rsaKey);
  expect({ status: answer.status, pkiStatus: reply.pkiStatus }).toEqual({ status: 200, pkiStatus: 'FAILURE' });
  expect(reply.signer.isValid).toBe(true);
  return reply.failInfo ?? '';
}

describe('a SCEP message that was changed on its way', () => {
  it('in any bit, is refused', async () => {
    const numbers = pseudoRandom();
    const outcomes = new Set<string>();
    for (let i = 0; i < 120; i++) {
      const flipped = Uint8Array.from(good);
      const bit = numbers.next().value % (good.length * 8);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      outcomes.add(await expectAnyRefusal(await scep.pkiOperation(flipped)));
    }
    nextMinute();
    expect([...outcomes].toSorted()).toEqual(expect.arrayContaining(['400', 'badMessageCheck']));
  });

  it('with random octets anywhere, is refused', async () => {
    const numbers = pseudoRandom();
    for (let i = 0; i < 80; i++) {
      const spoilt = Buffer.from(good);
      const at = numbers.next().value % good.length;
      randomBytes(1 + (numbers.next().value % 8)).copy(spoilt, at);
      // Of one octet, one in 256 is what was there.
      if (spoilt.equals(good)) continue;
      await expectAnyRefusal(await scep.pkiOperation(spoilt, i % 3 === 0 ? 'GET' : 'POST'));
    }
    nextMinute();
  });
});

function nested(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let i = 0; i < depth; i++) inner = sequence(inner);
  return inner;
}

/** A message like any other, but for the number of its signers or its signed attributes. */
async function makeUnusual({ signers = 1, attributes = [] }: Unusual): Promise<Uint8Array> {
  const { certificate, privateKey } = another;
  const recipient = (await scep.getCaCert()).ra.raw;
  const content = makeEnvelope({ content: makeCsr({ key: rsaKey }), recipient }, derWriter);
  const signed = [
    attribute(cmsIds.contentType, oid(cmsIds.data)),
    attribute(cmsIds.messageDigest, octetString(hash('sha256', content, 'buffer'))),
    attribute(scepAttributes.transactionId, printableString('unusual')),
    attribute(scepAttributes.messageType, printableString('19')),
    attribute(scepAttributes.senderNonce, octetString(randomBytes(16))),
    ...attributes,
  ].toSorted(Buffer.compare);
  const digest = sequence(oid(digestIds.sha256), nullValue);
  const signerInfo = sequence(
    smallInteger(1),
    issuerAndSerialNumber(certificate),
    digest,
    tlv(Tag.context(0), ...signed),
    sequence(oid(rsaEncryption), nullValue),
    octetString(sign('sha256', setOf(...signed), privateKey)),
  );
  const signedData = sequence(
    smallInteger(1),
    setOf(digest),
    sequence(oid(cmsIds.data), tlv(Tag.context(0), octetString(content))),
    tlv(Tag.context(0), certificate),
    setOf(...Array.from({ length: signers }, () => signerInfo)),
  );
  return sequence(oid(cmsIds.signedData), tlv(Tag.context(0), signedData));
}

interface Unusual {
  readonly signers?: number;
  readonly attributes?: readonly Uint8Array[];
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}
