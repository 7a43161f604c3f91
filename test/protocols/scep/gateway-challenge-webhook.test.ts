import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { decodeCertificationRequest } from '../../../src/x509/pkcs10.js';
import { createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey, spkiOf } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, expectRefused } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient } from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const questionSchema = z.looseObject({
  type: z.string(),
  policy: z.string(),
  transactionId: z.string(),
  challenge: z.string(),
  subject: z.string(),
  certificationRequest: z.base64(),
  requestId: z.string(),
});
type Question = z.output<typeof questionSchema>;

let test: TestGateway;
let server: Server;
let scep: ScepClient;
/** What the webhook was asked, and with which headers. */
let questions: (Question & { readonly signature: string; readonly text: string })[] = [];
let answerWith: (response: ServerResponse, question: Question) => void;

const webhookSecret = 'a secret of gateway and webhook';

beforeAll(async () => {
  server = createServer((incoming, response) => {
    readQuestion(incoming).then(
      (question) => answerWith(response, question),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  test = await startTestGateway({ configuration: fleet, settings: { failedAuthenticationsPerMinute: '10000' } });
  const secretFile = join(test.directory, 'webhook-secret');
  await writeFile(secretFile, `${webhookSecret}\n`);
  const webhook = (timeout: string) =>
    `{ url: "http://127.0.0.1:${port}/challenges", timeout: ${timeout}, secretFile: ${secretFile}, allowedNetworks: [127.0.0.0/8] }`;
  await applyYaml(
    test,
    `authenticationPolicies:
  - name: managed
    division: plant
    challengeWebhook: ${webhook('30s')}
    credentials: [{ kind: passcode, name: installer, secret: installer-passcode }]
  - { name: hasty, division: plant, challengeWebhook: ${webhook('1s')} }
  - { name: closed, division: plant, challengeWebhook: { url: "http://127.0.0.1:${port}/" } }
`,
  );
  await applyYaml(test, policyLike('managed', 'authenticationPolicy: managed'));
  await applyYaml(test, policyLike('hasty', 'authenticationPolicy: hasty'));
  await applyYaml(test, policyLike('closed', 'authenticationPolicy: closed'));
  await applyYaml(test, policyLike('waiting', 'authenticationPolicy: managed, approval: manual'));
  scep = createScepClient(test, { label: 'managed' });
});
beforeEach(() => {
  questions = [];
  answerWith = allow;
});
afterAll(async () => {
  scep.close();
  await test.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function readQuestion(incoming: IncomingMessage): Promise<Question> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const question = questionSchema.parse(JSON.parse(text));
  questions.push({ ...question, text, signature: String(incoming.headers['x-gatehouse-signature']) });
  return question;
}

const allow = (response: ServerResponse) => response.end('{"allow":true}');
const deny = (response: ServerResponse) => response.end('{"allow":false,"reason":"not in the inventory"}');

/** Nothing issued, nothing pending, and the client is told to come again. */
async function expectUnavailable(name: string, label: string): Promise<void> {
  const client = createScepClient(test, { label });
  const before = await countRecords(test);
  const { answer } = await client.enroll({ key: newKey(), subject: `CN=${name}`, challenge: 'from the management' });
  client.close();
  expect([answer.status, answer.text]).toEqual([503, expect.stringMatching(/^[^\n\p{Cc}]{10,300}\n$/u)]);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  // Its event is written behind the answer.
  await until(async () => (await eventOf(test, answer)) !== undefined);
  expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'unavailable' });
  expect(await countRecords(test)).toEqual(before);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100 && !(await isSo()); i++) await setTimeout(20);
}

describe('a SCEP challenge that a webhook decides on', () => {
  it('is put to it with the decoded request, signed, and opens the enrollment when it allows', async () => {
    const key = newKey();
    const alternatives = [{ type: 'dns', value: 'managed.example' }] as const;
    const wish = {
      key,
      subject: 'CN=managed,O=Plant',
      alternatives,
      challenge: 'from the management',
      transactionId: 'T-1',
    };
    const outcome = await scep.enroll(wish);
    expect(issuedBy(outcome).subjectAltName).toBe('DNS:managed.example');
    expect(questions).toHaveLength(1);
    const [question] = questions;
    expect(question).toMatchObject({
      type: 'scep.challenge',
      policy: 'managed',
      group: 'pumps',
      transactionId: 'T-1',
      challenge: 'from the management',
      subject: 'CN=managed,O=Plant',
      subjectAltNames: [{ type: 'dns', value: 'managed.example' }],
      remoteAddress: '127.0.0.1',
      requestId: outcome.answer.requestId,
    });
    const csr = decodeCertificationRequest(Buffer.from(question?.certificationRequest ?? '', 'base64'));
    expect(Buffer.from(csr.subjectPublicKeyInfo)).toEqual(Buffer.from(spkiOf(key)));
    const [, time = '', code = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(question?.signature ?? '') ?? [];
    expect(createHmac('sha256', webhookSecret).update(`${time}.${question?.text}`).digest('hex')).toBe(code);
    const event = await eventOf(test, outcome.answer);
    expect(event).toMatchObject({ action: 'certificate.issued' });
    expect(JSON.stringify(event)).not.toContain('from the management');
  });

  it('refuses when it denies, and tells the operator why but not the device', async () => {
    answerWith = deny;
    const before = await countRecords(test);
    const outcome = await scep.enroll({ key: newKey(), subject: 'CN=denied', challenge: 'unknown' });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'bad-secret', says: 'challenge' });
    expect(outcome.reply?.failInfoText).not.toContain('inventory');
    expect(JSON.stringify(await eventOf(test, outcome.answer))).toContain('not in the inventory');
    expect(await countRecords(test)).toEqual(before);
  });

  it.each<[string, (response: ServerResponse) => void, label?: string]>([
    ['is too slow', () => undefined, 'hasty'],
    ['has an error', (response) => response.writeHead(500).end('{"allow":true}')],
    ['says neither yes nor no', (response) => response.end('{"allow":"true"}')],
    ['says nothing', (response) => response.end()],
    ['sends elsewhere', (response) => response.writeHead(302, { location: '/challenges' }).end()],
    ['hangs up', (response) => response.destroy()],
  ])('is answered with 503 where the webhook %s', async (what, answer, label = 'managed') => {
    answerWith = answer;
    await expectUnavailable(`that ${what}`, label);
    expect(questions).toHaveLength(1);
  });

  it('is answered with 503 where the webhook is in a network that nobody allowed', async () => {
    await expectUnavailable('closed', 'closed');
    expect(questions).toEqual([]);
  });

  it('is asked for once by fifty repeats, and not again by a later repeat or a poll', async () => {
    const wish = { key: newKey(), subject: 'CN=fifty', challenge: 'one time' };
    const first = issuedBy(await scep.enroll(wish));
    expect(questions).toHaveLength(1);
    answerWith = deny;
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => scep.enroll(wish)));
    for (const outcome of outcomes) expect(issuedBy(outcome).serialNumber).toBe(first.serialNumber);
    expect(issuedBy(await scep.poll(wish)).serialNumber).toBe(first.serialNumber);
    expect(questions).toHaveLength(1);
  });

  it('is one transaction to the webhook also where fifty come at once', async () => {
    const wish = { key: newKey(), subject: 'CN=at once', challenge: 'one time', transactionId: 'T-50' };
    const before = await countRecords(test);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => scep.enroll(wish)));
    expect(new Set(outcomes.map((outcome) => issuedBy(outcome).serialNumber)).size).toBe(1);
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
    expect(new Set(questions.map(({ transactionId }) => transactionId))).toEqual(new Set(['T-50']));
  });

  it('is one question where the client sends its request again while the webhook thinks', async () => {
    answerWith = (response) => {
      void setTimeout(500).then(() => allow(response));
    };
    const wish = { key: newKey(), subject: 'CN=impatient', challenge: 'one time' };
    const [first, again] = await Promise.all([scep.enroll(wish), scep.enroll(wish)]);
    expect(issuedBy(again).serialNumber).toBe(issuedBy(first).serialNumber);
    expect(questions).toHaveLength(1);
  });

  it('is not put to it where it is a passcode of the policy', async () => {
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=with passcode', challenge: 'installer-passcode' }));
    expect(questions).toEqual([]);
  });

  it('is asked for once by a request that waits for approval, not by polls', async () => {
    const client = createScepClient(test, { label: 'waiting' });
    const wish = { key: newKey(), subject: 'CN=waiting', challenge: 'one time' };
    const { answer, reply } = await client.enroll(wish);
    expect(reply?.pkiStatus).toBe('PENDING');
    answerWith = deny;
    expect((await client.poll(wish)).reply?.pkiStatus).toBe('PENDING');
    await approveRequest(answer.requestId, by('alice'), test.gateway.core);
    expect(issuedBy(await client.poll(wish)).subject).toBe('CN=waiting');
    expect(questions).toHaveLength(1);
    client.close();
  });

  it('is not put to it by a renewal, nor by a message that is refused before', async () => {
    const key = newKey();
    const certificate = issuedBy(await scep.enroll({ key, subject: 'CN=renewing', challenge: 'one time' }));
    answerWith = deny;
    const identity = { chain: [certificate.raw], privateKey: key.privateKey };
    issuedBy(await scep.renew({ key: newKey(), subject: 'CN=renewing', identity, challenge: 'one time' }));
    const wish = { key: newKey(), subject: 'CN=bad', challenge: 'one time' };
    for (const damage of ['signature', 'encryptedKey'] as const) {
      expect((await scep.enroll({ ...wish, message: { damage } })).reply?.pkiStatus).toBe('FAILURE');
    }
    expect((await scep.enroll({ key: newKey(), subject: 'CN=none' })).reply?.pkiStatus).toBe('FAILURE');
    expect(questions).toHaveLength(1);
  });

  it('is no business of EST', async () => {
    const est = createEstClient(test, { label: 'managed', username: 'device', passcode: 'from the management' });
    const csr = makeCsr({ key: newKey(), subject: 'CN=by EST' });
    await expectRefused(test, await est.post('simpleenroll', csr), { status: 401, code: 'bad-secret' });
    expect(questions).toEqual([]);
    est.close();
  });
});
