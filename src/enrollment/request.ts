/** What a protocol hands to the one enrollment flow: neutral, verified as a message, untrusted as a wish. */
import type { ErrorCode } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { ProfileUsage } from '../model/policy.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Method } from '../model/protocol-name.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import type { Statement } from '../store/change.js';
import type { EnrollmentResult, Pending, RevocationResult } from './result.js';
import type { MessageReason } from './revocation-reason.js';

/** Who may read a key that the gateway makes (RFC 7030 4.4.1); in the clear inside TLS when absent. */
export type KeyRecipient =
  /** A key-wrap key of the authentication policy, by its identifier. */
  | { readonly kind: 'key-wrap-key'; readonly identifier: Uint8Array }
  /** A certificate known here, by subject key identifier. */
  | { readonly kind: 'certificate'; readonly subjectKeyIdentifier: Uint8Array };

export interface GatewayMadeKey {
  readonly type?: GeneratedKeyType;
  readonly recipient?: KeyRecipient;
}

/** Messages that belong together because the same key has signed them, as the protocol has verified. */
export interface Conversation {
  /** The protocol's own name for it: SCEP's transactionID. */
  readonly id: string;
  /** Fingerprint of the key. Who holds it is told recorded answers without further credentials. */
  readonly holder: string;
}

/** What a request turns out to be once its requester is known. */
export type DecidedOperation = 'enroll' | 'reenroll';

export interface EnrollmentRequest {
  readonly protocol: Method;
  /** `<policy>` or `<policy>~<group>`; the default policy when absent. */
  readonly label?: string;
  /**
   * `either` is what a message of a protocol is that does not say: re-enrollment where it is authenticated by a
   * certificate that was issued here for the same usage, else a first enrollment.
   */
  readonly operation: DecidedOperation | 'either';
  /**
   * What makes two messages the same request, in the protocol's terms; the core adds label and requester.
   * Absent: every message is a new request.
   */
  readonly transactionId?: string;
  /** Given by protocols whose later messages bring no credentials: what those are known by. */
  readonly conversation?: Conversation;
  /** Until when a copy of this message would be taken for a new one, if its answer were forgotten. */
  readonly replayableUntil?: Date;
  /** Until when the requester has to confirm the certificate, in seconds after it was issued; it needs none when absent. */
  readonly confirmWithin?: number;
  /** The certificate that the request renews, where it is not the one that authenticates it: asked by a registration authority, or an operator. */
  readonly onBehalfOf?: CertificateName;
  /**
   * DER; an earlier certificate of the requester's for the same device, which the new one renews although it is asked for as a
   * first one (RFC 9773 5). What is none changes nothing.
   */
  readonly renews?: Uint8Array;
  /**
   * Whether the successor takes the place of the certificate that it renews (CMP's kur): once confirmed, the old one
   * authenticates no more, and only one successor can be under way.
   */
  readonly supplants?: boolean;
  /** Whether the key may be in no other certificate that is not revoked: not in the requester's own either. */
  readonly newKeyOnly?: boolean;
  /** The name of the certificate profile that the requester has chosen among those of the policy. */
  readonly profileHint?: string;
  /** What the certificate is for, where the protocol's message says so (CMP's ccr); else it follows from the requester. */
  readonly usage?: ProfileUsage;
  readonly requested: RequestedCertificate;
  /** DER CertificationRequest as received, for those who decide elsewhere (the challenge webhook). */
  readonly certificationRequest?: Uint8Array;
  /** Set when the requester wants the gateway to make the key pair. */
  readonly generateKey?: GatewayMadeKey;
  readonly credentials: readonly PresentedCredential[];
  /** Names asked for by ChangeSubjectName (RFC 6402 2.8), which re-enrollment may be allowed to grant. */
  readonly changesNames?: boolean;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** The id of the job that asks row by row, for the audit log. */
  readonly job?: string;
  /** Writes of the protocol's own that must stand or fall with the certificate, or with the request that waits for it. */
  readonly accompanying?: (result: EnrollmentResult) => readonly Statement[];
}

/** Asks what has become of a pending request, in protocols that name it instead of repeating it. */
export interface PollRequest {
  readonly protocol: Method;
  readonly label?: string;
  /** Which one: by the id that the pending result had, asked by its authenticated requester, or by its conversation. */
  readonly pending:
    | { readonly requestId: string; readonly credentials: readonly PresentedCredential[] }
    | { readonly conversation: Conversation };
  readonly remoteAddress: string;
  readonly requestId: string;
}

/** A certificate by its issuer and serial number. */
export interface CertificateName {
  /** DER Name. */
  readonly issuer: Uint8Array;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

/** Asks who has sent a message, in protocols whose further messages and answers depend on it. */
export interface AuthenticationRequest {
  readonly protocol: Method;
  readonly label?: string;
  /** The protocol's name for the message, for the audit log. */
  readonly operation: string;
  readonly credentials: readonly PresentedCredential[];
  /** Whether a certificate that is on hold may speak: it may be the end of that which the message asks for. */
  readonly acceptHeld?: boolean;
  /** Whether one that is revoked may as well: it asks what has become of a revocation, which may be its own. */
  readonly acceptRevoked?: boolean;
  readonly remoteAddress: string;
  readonly requestId: string;
}

/** Says whether the requester has taken its certificate (CMP's certConf). */
export interface ConfirmationRequest {
  readonly protocol: Method;
  readonly label?: string;
  /** Of the certificate: `Requester.id` of who asked for it. */
  readonly requester: string;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly accepted: boolean;
  /** Why it was not, in the requester's words, for the audit log. */
  readonly reason?: string;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Writes of the protocol's own that must stand or fall with the confirmation. */
  readonly accompanying?: readonly Statement[];
}

/** Says that the requester goes no further with what it began (CMP's error). */
export interface Withdrawal {
  readonly protocol: Method;
  readonly label?: string;
  /** `Requester.id` of who began it. */
  readonly requester: string;
  /** The id of its request that may wait for an approval. */
  readonly pending?: string;
  /** Why, in the requester's words, for people. */
  readonly reason: string;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Writes of the protocol's own that must stand or fall with it. */
  readonly accompanying?: readonly Statement[];
}

/** Asks to revoke a certificate, to put it on hold, or to end that (CMP's rr). */
export interface RevocationMessage extends CertificateName {
  readonly protocol: Method;
  readonly label?: string;
  readonly reason: MessageReason;
  readonly invalidityDate?: Date;
  /** Throws when the certificate, DER, is not the one that the message describes further. */
  readonly requireDescribed?: (certificate: Uint8Array) => void;
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Writes of the protocol's own that must stand or fall with the revocation, or with the request that waits for it. */
  readonly accompanying?: (result: RevocationResult) => readonly Statement[];
}

/** A message that asks for no certificate, and that the policy may want people to approve. */
export interface ApprovalRequest {
  readonly protocol: Method;
  readonly label?: string;
  readonly operation: 'genm';
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Writes of the protocol's own that must stand or fall with the message that waits. */
  readonly accompanying?: (pending: Pending) => readonly Statement[];
}

/** Asks what has become of a message that waits. */
export interface ApprovalQuery extends Omit<PollRequest, 'pending'> {
  /** What waits: a revocation, or a message that is answered once it is approved. */
  readonly kind: 'revocation' | 'message';
  readonly pending: Extract<PollRequest['pending'], { readonly requestId: string }>;
}

/** Sets what a certificate and its renewals may later be revoked with (CMP's revPassphrase), in place of what was set before. */
export interface PassphraseMessage {
  readonly protocol: Method;
  readonly label?: string;
  /** What names it in a later message. */
  readonly reference: Uint8Array;
  /** Is kept sealed; the caller wipes it. */
  readonly passphrase: Uint8Array;
  /** Whether it is the requester's; else random octets stand in for what could not be read. For the audit log. */
  readonly isRead: boolean;
  /** When the requester says that it sent this: an older message takes the place of no newer one. */
  readonly sentAt: Date;
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
  readonly requestId: string;
}

/** Opens an account that requests are made by later (ACME's newAccount). */
export interface AccountOpening {
  readonly protocol: Method;
  readonly label?: string;
  /** The id that it will have. */
  readonly account: string;
  /** What its owner shows of an external account, if anything. */
  readonly binding?: Extract<PresentedCredential, { readonly kind: 'mac' }>;
  /** What it is, for the audit log. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** The account itself, in the protocol's own store. `externalAccount`: the id of the credential that it is bound to. */
  readonly accompanying: (externalAccount: string | undefined) => readonly Statement[];
}

/** Asks whether a requester may have names, before there is a key and a request for a certificate (ACME's newOrder). */
export interface NamesRequest {
  readonly protocol: Method;
  readonly label?: string;
  readonly profileHint?: string;
  /** DER GeneralNames. */
  readonly subjectAltNames: Uint8Array;
  /** The validity that the certificate is to have. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
  readonly requestId: string;
}

/** What happened to something of a protocol's own, for the audit log. */
export interface ProtocolEvent {
  /** Such as `account.deactivated`. */
  readonly action: string;
  readonly outcome: 'success' | 'refused';
  /** The id of what it happened to. */
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Names a certificate of a policy as RFC 9773 4.1 does. */
export interface RenewalQuery {
  readonly label?: string;
  /** keyIdentifier of its authority key identifier. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

/** Where a CRL is from, in the terms of certificates. */
export type CrlSource =
  /** As in a certificate's CRL distribution points. */
  | { readonly url: string }
  /** DER Name. */
  | { readonly issuer: Uint8Array };

/** Asks for a certificate, or for the CRL that would have it, by issuer and serial number. */
export interface CertificateQuery extends CertificateName {
  readonly protocol: Method;
  readonly label?: string;
  /** The protocol's name for what it asks. */
  readonly operation: string;
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
  readonly requestId: string;
}

/** A request that could not even be read, for the audit log. */
export interface RefusedMessage {
  readonly protocol: string;
  readonly label?: string;
  readonly operation: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly remoteAddress: string;
  readonly requestId: string;
}
