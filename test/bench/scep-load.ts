/** SCEP PKCSReq (RFC 8894 3.3.1), each with an RSA-2048 key, device name and transaction of its own. */
import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { oid, printableString, sequence, setOf } from '../../src/x509/der-writer.js';
import { readCertRep } from '../support/cert-rep.js';
import { makeCsr } from '../support/make-csr.js';
import { scepAttributes } from '../support/scep-identifiers.js';
import { makePkiMessage, selfSigned } from '../support/scep-message.js';
import type { Load } from './load.js';
import type { ScepJob } from './load-job.js';
import { createRsaKeys } from './rsa-keys.js';
import { createSampledLoad } from './sampled-load.js';

interface Shot {
  readonly body: Uint8Array;
  readonly privateKey: KeyObject;
  readonly transactionId: string;
}

/** What an answer that issues has in its signed attributes. */
const success = Buffer.from(sequence(oid(scepAttributes.pkiStatus), setOf(printableString('0'))));
// One after the other for all jobs of this process: a key that another device has already would be refused.
const nextKey = createRsaKeys();

export function prepareScep({ target, requests, recipientPem, challenge }: ScepJob): Load {
  const recipient = new X509Certificate(recipientPem).raw;
  const run = randomBytes(4).toString('hex');
  const shots = Array.from({ length: requests }, (_, i) => prepareShot(`bench-${run}-${i}`, recipient, challenge));
  return createSampledLoad({
    target,
    contentType: 'application/x-pki-message',
    shots,
    bodyOf: ({ body }) => body,
    success,
    refusalIn,
    checkAnswer,
  });
}

function prepareShot(name: string, recipient: Uint8Array, challengePassword: string): Shot {
  const key = nextKey();
  const subject = `CN=${name}`;
  const signer = selfSigned(key, subject, new Date());
  const content = makeCsr({ key, subject, challengePassword });
  const body = makePkiMessage({ type: 'PKCSReq', content, recipient, signer, transactionId: name });
  return { body, privateKey: key.privateKey, transactionId: name };
}

function refusalIn(body: Buffer, { privateKey }: Shot): string {
  const { pkiStatus, failInfo, failInfoText } = readCertRep(body, { privateKey });
  return `${pkiStatus} ${failInfo}: ${failInfoText}`;
}

/** @throws Error unless it has a certificate for this key, signed and enveloped as it ought to be */
function checkAnswer({ privateKey, transactionId }: Shot, body: Buffer): void {
  const reply = readCertRep(body, { privateKey });
  const [certificate] = reply.certificates;
  if (!reply.signer.isValid || reply.transactionId !== transactionId || !certificate?.checkPrivateKey(privateKey))
    throw new Error(`a wrong answer to ${transactionId}`);
}
