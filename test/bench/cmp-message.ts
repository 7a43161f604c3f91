/** CMP ir with implicit confirm (RFC 9483 4.1.1), each with a P-256 key, device name and transaction of its own. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { sequence } from '../../src/x509/der-writer.js';
import { encodeName } from '../../src/x509/names.js';
import { parseName } from '../../src/x509/parse-name.js';
import { fromPem } from '../../src/x509/pem.js';
import { makeCertReqMsg } from '../support/cmp/cert-request.js';
import { implicitConfirm } from '../support/cmp/header.js';
import { type CmpCredential, makeMessage, type SentMessage } from '../support/cmp/message.js';
import type { CmpProtection } from './load-job.js';
import { createIssuer } from './prepared-request.js';

export interface PreparedMessage {
  readonly sent: SentMessage;
  /** Of the key that is to be certified. */
  readonly privateKey: KeyObject;
}

/** What `openssl cmp` sends with a secret, as OpenSSL 3.0 does by default. */
export const opensslMac = { type: 'pbm', oneWay: 'sha256', mac: 'openssl', iterations: 500 } as const;

/** Makes messages; signed ones are by a certificate that the CA issues for the device, with that of the CA behind it. */
export function createMessages(protection: CmpProtection): () => PreparedMessage {
  const run = randomBytes(4).toString('hex');
  const credentialFor = createCredentials(protection);
  let count = 0;
  return () => {
    const subject = `CN=bench-${run}-${count++}`;
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const sent = makeMessage({
      bodyType: 'ir',
      content: sequence(makeCertReqMsg({ key, subject })),
      now: new Date(),
      credential: credentialFor(subject),
      header: { generalInfo: [implicitConfirm] },
    });
    return { sent, privateKey: key.privateKey };
  };
}

function createCredentials(protection: CmpProtection): (subject: string) => CmpCredential {
  if (protection.kind === 'mac') {
    const { reference, secret } = protection;
    return () => ({ kind: 'mac', reference, secret, algorithm: opensslMac });
  }
  const issue = createIssuer(protection.clientCa);
  return (subject) => {
    const { certificatePem, privateKeyPem } = issue(encodeName(parseName(subject)));
    const chain = fromPem(certificatePem + protection.clientCa.certificatePem);
    return { kind: 'certificate', chain, privateKey: createPrivateKey(privateKeyPem) };
  };
}
