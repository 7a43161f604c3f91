/** CertReqMessages (RFC 4211 section 3): the content of ir, cr, kur, krr and ccr. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { readNumber } from './building-blocks.js';
import { type CertTemplate, readCertTemplate } from './cert-template.js';
import { type AttributeTypeAndValue, readAttributes } from './info-type-and-value.js';
import { isProofOfPossession, type ProofOfPossession, readProofOfPossession } from './proof-of-possession.js';

/** CertRequest (RFC 4211 section 5). */
export interface CertRequest {
  /** DER: what the proof of possession is computed over, where there is no poposkInput. */
  readonly certRequestDer: Uint8Array;
  /** Any number: 0 and -1 are those that RFC 9483 allows. */
  readonly certReqId: number;
  readonly template: CertTemplate;
  readonly controls: readonly AttributeTypeAndValue[];
}

/** CertReqMsg (RFC 4211 section 3). */
export interface CertReqMsg extends CertRequest {
  readonly popo?: ProofOfPossession | undefined;
  readonly regInfo: readonly AttributeTypeAndValue[];
}

/** Decodes CertReqMessages, 1 to 32. @throws DerError */
export function decodeCertReqMessages(der: Uint8Array): CertReqMsg[] {
  const messages = DerReader.decode(der, (r) => r.each(Tag.sequence, readCertReqMsg, maximumRequests));
  if (messages.length === 0) throw new DerError('empty CertReqMessages', 0);
  return messages;
}

/** Decodes a CertRequest alone: the value of id-regInfo-certReq (RFC 4211 7.2). @throws DerError */
export function decodeCertRequest(der: Uint8Array): CertRequest {
  return DerReader.decode(der, readCertRequest);
}

const maximumRequests = 32;

function readCertReqMsg(reader: DerReader): CertReqMsg {
  return reader.sequence((m) => ({
    ...readCertRequest(m),
    popo: isProofOfPossession(m.tag) ? readProofOfPossession(m) : undefined,
    regInfo: m.more ? readAttributes(m) : [],
  }));
}

function readCertRequest(reader: DerReader): CertRequest {
  const certRequestDer = reader.element(Tag.sequence);
  return DerReader.decode(certRequestDer, (r) =>
    r.sequence((c) => ({
      certRequestDer,
      certReqId: readNumber(c),
      template: readCertTemplate(c),
      controls: c.more ? readAttributes(c) : [],
    })),
  );
}
