/** RFC 5272 section 3.2.1: PKIData, the content of a Full PKI Request; cmc-request.ts gives it meaning. */

import { DerError, DerReader, Tag } from '../../src/x509/der.js';

// RFC 5272 section 6, as corrected by RFC 6402 appendix A.
export const idCmcIdentification = '1.3.6.1.5.5.7.7.2';
export const idCmcIdentityProof = '1.3.6.1.5.5.7.7.3';
export const idCmcDataReturn = '1.3.6.1.5.5.7.7.4';
export const idCmcTransactionId = '1.3.6.1.5.5.7.7.5';
export const idCmcSenderNonce = '1.3.6.1.5.5.7.7.6';
export const idCmcRecipientNonce = '1.3.6.1.5.5.7.7.7';
export const idCmcRegInfo = '1.3.6.1.5.5.7.7.18';
export const idCmcQueryPending = '1.3.6.1.5.5.7.7.21';
export const idCmcStatusInfoV2 = '1.3.6.1.5.5.7.7.25';
export const idCmcIdentityProofV2 = '1.3.6.1.5.5.7.7.33';

export const idCctPkiData = '1.3.6.1.5.5.7.12.2';
export const idCctPkiResponse = '1.3.6.1.5.5.7.12.3';

/** The part of a message that a status is about; 0 is the message itself (section 3.2.2). */
export const wholeMessage = 0;

/** TaggedAttribute. */
export interface CmcControl {
  readonly bodyPartId: number;
  /** Dotted OID. */
  readonly type: string;
  /** DER. */
  readonly values: readonly Uint8Array[];
}

/** TaggedRequest; for PKCS #10 with the DER of the CertificationRequest. */
export type CmcTaggedRequest =
  | { readonly type: 'pkcs10'; readonly bodyPartId: number; readonly der: Uint8Array }
  | { readonly type: 'crmf' | 'other'; readonly bodyPartId: number };

export interface PkiData {
  readonly controls: readonly CmcControl[];
  readonly requests: readonly CmcTaggedRequest[];
}

/**
 * Decodes PKIData. Other messages in cmsSequence and otherMsgSequence are only checked for their shape: without a
 * control that refers to them they are to be ignored (section 3.2.1), and such controls are not supported.
 * @throws DerError, also for a body part identifier that is 0, too large or used twice
 */
export function decodePkiData(der: Uint8Array): PkiData {
  return DerReader.decode(der, (reader) =>
    reader.sequence((data) => {
      const controls = data.each(Tag.sequence, readControl, maximumControls);
      const requests = data.each(Tag.sequence, readRequest, maximumRequests);
      const messages = data.each(Tag.sequence, readTagged, maximumMessages);
      const others = data.each(Tag.sequence, readTagged, maximumMessages);
      checkBodyPartIds([...controls, ...requests, ...messages, ...others]);
      return { controls, requests };
    }),
  );
}

const maximumControls = 100;
const maximumRequests = 100;
const maximumMessages = 100;
const maximumValues = 16;
const maximumBodyPartId = 0xffffffff;

function readBodyPartId(reader: DerReader): number {
  const at = reader.offset;
  const bodyPartId = reader.smallInteger();
  if (bodyPartId > maximumBodyPartId) throw new DerError('BodyPartID out of range', at);
  return bodyPartId;
}

function readControl(reader: DerReader): CmcControl {
  return reader.sequence((control) => ({
    bodyPartId: readBodyPartId(control),
    type: control.oid(),
    values: control.each(Tag.set, (value) => value.element(), maximumValues),
  }));
}

function readRequest(reader: DerReader): CmcTaggedRequest {
  const { tag } = reader;
  if (tag === Tag.context(0)) {
    return reader.inside(tag, (tcr) => ({
      type: 'pkcs10',
      bodyPartId: readBodyPartId(tcr),
      der: tcr.element(Tag.sequence),
    }));
  }
  if (tag === Tag.context(1)) return { type: 'crmf', bodyPartId: reader.inside(tag, readCertReqId) };
  return { type: 'other', bodyPartId: reader.inside(Tag.context(2), readFirstId) };
}

/** CertReqMsg begins with the CertRequest, which begins with the certReqId (RFC 4211 section 5). */
function readCertReqId(reader: DerReader): number {
  const bodyPartId = reader.sequence(readFirstId);
  skipRest(reader);
  return bodyPartId;
}

function readTagged(reader: DerReader): { readonly bodyPartId: number } {
  return { bodyPartId: reader.sequence(readFirstId) };
}

function readFirstId(reader: DerReader): number {
  const bodyPartId = readBodyPartId(reader);
  skipRest(reader);
  return bodyPartId;
}

function skipRest(reader: DerReader): void {
  while (reader.more) reader.element();
}

function checkBodyPartIds(parts: readonly { readonly bodyPartId: number }[]): void {
  const seen = new Set([wholeMessage]);
  for (const { bodyPartId } of parts) {
    if (seen.has(bodyPartId)) throw new DerError('BodyPartID reserved or used twice', 0);
    seen.add(bodyPartId);
  }
}
