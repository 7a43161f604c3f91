/** Which certificate a SCEP server wants messages encrypted to: the RA's, or the CA's where there is none (RFC 8894 3.5.1). */
import { X509Certificate } from 'node:crypto';
import { readSignedMessage } from '../support/cms-answer.js';
import type { LoadTarget } from './load-job.js';
import { createContext } from './secure-context.js';
import { describeRefusal, send } from './send.js';

/** `target` is GetCACert's. Returns PEM. @throws Error when the server has no such certificate */
export async function fetchRecipient(target: LoadTarget): Promise<string> {
  const answer = await send(new URL(target.url), { secureContext: createContext(target), agent: false });
  if (answer.status !== 200) throw new Error(`GetCACert: ${describeRefusal(answer)}`);
  if (answer.headers['content-type'] === 'application/x-x509-ca-cert')
    return new X509Certificate(answer.body).toString();
  const { certificates } = readSignedMessage(answer.body);
  const recipient = certificates.find(({ ca }) => !ca) ?? certificates[0];
  if (recipient === undefined) throw new Error('GetCACert: no certificate');
  return recipient.toString();
}
