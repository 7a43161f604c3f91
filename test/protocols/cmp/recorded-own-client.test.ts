/** What the independent client of test/support/cmp sent, recorded: features that openssl lacks. */
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { sequence } from '../../../src/x509/der-writer.js';
import { oidOf, partsOf } from '../../support/asn1-values.js';
import { certStatus, challengeAnswers } from '../../support/cmp/bodies.js';
import { answersTo } from '../../support/cmp/challenges.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { type MacWish, macIdentifier } from '../../support/cmp/macs.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { createPeerClient } from '../../support/cmp/peer-client.js';
import type { CmpMessage } from '../../support/cmp/read-message.js';
import { type SignatureName, signatureIdentifier } from '../../support/cmp/signatures.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  credentialOf,
  type RecordedConversation,
  recordedCertificate,
  recordedConversation,
  recordedOutcome,
  recordedProblems,
  recordedSecrets,
  recordingTime,
  replay,
  startRecordedGateway,
} from '../../support/cmp-recordings.js';
import type { TestGateway } from '../../support/test-gateway.js';

const folder = 'own-client';
const gateway = `${folder}/gateway`;

let test: TestGateway;
beforeAll(async () => {
  test = await startRecordedGateway(gateway);
});
afterAll(() => test.close());

/** The certificate of an answer. */
type Opening = (outcome: CmpOutcome, client: CmpClient, key: KeyObject | undefined) => X509Certificate;

const plain: Opening = (outcome) => issuedBy(outcome);

const encrypted: Opening = (outcome, client, key) => {
  expect(outcome.certificate).toBeUndefined();
  const certificate = client.openCertificate(outcome, { privateKey: present(key) });
  expect(publicKeyIn(certificate)).toEqual(createPublicKey(present(key)).export({ type: 'spki', format: 'der' }));
  return certificate;
};

// RFC 5652 6.1; the vendor's certificates have no SubjectKeyIdentifier.
const envelopeVersions = { ktri: 0, kari: 2, pwri: 3 } as const;

/** With its key, which the gateway has made. */
const central =
  (recipient: 'kari' | 'ktri' | 'pwri'): Opening =>
  (outcome, client, key) => {
    const delivered = client.openKey(outcome, key ? { privateKey: key } : { secret: recordedSecrets.recorded });
    expect(delivered.envelope).toMatchObject({ recipient, version: envelopeVersions[recipient] });
    const made = createPublicKey(delivered.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const certificate = issuedBy(outcome);
    expect(publicKeyIn(certificate)).toEqual(made.export({ type: 'spki', format: 'der' }));
    return certificate;
  };

const byMac = (wish: MacWish) => algorithmIn(macIdentifier(wish));
const bySignature = (name: SignatureName) => algorithmIn(signatureIdentifier(name));
const pbmac1 = byMac({ type: 'pbmac1' });

const enrollments: readonly (readonly [name: string, subject: string, answeredBy: string, open: Opening])[] = [
  ['pbmac1', 'CN=by-pbmac1', pbmac1, plain],
  ['kmac', 'CN=by-kmac', byMac({ type: 'kmac', strength: 256 }), plain],
  ['gmac', 'CN=by-gmac', byMac({ type: 'gmac', keyBits: 128 }), plain],
  // The gateway's own key is an EC key.
  ['ecdsa-sha3', 'CN=by-signature', bySignature('ecdsa-sha3-256'), plain],
  ['ecdsa-shake', 'CN=by-signature', bySignature('ecdsa-shake128'), plain],
  ['rsa-sha3', 'CN=by-signature', bySignature('ecdsa-sha256'), plain],
  ['rsa-pss-shake', 'CN=by-signature', bySignature('ecdsa-sha256'), plain],
  ['nested-added-protection', 'CN=behind-ra', pbmac1, plain],
  ['central-key-kari', 'CN=central', bySignature('ecdsa-sha256'), central('kari')],
  ['central-key-ktri', 'CN=central', bySignature('ecdsa-sha256'), central('ktri')],
  ['central-key-pwri', 'CN=central', pbmac1, central('pwri')],
  ['encrcert-rsa', 'CN=reader', pbmac1, encrypted],
  ['encrcert-ec', 'CN=reader', pbmac1, encrypted],
  ['encrcert-x25519', 'CN=reader', pbmac1, encrypted],
];

describe('Recorded enrollments', () => {
  it.each(enrollments)('%s: the recorded answers are good, and open', (name, subject, answeredBy, open) => {
    const { messages, key } = recordedConversation(`${folder}/${name}`);
    const [outer, answer, certConf, pkiconf] = four(messages);
    const request = insideOf(outer);
    expect(recordedProblems(request, answer, gateway)).toEqual([]);
    expect(recordedProblems(certConf, pkiconf, gateway)).toEqual([]);
    expect(algorithmOf(answer)).toBe(answeredBy);
    const certificate = open(recordedOutcome(request, answer), offlineClient(), key);
    expect(certificate.subject).toBe(subject);
    expect(certConf.body).toEqual({ type: 'certConf', content: Buffer.from(sequence(certStatus(certificate.raw))) });
  });

  it.each(enrollments)('%s is answered so again, and goes on to its end', async (name, subject, answeredBy, open) => {
    const { messages, key } = recordedConversation(`${folder}/${name}`);
    const [outer] = four(messages);
    const outcome = await replay(test, outer);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted', isImplicitlyConfirmed: false });
    expect(algorithmOf(present(outcome.message))).toBe(answeredBy);
    const client = clientOf(insideOf(outer), key);
    const certificate = open(outcome, client, key);
    expect(certificate.subject).toBe(subject);
    expect((await client.confirm(outcome, { certificate, ...sameProtection(insideOf(outer)) })).body?.type).toBe(
      'pkiconf',
    );
    client.close();
  });
});

describe('Recorded challenges (RFC 9810 5.2.8.3.3)', () => {
  const names = ['challenge-rsa-version-2', 'challenge-ec'];

  it.each(names)('%s: the recorded number opens, and was given back', (name) => {
    const { messages, key } = recordedConversation(`${folder}/${name}`);
    const [request, popdecc, popdecr, ip, certConf, pkiconf] = six(messages);
    for (const [sent, answer] of [
      [request, popdecc],
      [popdecr, ip],
      [certConf, pkiconf],
    ] as const)
      expect(recordedProblems(sent, answer, gateway)).toEqual([]);
    const numbers = answersTo(recordedOutcome(request, popdecc), present(key));
    expect(popdecr.body).toEqual({ type: 'popdecr', content: Buffer.from(challengeAnswers(...numbers)) });
    const certificate = issuedBy(recordedOutcome(popdecr, ip));
    expect(certConf.body).toEqual({ type: 'certConf', content: Buffer.from(sequence(certStatus(certificate.raw))) });
  });

  it.each(names)('%s is challenged again, by another number', async (name) => {
    const { messages, key } = recordedConversation(`${folder}/${name}`);
    const [request, popdecc] = six(messages);
    const challenged = await replay(test, request);
    expect(challenged.body?.type).toBe('popdecc');
    expect(answersTo(challenged, present(key))).not.toEqual(answersTo(recordedOutcome(request, popdecc), present(key)));
    const client = clientOf(request, key);
    const outcome = await client.answerChallenges(challenged, present(key), sameProtection(request));
    expect(issuedBy(outcome).subject).toBe('CN=challenged');
    expect((await client.confirm(outcome, sameProtection(request))).body?.type).toBe('pkiconf');
    client.close();
  });
});

describe('A recorded batch (RFC 9483 5.2.2.2)', () => {
  it('has a good answer to each of its messages', () => {
    const { messages } = recordedConversation(`${folder}/nested-batch`);
    const [request, answer] = messages;
    expect(recordedProblems(present(request), present(answer), gateway)).toEqual([]);
    const [inner, answers] = [nestedIn(present(request)), nestedIn(present(answer))];
    const outcomes = inner.map((one, index) => {
      expect(recordedProblems(one, present(answers[index]), gateway)).toEqual([]);
      return recordedOutcome(one, present(answers[index]));
    });
    expect(outcomes.map(summaryOf)).toEqual(batchSummary);
  });

  it('is answered so again', async () => {
    const [request] = recordedConversation(`${folder}/nested-batch`).messages;
    const outcome = await replay(test, present(request));
    expect(outcome.body?.type).toBe('nested');
    expect(outcome.inner.map(summaryOf)).toEqual(batchSummary);
  });

  const batchSummary = [
    ['ip', 'accepted', [], 'CN=batch-1'],
    ['ip', 'accepted', [], 'CN=batch-2'],
    ['ip', 'rejection', ['badPOP'], undefined],
  ];
  const summaryOf = ({ body, pkiStatus, failInfo, certificate }: CmpOutcome) => [
    body?.type,
    pkiStatus,
    failInfo,
    certificate?.subject,
  ];
});

describe('A recorded agreeMAC (RFC 4211 4.3)', () => {
  it('was taken by the gateway of the recording, and proves nothing to one with another key', async () => {
    const { messages } = recordedConversation(`${folder}/agree-mac`);
    const [request, answer] = four(messages);
    expect(recordedProblems(request, answer, gateway)).toEqual([]);
    expect(issuedBy(recordedOutcome(request, answer)).subject).toBe('CN=by-signature');
    const outcome = await replay(test, request);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'rejection', failInfo: ['badPOP'] });
  });
});

/** Who opens what the recorded gateway said. */
function offlineClient(): CmpClient {
  return createPeerClient({
    origin: 'http://127.0.0.1:1',
    path: '/',
    trustAnchors: [recordedCertificate(`${gateway}/root.pem`)],
    now: () => recordingTime(gateway),
  });
}

/** Who goes on in place of the one that sent a recorded message. */
function clientOf(request: CmpMessage, key: RecordedConversation['key']): CmpClient {
  return createCmpClient(test, { path: '/cmp/recorded', credential: credentialOf(request, key) });
}

/** A conversation keeps its MAC algorithm (RFC 9483 3.2). */
function sameProtection({ header: { protectionAlg } }: CmpMessage) {
  return { header: { protectionAlg: present(protectionAlg) } };
}

/** The message inside of added protection. */
function insideOf(message: CmpMessage): CmpMessage {
  return message.body.type === 'nested' ? present(nestedIn(message)[0]) : message;
}

function nestedIn({ body }: CmpMessage): readonly CmpMessage[] {
  return body.type === 'nested' ? body.messages : [];
}

function algorithmOf({ header }: CmpMessage): string {
  return algorithmIn(present(header.protectionAlg));
}

function algorithmIn(identifier: Uint8Array): string {
  return oidOf(partsOf(fromBER(identifier).result)[0]);
}

function publicKeyIn({ publicKey }: X509Certificate): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

function four([a, b, c, d]: readonly CmpMessage[]) {
  return [present(a), present(b), present(c), present(d)] as const;
}

function six([a, b, c, d, e, f]: readonly CmpMessage[]) {
  return [present(a), present(b), present(c), present(d), present(e), present(f)] as const;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a recording without it');
  return value;
}
