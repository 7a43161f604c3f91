/** What the CMP test client does, and what can be asked of it. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Answer, TlsIdentity } from '../est-client.js';
import type { CertStatusWish, RevocationWish } from './bodies.js';
import type { CertificateWish } from './cert-request.js';
import type { Check } from './check.js';
import type { TypedValue } from './header.js';
import type { BodyType } from './identifiers.js';
import type { KeyPackage } from './key-package.js';
import type { CmpCredential, MessageWish, SentMessage } from './message.js';
import type { CmpEnvelope, EnvelopeKeys } from './open-envelope.js';
import type { CmpOutcome } from './outcome.js';

/** Where the client sends to, and what it trusts. */
export interface CmpPeer {
  /** As in `http://127.0.0.1:829`. */
  readonly origin: string;
  readonly path: string;
  readonly trustAnchors: readonly X509Certificate[];
  now(): Date;
}

export interface CmpClientOptions {
  readonly credential?: CmpCredential;
  /** RFC 4514 text; default: the NULL-DN. */
  readonly recipient?: string;
  /** Of the TLS connection. */
  readonly identity?: TlsIdentity;
  readonly unchecked?: readonly Check[];
}

export interface ExchangeWish extends MessageWish {
  /** Goes on with the transaction of an earlier answer. */
  readonly previous?: CmpOutcome;
  readonly implicitConfirm?: boolean;
  /** Name of a certificate profile. */
  readonly profile?: string;
  /** What follows the client's path (RFC 9483 6.1), as in `initialization`. */
  readonly operation?: string;
  readonly httpHeaders?: Readonly<Record<string, string>>;
  readonly unchecked?: readonly Check[];
}

export interface EnrollWish extends ExchangeWish, CertificateWish {
  /** DER CertReqMsgs, in place of the one that would be made. */
  readonly requests?: readonly Uint8Array[];
}

export interface ConfirmWish extends ExchangeWish, CertStatusWish {
  /** Default: the one of the answer. */
  readonly certificate?: X509Certificate;
  /** DER CertStatuses, in place of the one that would be made. */
  readonly statuses?: readonly Uint8Array[];
}

/** Certification requests with a CertReqMessages body. */
export type EnrollType = 'ir' | 'cr' | 'kur' | 'krr' | 'ccr';

export interface DeliveredKey extends KeyPackage {
  readonly envelope: CmpEnvelope;
}

export interface CmpClient {
  ir(wish: EnrollWish): Promise<CmpOutcome>;
  cr(wish: EnrollWish): Promise<CmpOutcome>;
  /** With the oldCertID of the certificate that protects it, unless the wish has controls. */
  kur(wish: EnrollWish): Promise<CmpOutcome>;
  ccr(wish: EnrollWish): Promise<CmpOutcome>;
  /** @param csr DER CertificationRequest */
  p10cr(csr: Uint8Array, wish?: ExchangeWish): Promise<CmpOutcome>;
  /** certConf */
  confirm(previous: CmpOutcome, wish?: ConfirmWish): Promise<CmpOutcome>;
  /** An enrollment and its certConf, where one is wanted. @throws Error unless the certificate is confirmed */
  issue(type: EnrollType, wish: EnrollWish): Promise<X509Certificate>;
  /** rr */
  revoke(wish: RevocationWish & ExchangeWish): Promise<CmpOutcome>;
  genm(type: TypedValue['type'], value?: Uint8Array, wish?: ExchangeWish): Promise<CmpOutcome>;
  poll(previous: CmpOutcome, wish?: ExchangeWish): Promise<CmpOutcome>;
  /** popdecr for the challenges of an answer, opened with the new key. */
  answerChallenges(previous: CmpOutcome, privateKey: KeyObject, wish?: ExchangeWish): Promise<CmpOutcome>;
  /** One message for added protection, whose transactionID and nonce it takes on, or a batch of several. */
  nested(messages: readonly SentMessage[], wish?: ExchangeWish): Promise<CmpOutcome>;
  /** Any body. @param content DER of what is inside of its tag */
  exchange(type: BodyType, content: Uint8Array, wish?: ExchangeWish): Promise<CmpOutcome>;
  /** The message that `exchange` would send. */
  make(type: BodyType, content: Uint8Array, wish?: ExchangeWish): SentMessage;
  /** The message that `ir` and the others would send. */
  makeRequest(type: EnrollType, wish: EnrollWish): SentMessage;
  /** Bytes as they are; the answer as it comes. */
  send(bytes: Uint8Array, httpHeaders?: Readonly<Record<string, string>>, operation?: string): Promise<Answer>;
  /** The centrally made key of an answer. @throws Error where it is not as RFC 9483 4.1.6 wants it */
  openKey(outcome: CmpOutcome, keys: EnvelopeKeys): DeliveredKey;
  /** The certificate that came encrypted, to prove possession of its key. */
  openCertificate(outcome: CmpOutcome, keys: EnvelopeKeys): X509Certificate;
  close(): void;
}
