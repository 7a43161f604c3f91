/** What is no fault of the client: systemFailure, systemUnavail, and answers that cannot be protected (RFC 9483 3.6.4). */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { createLog } from '../../../src/log.js';
import { sequence } from '../../../src/x509/der-writer.js';
import type { CmpClient } from '../../support/cmp/client.js';
import type { SentMessage } from '../../support/cmp/message.js';
import { type CmpOutcome, issuedBy, outcomeOf } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { authority, byMac, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import type { Answer } from '../../support/est-client.js';
import { newKey } from '../../support/make-csr.js';
import { countRecords, eventOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
const lines: string[] = [];
let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  const log = createLog('trace', { write: (line) => lines.push(line) });
  test = await startCmpFleet({ clock, log });
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  // The gateway makes its key, and certifies it.
  await client.genm('caCerts', undefined, { credential: signedBy(vendor.device('O=Vendor,CN=first')) });
});
afterAll(async () => {
  client.close();
  await test.close();
});

function logOf({ requestId }: Answer) {
  return lines.filter((line) => line.includes(requestId)).map((line) => JSON.parse(line));
}

async function change(sql: string): Promise<void> {
  await test.gateway.core.store.commit({ statements: [{ sql, parameters: [] }], audit: [] });
}

/** The answer to the same octets once more. */
async function again(sent: SentMessage): Promise<CmpOutcome> {
  const answer = await client.send(sent.der);
  return outcomeOf({ sent, earlier: [], certReqId: 0, answer, message: readMessage(answer.body) });
}

describe('A failure inside of the gateway', () => {
  it('is systemFailure, in the body that fits; its cause is in the log alone, and a repeat gets the certificate', async () => {
    await change(
      `create trigger broken before insert on cmp_transaction begin select raise(abort, 'secret cause'); end`,
    );
    const before = await countRecords(test);
    const wish = { key: newKey(), subject: 'CN=failure' };
    const outcome = await client.ir(wish);
    const { status, body, pkiStatus, failInfo, answer, sent } = outcome;
    expect([status, body?.type, pkiStatus, failInfo]).toEqual([200, 'ip', 'rejection', ['systemFailure']]);
    expect(outcome.statusString).toContain('its operator finds the cause in the log');
    expect(answer.text).not.toContain('secret cause');
    const [line] = logOf(answer).filter(({ msg }) => msg === 'request failed');
    expect(line).toMatchObject({ level: 'error', protocol: 'cmp', status: 200 });
    expect(JSON.stringify(line)).toContain('secret cause');
    expect(await countRecords(test)).toEqual(before);
    await change('drop trigger broken');
    expect(issuedBy(await again(sent)).subject).toBe('CN=failure');
  });

  it('is systemUnavail where the database is busy, and a repeat gets the certificate', async () => {
    const other = new SqliteDatabase(test.settings.database);
    other.exec('begin immediate');
    const outcome = await client.ir({ key: newKey(), subject: 'CN=busy' });
    other.exec('rollback');
    other.close();
    const { status, body, pkiStatus, failInfo, answer } = outcome;
    expect([status, body?.type, pkiStatus, failInfo]).toEqual([200, 'ip', 'rejection', ['systemUnavail']]);
    expect(outcome.statusString).toContain('try again later');
    expect(logOf(answer)).toContainEqual(expect.objectContaining({ level: 'error', msg: 'request failed' }));
    expect(issuedBy(await again(outcome.sent)).subject).toBe('CN=busy');
  });
});

describe('An answer that the gateway cannot sign', () => {
  // Under another name a sealed key cannot be opened.
  const losing = `update "key" set id = 'lost-' || id where purpose like 'service:cmp:%'`;
  const finding = `update "key" set id = substr(id, 6) where id like 'lost-%'`;

  beforeEach(async () => {
    await change(losing);
    // Until then it is used as it was read.
    clock.advance(61);
  });
  afterEach(() => change(finding));

  const bySignature = (name: string) => ({ credential: signedBy(vendor.device(`O=Vendor,CN=${name}`)) });
  const unprotected = { unchecked: ['protection'] } as const;

  /** Expects an error message without protection, and the cause in the log. */
  function expectUnprotected({ status, body, failInfo, answer, message }: CmpOutcome, expected: string): void {
    expect([status, body?.type, failInfo]).toEqual([200, 'error', [expected]]);
    expect(answer.headers['content-type']).toBe('application/pkixcmp');
    const { protection, extraCerts, header } = message ?? {};
    expect({ protection, extraCerts }).toEqual({ protection: undefined, extraCerts: [] });
    expect([header?.protectionAlg, header?.senderKid, header?.generalInfo]).toEqual([undefined, undefined, []]);
    expect(header?.sender).toEqual(Buffer.of(0xa4, 2, 0x30, 0));
    const [line] = logOf(answer).filter(({ msg }) => msg === 'request failed');
    expect(line).toMatchObject({ level: 'error', status: 200 });
    expect(JSON.stringify(line)).toContain('lost-');
    expect(answer.text).not.toContain('lost-');
  }

  it('is systemFailure without protection; a certificate that was issued is there for a repeat', async () => {
    const before = await countRecords(test);
    const wish = { key: newKey(), subject: 'CN=signed', ...bySignature('signed') };
    const outcome = await client.ir({ ...wish, ...unprotected });
    expectUnprotected(outcome, 'systemFailure');
    expect(outcome.statusString).toContain('its operator finds the cause in the log');
    expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'certificate.issued' });
    const issued = await countRecords(test);
    expect(issued).toEqual({ ...before, certificates: before.certificates + 1, devices: before.devices + 1 });
    await change(finding);
    const repeated = await again(outcome.sent);
    expect(issuedBy(repeated).subject).toBe('CN=signed');
    // Whoever has seen the error does not know the nonce that the certConf has to give back.
    expect(repeated.message?.header.senderNonce).not.toEqual(outcome.message?.header.senderNonce);
    expect(await countRecords(test)).toEqual(issued);
    expect((await client.confirm(repeated, { credential: wish.credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('has the refusal that the client was to get', async () => {
    const damaged = { kind: 'signature', isDamaged: true } as const;
    const wish = { key: newKey(), subject: 'CN=refused', possession: damaged, ...bySignature('refused') };
    const outcome = await client.ir({ ...wish, ...unprotected });
    expectUnprotected(outcome, 'badPOP');
    expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'request.refused' });
    const stranger = { credential: { ...byMac, secret: 'another secret' } };
    expectUnprotected(await client.ir({ key: newKey(), ...stranger, ...unprotected }), 'badMessageCheck');
    expectUnprotected(
      await client.genm('caCerts', undefined, { credential: { kind: 'none' }, ...unprotected }),
      'badMessageCheck',
    );
  });

  it('has the refusal of what is malformed, too', async () => {
    const { der } = client.makeRequest('ir', { key: newKey() });
    const answer = await client.send(Buffer.concat([der, Buffer.of(0)]));
    expect(answer.status).toBe(200);
    const { body, protection } = readMessage(answer.body);
    expect(body).toMatchObject({ type: 'error', status: { failInfo: ['badDataFormat'] } });
    expect(protection).toBeUndefined();
  });

  it('is none that a MAC protects', async () => {
    const outcome = await client.ir({ key: newKey(), subject: 'CN=by-mac' });
    expect([outcome.pkiStatus, issuedBy(outcome).subject]).toEqual(['accepted', 'CN=by-mac']);
  });

  it('in a batch stands for one message, and around it for all', async () => {
    const inner = [
      client.makeRequest('ir', { key: newKey(), subject: 'CN=batch-1' }),
      client.makeRequest('ir', { key: newKey(), subject: 'CN=batch-2', ...bySignature('batch-2') }),
    ];
    const outcome = await client.exchange('nested', sequence(...inner.map(({ der }) => der)), {
      credential: authority,
      ...unprotected,
    });
    expectUnprotected(outcome, 'systemFailure');
    const before = await countRecords(test);
    await change(finding);
    for (const [i, one] of inner.entries()) expect(issuedBy(await again(one)).subject).toBe(`CN=batch-${i + 1}`);
    expect(await countRecords(test)).toEqual(before);
  });
});
