/** RFC 5272 section 4.2: the Full PKI Response, for everything that certificates alone do not say. */

import { encodeContentInfo } from '../../src/cms/content-info.js';
import { encodeSignedData } from '../../src/cms/encode-signed-data.js';
import { idSignedData } from '../../src/cms/oids.js';
import type { CmsSigner } from '../../src/cms/signed-data.js';
import { Tag } from '../../src/x509/der.js';
import {
  generalizedTime,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  tlv,
  utf8String,
} from '../../src/x509/der-writer.js';
import {
  idCctPkiResponse,
  idCmcDataReturn,
  idCmcRecipientNonce,
  idCmcSenderNonce,
  idCmcStatusInfoV2,
  idCmcTransactionId,
} from './cmc.js';
import { type CmcFailInfo, cmcFailInfoNumbers } from './cmc-fail-info.js';

/** What a response repeats from its request. */
export interface CmcEcho {
  /** Content octets of the INTEGER. */
  readonly transactionId?: Uint8Array;
  /** The client's; goes back as recipientNonce. */
  readonly senderNonce?: Uint8Array;
  readonly dataReturn?: Uint8Array;
}

/** CMCStatusInfoV2 (section 6.1.1). */
export interface CmcStatusInfo {
  readonly outcome: CmcOutcome;
  /** The body parts of the request that it is about; `wholeMessage` for the request itself. */
  readonly bodyPartIds: readonly number[];
  /** One sentence for people. */
  readonly statusString?: string;
}

export type CmcOutcome =
  | { readonly status: 'success' }
  | { readonly status: 'failed'; readonly failInfo: CmcFailInfo }
  | { readonly status: 'noSupport' }
  | { readonly status: 'pending'; readonly pendToken: Uint8Array; readonly pendTime: Date };

export interface CmcResponse {
  readonly echo: CmcEcho;
  readonly status: CmcStatusInfo;
  /** The gateway's own nonce: 16 random octets. Sent when the request had one. */
  readonly nonce: Uint8Array;
  /** DER: what was issued and what leads to its root, and the signer's chain. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: CmsSigner;
  readonly signingTime: Date;
}

/** Encodes and signs the response: a ContentInfo for "application/pkcs7-mime; smime-type=CMC-response". */
export async function encodeCmcResponse(response: CmcResponse): Promise<Uint8Array> {
  const { certificates, signer, signingTime } = response;
  const signedData = await encodeSignedData({
    contentType: idCctPkiResponse,
    content: encodePkiResponse(response),
    signatures: [{ signer, digest: 'sha256' }],
    certificates,
    signingTime,
  });
  return encodeContentInfo(idSignedData, signedData);
}

function encodePkiResponse({ echo, status, nonce }: CmcResponse): Uint8Array {
  const controls: [type: string, value: Uint8Array][] = [[idCmcStatusInfoV2, encodeStatusInfo(status)]];
  if (echo.transactionId !== undefined) controls.push([idCmcTransactionId, tlv(Tag.integer, echo.transactionId)]);
  if (echo.senderNonce !== undefined) {
    controls.push([idCmcSenderNonce, octetString(nonce)], [idCmcRecipientNonce, octetString(echo.senderNonce)]);
  }
  if (echo.dataReturn !== undefined) controls.push([idCmcDataReturn, octetString(echo.dataReturn)]);
  return sequence(
    sequence(...controls.map(([type, value], index) => sequence(smallInteger(index + 1), oid(type), setOf(value)))),
    sequence(),
    sequence(),
  );
}

const statusNumbers: Readonly<Record<CmcOutcome['status'], number>> = {
  success: 0,
  failed: 2,
  pending: 3,
  noSupport: 4,
};

function encodeStatusInfo({ outcome, bodyPartIds, statusString }: CmcStatusInfo): Uint8Array {
  return sequence(
    smallInteger(statusNumbers[outcome.status]),
    sequence(...bodyPartIds.map(smallInteger)),
    statusString === undefined ? undefined : utf8String(statusString),
    encodeOtherInfo(outcome),
  );
}

function encodeOtherInfo(outcome: CmcOutcome): Uint8Array | undefined {
  if (outcome.status === 'failed') return smallInteger(cmcFailInfoNumbers[outcome.failInfo]);
  if (outcome.status === 'pending') return sequence(octetString(outcome.pendToken), generalizedTime(outcome.pendTime));
  return undefined;
}
