/** The recorded conversations of fixtures/cmp, and gateways that their messages are sent to again. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { problemsOf } from './cmp/check.js';
import { createExchange } from './cmp/exchange.js';
import { isMac } from './cmp/macs.js';
import type { CmpCredential, SentMessage } from './cmp/message.js';
import { type CmpOutcome, outcomeOf } from './cmp/outcome.js';
import { type CmpMessage, readMessage } from './cmp/read-message.js';
import { peerOf } from './cmp-client.js';
import { newKey } from './make-csr.js';
import { createTestClock } from './test-clock.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

const root = 'fixtures/cmp';

/** A gateway with the configuration and the time of a set of recordings; its CA keys are others. */
export async function startRecordedGateway(folder = 'gateway'): Promise<TestGateway> {
  return await startTestGateway({
    configuration: readFileSync(`${root}/${folder}/configuration.yaml`, 'utf8'),
    clock: createTestClock(recordingTime(folder)),
  });
}

export function recordingTime(folder: string): Date {
  return new Date(readFileSync(`${root}/${folder}/clock.txt`, 'utf8').trim());
}

export function recordedCertificate(name: string): X509Certificate {
  return new X509Certificate(readFileSync(`${root}/${name}`));
}

export interface RecordedConversation {
  /** In their order. */
  readonly messages: readonly CmpMessage[];
  /** What opens an answer, or signs what follows. */
  readonly key?: KeyObject;
}

export function recordedConversation(name: string): RecordedConversation {
  const folder = `${root}/${name}`;
  const files = readdirSync(folder).filter((file) => file.endsWith('.der'));
  const key = `${folder}/key.pem`;
  return {
    messages: files.sort().map((file) => readMessage(readFileSync(`${folder}/${file}`))),
    ...(existsSync(key) && { key: createPrivateKey(readFileSync(key)) }),
  };
}

export function recordedMessage(name: string): CmpMessage {
  return readMessage(readFileSync(`${root}/${name}.der`));
}

/** By their references. */
export const recordedSecrets = { recorded: 'recorded-secret', 'recorded-gmac': '16-octets-of-key' } as const;

/** What a message is protected with. Without its key a certificate only says that answers are to be signed. */
export function credentialOf({ header, extraCerts }: CmpMessage, key?: KeyObject): CmpCredential {
  const { protectionAlg, senderKid } = header;
  if (protectionAlg === undefined) return { kind: 'none' };
  const privateKey = key ?? newKey().privateKey;
  if (!isMac(protectionAlg)) return { kind: 'certificate', chain: extraCerts.map(({ raw }) => raw), privateKey };
  const reference = senderKid?.toString() ?? '';
  const [, secret = ''] = Object.entries(recordedSecrets).find(([name]) => name === reference) ?? [];
  return { kind: 'mac', reference, secret };
}

/** A message as its sender knows it, to hold the answer against. */
export function sentOf(message: CmpMessage, credential = credentialOf(message)): SentMessage {
  const { pvno, sender, transactionId, senderNonce } = message.header;
  return { der: message.der, bodyType: message.body.type, pvno, sender, transactionId, senderNonce, credential };
}

interface ReplayOptions {
  readonly label?: string;
  readonly credential?: CmpCredential;
}

/** Sends the first message of a conversation. @throws Error for an answer that its sender should not take */
export async function replay(
  test: TestGateway,
  message: CmpMessage,
  { label = 'recorded', credential = credentialOf(message) }: ReplayOptions = {},
): Promise<CmpOutcome> {
  const { body } = message;
  const inner = body.type === 'nested' ? body.messages.map((one) => sentOf(one)) : [];
  const exchange = createExchange(peerOf(test, { path: `/cmp/${label}` }));
  try {
    return await exchange.deliver(sentOf(message, credential), {}, body.type === 'p10cr' ? -1 : 0, inner);
  } finally {
    exchange.close();
  }
}

/** A recorded answer as what came of its request. */
export function recordedOutcome(request: CmpMessage, answer: CmpMessage): CmpOutcome {
  return outcomeOf({
    sent: sentOf(request),
    earlier: [],
    certReqId: 0,
    answer: { status: 200, headers: {}, body: answer.der, text: '', requestId: '' },
    message: answer,
  });
}

/** Why the client of a recording should not have taken an answer. */
export function recordedProblems(request: CmpMessage, answer: CmpMessage, folder: string): string[] {
  return problemsOf(answer, {
    sent: sentOf(request),
    trustAnchors: [recordedCertificate(`${folder}/root.pem`)],
    now: recordingTime(folder),
    seenNonces: new Set(),
    unchecked: [],
  });
}
