/** OCSPResponse with BasicOCSPResponse (RFC 6960 4.2). Times are GeneralizedTime in whole seconds (RFC 5019 2.2.4). */

import { type RevocationReason, revocationReasonCode } from './crl.js';
import { Tag } from './der.js';
import { bitString, explicit, generalizedTime, nullValue, octetString, oid, sequence, tlv } from './der-writer.js';
import { encodeExtension } from './extensions.js';
import { idPkixOcspBasic, idPkixOcspExtendedRevoke, idPkixOcspNonce } from './oids.js';

/** What can be said of a certificate (RFC 6960 2.2). */
export type CertStatus =
  | { readonly status: 'good' }
  | {
      readonly status: 'revoked';
      readonly revokedAt: Date;
      /** Absent is the same as unspecified, which is not written (RFC 5280 5.3.1). */
      readonly reason?: RevocationReason;
    }
  | { readonly status: 'unknown' };

export interface SingleResponse {
  /** DER CertID, as it was asked. */
  readonly certId: Uint8Array;
  readonly status: CertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

export interface ResponseData {
  /** SHA-1 over the bits of the responder's key: byKey. */
  readonly responderKeyHash: Uint8Array;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  /** The request's, to be sent back. */
  readonly nonce?: Uint8Array;
  /** Whether revoked may also mean: never issued (RFC 6960 4.4.8). */
  readonly hasExtendedRevoke: boolean;
}

/** Encodes ResponseData: what is signed. */
export function encodeResponseData(data: ResponseData): Uint8Array {
  const { responderKeyHash, producedAt, responses, nonce, hasExtendedRevoke } = data;
  const extensions = [
    ...(nonce === undefined
      ? []
      : [encodeExtension({ id: idPkixOcspNonce, critical: false, value: octetString(nonce) })]),
    ...(hasExtendedRevoke ? [extendedRevoke] : []),
  ];
  return sequence(
    explicit(2, octetString(responderKeyHash)),
    generalizedTime(producedAt),
    sequence(...responses.map(encodeSingleResponse)),
    extensions.length === 0 ? undefined : explicit(1, sequence(...extensions)),
  );
}

/**
 * Puts a successful OCSPResponse together.
 * @param signatureAlgorithm DER AlgorithmIdentifier
 * @param certificate the responder's, DER
 */
export function encodeBasicResponse(
  responseData: Uint8Array,
  signatureAlgorithm: Uint8Array,
  signature: Uint8Array,
  certificate: Uint8Array,
): Uint8Array {
  const certificates = explicit(0, sequence(certificate));
  const basic = sequence(responseData, signatureAlgorithm, bitString(signature), certificates);
  return sequence(successful, explicit(0, sequence(oid(idPkixOcspBasic), octetString(basic))));
}

export type OcspError = keyof typeof errorCodes;

/** An answer that says nothing of any certificate, and is not signed (RFC 6960 2.3). */
export function encodeErrorResponse(error: OcspError): Uint8Array {
  return sequence(enumerated(errorCodes[error]));
}

/** OCSPResponseStatus (RFC 6960 4.2.1). */
const errorCodes = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const;
const successful = enumerated(0);
const good = tlv(Tag.contextPrimitive(0));
const unknown = tlv(Tag.contextPrimitive(2));
const extendedRevoke = encodeExtension({ id: idPkixOcspExtendedRevoke, critical: false, value: nullValue });

function enumerated(value: number): Uint8Array {
  return tlv(Tag.enumerated, Uint8Array.of(value));
}

function encodeSingleResponse({ certId, status, thisUpdate, nextUpdate }: SingleResponse): Uint8Array {
  return sequence(certId, encodeStatus(status), generalizedTime(thisUpdate), explicit(0, generalizedTime(nextUpdate)));
}

function encodeStatus(status: CertStatus): Uint8Array {
  if (status.status === 'good') return good;
  if (status.status === 'unknown') return unknown;
  const { revokedAt, reason } = status;
  const isSaid = reason !== undefined && reason !== 'unspecified';
  const code = isSaid ? explicit(0, enumerated(revocationReasonCode(reason))) : undefined;
  return tlv(Tag.context(1), generalizedTime(revokedAt), code);
}
