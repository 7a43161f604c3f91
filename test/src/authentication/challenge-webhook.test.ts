import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { askChallengeWebhook, type ChallengeQuestion } from '../../../src/authentication/challenge-webhook.js';
import { GatewayError } from '../../../src/errors.js';
import type { ChallengeWebhook } from '../../../src/model/authentication-policy.js';
import { createOutboundClient } from '../../../src/outbound/outbound-client.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { makeCsr } from '../../support/make-csr.js';
import { type LocalServer, listenPlain, listenTls, otherCaPem, readText, testCaPem } from '../outbound/local-server.js';

const at = new Date('2026-05-04T03:02:01.987Z');
const dependencies = { outbound: createOutboundClient(), now: () => at };
const certificationRequest = makeCsr();
const question: ChallengeQuestion = {
  policy: 'phones',
  group: 'berlin',
  transactionId: 'A1B2',
  challenge: 'pässword "1"',
  subject: 'CN=device-1,O=Acme',
  subjectAltNames: [{ type: 'dns', value: 'device-1.example' }],
  certificationRequest,
  remoteAddress: '192.0.2.7',
  requestId: '0198-1',
};

const directory = mkdtempSync(join(tmpdir(), 'challenge-webhook-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const open: LocalServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

/** A webhook at a server of the test's. */
async function webhookAt(
  listener: RequestListener,
  settings: Partial<ChallengeWebhook> & { readonly names?: readonly string[] } = {},
): Promise<ChallengeWebhook> {
  const { names, ...more } = settings;
  const server = await (names ? listenTls(listener, { names }) : listenPlain(listener));
  open.push(server);
  const url = names ? `https://localhost:${server.port}/check` : `http://127.0.0.1:${server.port}/check?token=secret`;
  return { url, timeout: 1, allowedNetworks: ['127.0.0.0/8'], ...more };
}

function answering(body: unknown, status = 200): RequestListener {
  return (_request, response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' }).end(text);
  };
}

async function refusalOf(work: Promise<unknown>): Promise<GatewayError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((done) => setTimeout(done, 5));
}

function causeOf({ cause }: GatewayError): string {
  return typeof cause === 'string' ? cause : '';
}

describe('the question of the challenge webhook', () => {
  it('is a POST of JSON with the decoded request', async () => {
    let seen: { method?: string; url?: string; type?: string; body: unknown } | undefined;
    const webhook = await webhookAt(async (request, response) => {
      const { method = '', url = '', headers } = request;
      seen = { method, url, type: headers['content-type'] ?? '', body: JSON.parse(await readText(request)) };
      response.end('{"allow":true}');
    });
    await askChallengeWebhook(webhook, question, dependencies);
    expect(seen).toEqual({
      method: 'POST',
      url: '/check?token=secret',
      type: 'application/json',
      body: {
        type: 'scep.challenge',
        policy: 'phones',
        group: 'berlin',
        transactionId: 'A1B2',
        challenge: 'pässword "1"',
        subject: 'CN=device-1,O=Acme',
        subjectAltNames: [{ type: 'dns', value: 'device-1.example' }],
        certificationRequest: Buffer.from(certificationRequest).toString('base64'),
        remoteAddress: '192.0.2.7',
        requestId: '0198-1',
        at: '2026-05-04T03:02:01.987Z',
      },
    });
  });

  it('has every type of alternative name as text, and leaves out what is not known', async () => {
    let body = '';
    const webhook = await webhookAt(async (request, response) => {
      body = await readText(request);
      response.end('{"allow":true}');
    });
    const { policy, challenge, subject, remoteAddress, requestId } = question;
    const subjectAltNames = [
      { type: 'uri', value: 'urn:a:b' },
      { type: 'ip', value: '2001:db8::1' },
      { type: 'directoryName', value: encodeName(parseName('CN=a:b')) },
      { type: 'otherName', typeId: '1.3.6.1.4.1.311.20.2.3', value: Uint8Array.of(12, 1, 97) },
    ] as const;
    const bare = { policy, challenge, subject, subjectAltNames, remoteAddress, requestId };
    await askChallengeWebhook(webhook, bare, dependencies);
    expect(JSON.parse(body)).toEqual({
      type: 'scep.challenge',
      ...bare,
      subjectAltNames: [
        { type: 'uri', value: 'urn:a:b' },
        { type: 'ip', value: '2001:db8::1' },
        { type: 'directoryName', value: 'CN=a:b' },
        { type: 'otherName', value: '1.3.6.1.4.1.311.20.2.3:0c0161' },
      ],
      at: at.toISOString(),
    });
  });

  it('is not asked for names that cannot be read', async () => {
    const webhook = await webhookAt(answering({ allow: true }));
    const subjectAltNames = [{ type: 'directoryName', value: Uint8Array.of(1) }] as const;
    const refusal = await refusalOf(askChallengeWebhook(webhook, { ...question, subjectAltNames }, dependencies));
    expect(refusal.code).toBe('malformed-request');
    expect(open[0]?.connections()).toBe(0);
  });

  it.each([
    ['as it is', 's3cret'],
    ['without the line break at its end', 's3cret\n'],
    ['without the line break at its end', 's3cret\r\n'],
  ])('is signed with the key in the secret file, %s', async (_kind, content) => {
    let verified: unknown;
    const listener: RequestListener = async (request, response) => {
      const body = await readText(request);
      const [, time, code] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['x-gatehouse-signature'])) ?? [];
      const expected = createHmac('sha256', 's3cret').update(`${time}.${body}`).digest('hex');
      verified = { time, isGood: code === expected };
      response.end('{"allow":true}');
    };
    const webhook = await webhookAt(listener, { secretFile: file('secret', content) });
    await askChallengeWebhook(webhook, question, dependencies);
    expect(verified).toEqual({ time: String(Math.floor(at.getTime() / 1000)), isGood: true });
  });

  it('has no signature without a secret file', async () => {
    let signature: unknown = 'none seen';
    const webhook = await webhookAt((request, response) => {
      signature = request.headers['x-gatehouse-signature'];
      response.end('{"allow":true}');
    });
    await askChallengeWebhook(webhook, question, dependencies);
    expect(signature).toBeUndefined();
  });

  it('is signed with the secret of now, when the file has been replaced', async () => {
    const signatures: unknown[] = [];
    const listener: RequestListener = (request, response) => {
      signatures.push(request.headers['x-gatehouse-signature']);
      response.end('{"allow":true}');
    };
    const webhook = await webhookAt(listener, { secretFile: file('replaced', 'one') });
    await askChallengeWebhook(webhook, question, dependencies);
    file('replaced', 'two');
    await askChallengeWebhook(webhook, question, dependencies);
    expect(new Set(signatures).size).toBe(2);
  });
});

describe('the answer of the challenge webhook', () => {
  it.each([
    ['allows', { allow: true }, { allowed: true }],
    ['allows, with more than anybody asked for', { allow: true, reason: 'known', data: {} }, { allowed: true }],
    ['denies', { allow: false }, { allowed: false }],
    ['denies with a reason', { allow: false, reason: 'not enrolled' }, { allowed: false, reason: 'not enrolled' }],
  ])('%s', async (_kind, answer, verdict) => {
    expect(await askChallengeWebhook(await webhookAt(answering(answer)), question, dependencies)).toEqual(verdict);
  });

  it('has its reason cut, and made fit for a log', async () => {
    const webhook = await webhookAt(answering({ allow: false, reason: `a\nb\u202e${'x'.repeat(1000)}` }));
    const verdict = await askChallengeWebhook(webhook, question, dependencies);
    expect(verdict).toEqual({ allowed: false, reason: `a?b?${'x'.repeat(196)}` });
  });

  it.each([
    ['another status', answering({ allow: true }, 201), 'the challenge webhook answered with HTTP status 201'],
    ['a refusal', answering({ allow: true }, 403), 'the challenge webhook answered with HTTP status 403'],
    ['trouble', answering({ allow: true }, 500), 'the challenge webhook answered with HTTP status 500'],
    ['a redirect', answering({ allow: true }, 307), 'the challenge webhook answered with HTTP status 307'],
  ])('is no answer with %s', async (_kind, listener, cause) => {
    const refusal = await refusalOf(askChallengeWebhook(await webhookAt(listener), question, dependencies));
    expect([refusal.code, causeOf(refusal), open[0]?.connections()]).toEqual(['unavailable', cause, 1]);
    expect(refusal.message).toBe('the challenge cannot be checked at the moment; try again later');
    expect(refusal.retryAfterSeconds).toBe(30);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'true, as far as I know'],
    ['a part of JSON', '{"allow":true'],
    ['JSON of another form', '["allow"]'],
    ['only true', 'true'],
    ['null', 'null'],
    ['no verdict', '{"reason":"?"}'],
    ['a verdict in text', '{"allow":"true"}'],
    ['a verdict as number', '{"allow":1}'],
    ['a verdict of another spelling', '{"Allow":true}'],
  ])('is no answer with %s', async (_kind, text) => {
    const refusal = await refusalOf(askChallengeWebhook(await webhookAt(answering(text)), question, dependencies));
    const cause = 'the challenge webhook answered with something else than {"allow": true or false}';
    expect([refusal.code, causeOf(refusal)]).toEqual(['unavailable', cause]);
  });

  it('is no answer beyond 64 KiB', async () => {
    const webhook = await webhookAt(answering({ allow: true, reason: 'x'.repeat(65_536) }));
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect([refusal.code, causeOf(refusal)]).toEqual([
      'unavailable',
      expect.stringMatching(/is longer than 65536 bytes$/),
    ]);
  });

  it('is no answer after the time limit, not even one that has begun', async () => {
    const webhook = await webhookAt((_request, response) => void response.write('{"allow":true'), { timeout: 0.1 });
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect(refusal.code).toBe('unavailable');
    expect(causeOf(refusal)).toMatch(/gave no whole answer within 0.1 s$/);
  });

  it('never comes from loopback where that is not allowed, and the cause tells no secret of the URL', async () => {
    const webhook = await webhookAt(answering({ allow: true }), { allowedNetworks: [] });
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect(refusal.code).toBe('unavailable');
    expect(causeOf(refusal)).toMatch(/^127\.0\.0\.1:\d+ is at 127\.0\.0\.1, where outbound requests may not go$/);
    expect(open[0]?.connections()).toBe(0);
  });
});

describe('TLS of the challenge webhook', () => {
  const names = ['dns:localhost'];

  it('takes a certificate of the CA in the CA file', async () => {
    const webhook = await webhookAt(answering({ allow: true }), { names, caFile: file('ca.pem', testCaPem) });
    expect(await askChallengeWebhook(webhook, question, dependencies)).toEqual({ allowed: true });
  });

  it.each([
    ['another CA', { names, caFile: file('other.pem', otherCaPem) }],
    ['no CA that Node trusts', { names }],
    ['another host name', { names: ['dns:other.example'], caFile: file('ca.pem', testCaPem) }],
  ])('refuses a certificate of %s, and asks nothing', async (_kind, settings) => {
    let isAsked = false;
    const webhook = await webhookAt(() => {
      isAsked = true;
    }, settings);
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect([refusal.code, isAsked]).toEqual(['unavailable', false]);
    expect(causeOf(refusal)).toMatch(/^no TLS connection with localhost:/);
  });
});

describe('what keeps the challenge webhook from being asked', () => {
  it.each([
    ['a secret file that is missing', () => ({ secretFile: join(directory, 'missing') }), /ENOENT/],
    ['a secret file that is empty', () => ({ secretFile: file('empty', '\n') }), /empty is empty$/],
    ['a CA file that is missing', () => ({ caFile: join(directory, 'missing') }), /ENOENT/],
    ['a CA file without certificates', () => ({ caFile: file('none.pem', 'none') }), /has no certificate in PEM$/],
  ])('is %s', async (_kind, settings, cause) => {
    const webhook = await webhookAt(answering({ allow: true }), settings());
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect(refusal.code).toBe('unavailable');
    expect(causeOf(refusal)).toMatch(cause);
    expect(open[0]?.connections()).toBe(0);
  });

  it('is a crowd: 64 questions wait at most, the next one is refused at once', async () => {
    const waiting: (() => void)[] = [];
    const webhook = await webhookAt((_request, response) => {
      waiting.push(() => response.end('{"allow":true}'));
    });
    const asked = Array.from({ length: 64 }, () => askChallengeWebhook(webhook, question, dependencies));
    const refusal = await refusalOf(askChallengeWebhook(webhook, question, dependencies));
    expect([refusal.code, refusal.retryAfterSeconds]).toEqual(['unavailable', 5]);
    // Somebody else's webhook is not kept waiting by it.
    const other = await webhookAt(answering({ allow: true }));
    expect(await askChallengeWebhook(other, question, dependencies)).toEqual({ allowed: true });
    await eventually(() => waiting.length === 64);
    for (const answer of waiting.splice(0)) answer();
    expect(await Promise.all(asked)).toEqual(asked.map(() => ({ allowed: true })));

    const next = askChallengeWebhook(webhook, question, dependencies);
    await eventually(() => waiting.length === 1);
    waiting[0]?.();
    expect(await next).toEqual({ allowed: true });
  });
});
