/** What is inside of the bodies of a client's messages (RFC 9810 5.3). All DER. */
import { createHash, hash } from 'node:crypto';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import {
  explicit,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  tlv,
  unsignedInteger,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { type Extension, encodeExtensions } from '../../../src/x509/extensions.js';
import { integer } from './cert-request.js';
import { encodeTemplate, type TemplateField, type TemplateFields } from './cert-template.js';
import { type Digest, digestIds, type FailInfo, failInfos, type PkiStatus, pkiStatuses } from './identifiers.js';
import { signatureDigest, signatureIdentifier } from './signatures.js';

export interface StatusWish {
  readonly status: PkiStatus;
  readonly text?: string;
  readonly failInfo?: readonly FailInfo[];
}

export interface CertStatusWish {
  /** Default: by the digest of the certificate's own signature (RFC 9481 3.3 for the Edwards curves). */
  readonly hashAlg?: Digest;
  readonly certHash?: Uint8Array;
  readonly certReqId?: number;
  readonly status?: StatusWish;
}

export interface RevocationWish {
  /** DER; its issuer and serial number are named, unless the template says otherwise. */
  readonly certificate: Uint8Array;
  readonly template?: TemplateFields;
  readonly omitFromTemplate?: readonly TemplateField[];
  /** CRLReason; null for none. Default: 0. */
  readonly reason?: number | null;
  readonly extensions?: readonly Extension[];
}

/** PKIStatusInfo (RFC 9810 5.2.3) */
export function encodeStatus({ status, text, failInfo = [] }: StatusWish): Uint8Array {
  return sequence(
    smallInteger(pkiStatuses.indexOf(status)),
    text === undefined ? undefined : sequence(utf8String(text)),
    failInfo.length === 0 ? undefined : namedBits(failInfo.map((name) => failInfos.indexOf(name))),
  );
}

/** CertStatus, of which a CertConfirmContent is a sequence (RFC 9810 5.3.18). */
export function certStatus(certificate: Uint8Array, wish: CertStatusWish = {}): Uint8Array {
  const { hashAlg, certHash = hashOf(certificate, hashAlg), certReqId = 0, status } = wish;
  return sequence(
    octetString(certHash),
    integer(certReqId),
    status && encodeStatus(status),
    hashAlg && explicit(0, sequence(oid(digestIds[hashAlg]), nullValue)),
  );
}

/** RevDetails, of which a RevReqContent is a sequence (RFC 9810 5.3.9). */
export function revDetails({ certificate, reason = 0, ...wish }: RevocationWish): Uint8Array {
  const { issuer, serialNumber } = decodeCertificate(certificate);
  const fields = Object.entries({ issuer, serialNumber, ...wish.template });
  const left = fields.filter(([name]) => wish.omitFromTemplate?.every((omitted) => omitted !== name) ?? true);
  const entry = reason === null ? [] : [reasonCode(reason)];
  const extensions = [...entry, ...(wish.extensions ?? [])];
  return sequence(
    encodeTemplate(Object.fromEntries(left)),
    extensions.length === 0 ? undefined : encodeExtensions(extensions),
  );
}

/** PollReqContent (RFC 9810 5.3.22) */
export function pollRequest(...certReqIds: readonly number[]): Uint8Array {
  return sequence(...certReqIds.map((id) => sequence(integer(id))));
}

/** POPODecKeyRespContent (RFC 9810 5.2.8.3.3); the numbers are magnitudes. */
export function challengeAnswers(...numbers: readonly Uint8Array[]): Uint8Array {
  return sequence(...numbers.map(unsignedInteger));
}

/** ErrorMsgContent (RFC 9810 5.3.21) */
export function errorContent(status: StatusWish, errorCode?: number, ...details: readonly string[]): Uint8Array {
  return sequence(
    encodeStatus(status),
    errorCode === undefined ? undefined : smallInteger(errorCode),
    details.length === 0 ? undefined : sequence(...details.map(utf8String)),
  );
}

function hashOf(certificate: Uint8Array, hashAlg: Digest | undefined): Buffer {
  const { signatureAlgorithm } = decodeCertificate(certificate);
  const digest = hashAlg ?? signatureDigest(signatureAlgorithm);
  if (digest !== undefined) return hash(digest, certificate, 'buffer');
  // Of those without a digest in their name only Ed25519 has SHA-512.
  if (Buffer.compare(signatureAlgorithm, ed25519) === 0) return hash('sha512', certificate, 'buffer');
  return createHash('shake256', { outputLength: 64 }).update(certificate).digest();
}

const ed25519 = signatureIdentifier('ed25519');

function reasonCode(reason: number): Extension {
  return { id: '2.5.29.21', critical: false, value: tlv(0x0a, Uint8Array.of(reason)) };
}
