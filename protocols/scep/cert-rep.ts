/** RFC 8894 section 3.3.2: CertRep, the answer to every message. */

import { randomBytes } from 'node:crypto';
import { encodeContentInfo } from '../../src/cms/content-info.js';
import { encodeSignedData } from '../../src/cms/encode-signed-data.js';
import { idData, idSignedData } from '../../src/cms/oids.js';
import type { CmsSigner } from '../../src/cms/signed-data.js';
import { octetString, printableString, utf8String } from '../../src/x509/der-writer.js';
import type { HashAlgorithm } from '../../src/x509/signature-algorithms.js';
import {
  certRepType,
  idFailInfo,
  idMessageType,
  idPkiStatus,
  idRecipientNonce,
  idScepFailInfoText,
  idSenderNonce,
  idTransactionId,
  pkiStatusNumbers,
} from './attributes.js';
import { type FailInfo, failInfoNumbers } from './fail-info.js';
import type { PkiMessage } from './pki-message.js';

export type Outcome =
  /** `envelope`: DER ContentInfo of the encrypted content. */
  | { readonly status: 'SUCCESS'; readonly envelope: Uint8Array }
  | { readonly status: 'PENDING' }
  | { readonly status: 'FAILURE'; readonly failInfo: FailInfo; readonly text: string };

export interface CertRep {
  readonly request: Pick<PkiMessage, 'transactionId' | 'senderNonce'>;
  readonly outcome: Outcome;
  readonly signer: CmsSigner;
  readonly digest: HashAlgorithm;
  readonly signingTime: Date;
}

/** Encodes and signs. The signer's certificate is always in it: a client may verify the answer with nothing else. */
export async function encodeCertRep({ request, outcome, signer, digest, signingTime }: CertRep): Promise<Uint8Array> {
  const attributes = new Map([
    [idTransactionId, request.transactionId.der],
    [idMessageType, printableString(certRepType)],
    [idPkiStatus, printableString(String(pkiStatusNumbers[outcome.status]))],
    // RFC 8894 has no more use for it, but clients of its drafts look for it.
    [idSenderNonce, octetString(randomBytes(nonceLength))],
  ]);
  if (request.senderNonce !== undefined) attributes.set(idRecipientNonce, octetString(request.senderNonce));
  if (outcome.status === 'FAILURE') {
    attributes.set(idFailInfo, printableString(String(failInfoNumbers[outcome.failInfo])));
    attributes.set(idScepFailInfoText, utf8String(outcome.text));
  }
  const signedData = await encodeSignedData({
    contentType: idData,
    // Empty where RFC 8894 3.2 has no content: certmonger and OpenSSL verify nothing that has none at all.
    content: outcome.status === 'SUCCESS' ? outcome.envelope : new Uint8Array(),
    signatures: [{ signer, digest, attributes }],
    certificates: [signer.certificate],
    signingTime,
  });
  return encodeContentInfo(idSignedData, signedData);
}

const nonceLength = 16;
