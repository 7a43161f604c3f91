/** The contract between a protocol handler and the gateway. Bytes in, bytes out: no web framework in sight. */
import type { KeyObject } from 'node:crypto';
import type { CertificateStatus, PublishedCrl, PublishedCrlQuery, RootUpdate, TrustAnchor } from './ca-view.js';
import type { Clock } from './clock.js';
import type { DeviceTies, EndedTies } from './enrollment/device-ties.js';
import type {
  AccountOpening,
  ApprovalQuery,
  ApprovalRequest,
  AuthenticationRequest,
  CertificateQuery,
  ConfirmationRequest,
  CrlSource,
  EnrollmentRequest,
  NamesRequest,
  PassphraseMessage,
  PollRequest,
  ProtocolEvent,
  RefusedMessage,
  RenewalQuery,
  RevocationMessage,
  Withdrawal,
} from './enrollment/request.js';
import type { Requester } from './enrollment/requester.js';
import type { ApprovalStatus, EnrollmentResult, Pending, Renewal, RevocationResult } from './enrollment/result.js';
import type { GatewayError } from './errors.js';
import type { Log } from './log.js';
import type { CertificateReport, ReportResult } from './model/certificate-report.js';
import type { OutboundClient } from './outbound/outbound-client.js';
import type { PolicyView, RequestOutline } from './policy-view.js';
import type { EncryptionServiceKey, MessageServiceKey, OcspResponder, ServiceKey } from './service-key.js';
import type { Statement } from './store/change.js';
import type { Database } from './store/database.js';
import type { CertId } from './x509/ocsp-request.js';

/** What a TLS connection tells about its client. */
export interface TlsClient {
  /** DER certificates that the client presented, its own first; empty if none. Not validated. */
  readonly clientChain: readonly Uint8Array[];
  /**
   * The channel binding value of the connection, or undefined where the TLS version has none of that type:
   * `tls-unique` (RFC 5929, TLS 1.2) or `tls-exporter` (RFC 9266).
   */
  channelBinding(type: 'tls-unique' | 'tls-exporter'): Uint8Array | undefined;
}

export interface Exchange {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  /** As it was sent: percent-encoded, without the query. */
  readonly path: string;
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Absent on the plain-HTTP listener. */
  readonly tls?: TlsClient;
}

/** Where a message came from, in the terms of the core. */
export function originOf({
  params,
  remoteAddress,
  requestId,
}: Exchange): Pick<EnrollmentRequest, 'label' | 'remoteAddress' | 'requestId'> {
  const { label } = params;
  return label === undefined ? { remoteAddress, requestId } : { label, remoteAddress, requestId };
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Values of Link headers (RFC 8288), one header each: many clients read no lists. */
  readonly links?: readonly string[];
  readonly body: Uint8Array | string;
  /** What this reply refuses, for the log. */
  readonly refusal?: GatewayError;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'OPTIONS';
  /** Express path, such as `/.well-known/est/:label/simpleenroll`. A GET route answers HEAD too. */
  readonly path: string;
  /** Whether it is also served on the plain-HTTP device listener; all routes are on the TLS one. */
  readonly plainHttp: boolean;
  /** Largest body of a POST that is accepted, in bytes; more is answered with 413. */
  readonly bodyLimit: number;
  handle(exchange: Exchange): Promise<Reply>;
}

export interface ProtocolHandler {
  readonly name: string;
  readonly routes: readonly Route[];
  /** Puts an error that happened outside `handle` (413, 405, a time-out) into the protocol's own form. */
  failure(error: unknown, exchange: Pick<Exchange, 'requestId' | 'params' | 'headers'>): Reply;
  /** Forgets what has expired of the protocol's own state, and goes on with what was interrupted; called every ten seconds. */
  housekeeping?(now: Date): Promise<void>;
  /** Of a device that is compromised: finds what of the protocol's own state speaks for it, and says what ends that. */
  forgetDevice?(ties: DeviceTies): Promise<EndedTies>;
}

/** What the gateway does for its protocols. All refusals are GatewayErrors. */
export interface ProtocolServices {
  enroll(request: EnrollmentRequest): Promise<EnrollmentResult>;
  /** What has become of a pending request; only its own requester is told. @throws GatewayError `not-found` for all others. */
  poll(request: PollRequest): Promise<EnrollmentResult>;
  /**
   * Who has sent a message: its credentials are good and its certificate is neither revoked, unconfirmed nor lapsed. What
   * it may do is decided with what it asks for. A credential that is used up still speaks: for what it has opened.
   * @throws GatewayError as authentication does, after its audit event is committed.
   */
  authenticate(request: AuthenticationRequest): Promise<Requester>;
  /**
   * Confirms a certificate, or revokes it because the requester does not take it.
   * @throws GatewayError `already-confirmed`, `unknown-certificate` when it is not the requester's, `already-revoked` when it
   * has lapsed, after its audit event is committed.
   */
  confirm(request: ConfirmationRequest): Promise<void>;
  /**
   * Revokes, holds or revives a certificate for its own holder, or for a registration authority of the policy; revokes or
   * holds one for its revocation passphrase. Where the policy wants people to approve that, their approval does it.
   * @throws GatewayError `unknown-certificate`, `already-revoked`, `invalid-state`, `forbidden`, or as authentication does, after
   * its audit event is committed.
   */
  revoke(request: RevocationMessage): Promise<RevocationResult>;
  /**
   * Asks before a message is answered: undefined where it may be, else it waits for the approval of people.
   * @throws GatewayError as authentication does, after its audit event is committed.
   */
  requestApproval(request: ApprovalRequest): Promise<Pending | undefined>;
  /**
   * Whether a revocation or message that waits is approved; only its own requester is told, by a certificate that may be
   * revoked by then where that was asked for.
   * @throws GatewayError `not-found` for all others and what has expired, `forbidden` when it was rejected.
   */
  pollApproval(query: ApprovalQuery): Promise<ApprovalStatus>;
  /**
   * Sets the revocation passphrase of the requester's certificate and its renewals. What it refuses is left to the caller to record.
   * @throws GatewayError `forbidden` where it is not certain which device that is, `invalid-state` before it has a certificate
   * and for a reference that another device has, `stale-message`, or as authentication does.
   */
  setRevocationPassphrase(message: PassphraseMessage): Promise<void>;
  /**
   * Opens an account: the policy's authentication policy says whether it needs an external one. A use of that credential is counted.
   * @throws GatewayError `bad-secret` for a missing or wrong binding, or as `accompanying` says; after its audit event is committed
   */
  openAccount(opening: AccountOpening): Promise<void>;
  /**
   * Refuses names, or a validity, that no request of the requester could get.
   * @throws GatewayError `rejected-name`, `rejected-profile`, `forbidden`, or as authentication does; after its audit event is committed
   */
  requireNames(request: NamesRequest): Promise<void>;
  /** When a certificate is to be renewed: anybody may ask. @throws GatewayError `unknown-certificate` */
  renewal(query: RenewalQuery): Promise<Renewal>;
  /**
   * Puts what a gateway's own CA has issued on record: all of it, or nothing.
   * @throws GatewayError `forbidden`, `revoked-requester`, `rate-limited`, `invalid-signature`, `invalid-state`, `unknown-certificate`, or
   * as `content` does; after its audit event is committed
   */
  reportCertificates(report: CertificateReport): Promise<ReportResult>;
  /** Writes the audit event of a message that never became an EnrollmentRequest. */
  recordRefusal(refused: RefusedMessage): Promise<void>;
  /**
   * Records that a requester wants no more of what it began, and rejects its request if that waits for an approval.
   * @throws GatewayError `invalid-state` when that is decided at the same time, or as `accompanying` says
   */
  withdraw(withdrawal: Withdrawal): Promise<void>;
  /** The policy that a label names, or the default one. @throws GatewayError `not-found`. */
  policy(label: string | undefined): PolicyView;
  /**
   * What a request of whoever was authenticated for this policy has to be like, by the profile that it would get.
   * @param profileHint the name of the profile that it has chosen
   * @throws GatewayError as `enroll` does: `rejected-profile` where the requester may not have that one, `forbidden`
   */
  requestOutline(label: string | undefined, requester: Requester, profileHint?: string): RequestOutline;
  /** DER certificates of the policy's CA: current issuer first, up to and including the root. @throws GatewayError `not-found`. */
  caCertificates(label: string | undefined): readonly Uint8Array[];
  /**
   * The same, then what clients need while these CAs roll over: earlier roots, what leads from one root to the next and back, other
   * issuers; DER (RFC 7030 4.1.3). @throws GatewayError `not-found`
   */
  trustCertificates(label: string | undefined): Promise<readonly Uint8Array[]>;
  /** The roots of all CAs that are valid now, by CA and number, those to come included. */
  trustAnchors(): readonly TrustAnchor[];
  /**
   * The root that a CA's certificates chain to now, DER, then the other roots in use of its hierarchy.
   * @throws GatewayError `not-found`
   */
  trustAnchorsOf(ca: string): readonly Uint8Array[];
  /** What leads from one of these roots to the next and back, and from foreign roots to them, DER. @throws GatewayError `not-found` */
  trustLinksOf(ca: string): Promise<readonly Uint8Array[]>;
  /** What leads from the policy's root to those before it, for clients that trust only these; DER. @throws GatewayError `not-found` */
  linksToEarlierRoots(label: string | undefined): Promise<readonly Uint8Array[]>;
  /** DER certificates from the issuer of a certificate that was issued here up to and including the root. */
  issuersOf(certificate: Uint8Array): Promise<readonly Uint8Array[]>;
  /** Further chains of such a certificate, to other roots that its CA is certified by; each as issuersOf has it. */
  alternateIssuersOf(certificate: Uint8Array): Promise<readonly (readonly Uint8Array[])[]>;
  /**
   * The CA certificates that come after the present ones, in a SignedData by the present CA key (RFC 8894 4.7.1), DER.
   * @throws GatewayError `not-found` as long as none is staged.
   */
  nextCaBundle(label: string | undefined): Promise<Uint8Array>;
  /** A certificate of the policy's CA hierarchy, DER. @throws GatewayError `unknown-certificate`, or as authentication does. */
  findCertificate(query: CertificateQuery): Promise<Uint8Array>;
  /** What follows the policy's root CA, or `root` (DER) in its hierarchy; undefined when nothing does (RFC 9810 5.3.19.15). */
  rootUpdate(label: string | undefined, root?: Uint8Array): Promise<RootUpdate | undefined>;
  /** The CRL that a certificate of the policy's CA hierarchy would be on, DER. @throws GatewayError as findCertificate */
  findCrl(query: CertificateQuery): Promise<Uint8Array>;
  /** The CRL of the CA that issues under the policy, DER; the first partition where it has several. */
  currentCrl(label: string | undefined): Promise<Uint8Array>;
  /**
   * The CRL of a distribution point, or all partitions of an issuer's, of the policy's CA hierarchy, DER.
   * @throws GatewayError `not-found` for any other source
   */
  crls(label: string | undefined, source: CrlSource): Promise<readonly Uint8Array[]>;
  /** The CRL of one CA generation and partition. @throws GatewayError `not-found`. */
  crl(query: PublishedCrlQuery): Promise<PublishedCrl>;
  /** The delta of the same (RFC 5280 5.2.4). @throws GatewayError `not-found`, also where there are no deltas. */
  deltaCrl(query: PublishedCrlQuery): Promise<PublishedCrl>;
  /**
   * The status of a certificate as it is on record at this moment; undefined where no CA of the gateway that answers has this
   * name and key, or it has ended.
   */
  certificateStatus(id: CertId): Promise<CertificateStatus | undefined>;
  /**
   * The key that speaks for one CA generation; issued at first use and renewed by itself.
   * @throws GatewayError `unavailable` while it cannot be had
   */
  ocspResponder(generation: string): Promise<OcspResponder>;
  /** The certificate of one CA generation, DER. @throws GatewayError `not-found`. */
  caCertificate(generation: string): Uint8Array;
  /** The certification practice statement of a CA that has its own here. @throws GatewayError `not-found` */
  cps(ca: string): string;
  /** The gateway's key for a purpose, one for each CA; issued at first use and renewed by itself. */
  serviceKey(purpose: 'key-generation' | 'cmc', label: string | undefined): Promise<ServiceKey>;
  /** Such a key for the purpose of protecting answers, one for each policy; of the kind of the CA's. */
  messageKey(purpose: 'cmp', label: string | undefined): Promise<MessageServiceKey>;
  /** The keys of the policy that clients encrypt to: the one in use first, then earlier ones that some may still know. */
  encryptionKeys(
    purpose: 'scep-ra' | 'cmp-encryption',
    label: string | undefined,
  ): Promise<readonly EncryptionServiceKey[]>;
  /**
   * What the gateway's key for a purpose and the holder of another key agree on (ECDH); undefined where the two do not fit.
   * @param publicKey the other's, DER SubjectPublicKeyInfo
   */
  agree(purpose: 'cmp', label: string | undefined, publicKey: Uint8Array): Promise<Uint8Array | undefined>;
  /** For the protocol's own store. */
  readonly database: Database;
  /**
   * Commits writes of the protocol's own that belong to nothing else, with the events that tell of them, all or none.
   * @throws GatewayError as their expectations say
   */
  commit(statements: readonly Statement[], events?: readonly ProtocolEvent[]): Promise<void>;
  /**
   * Where a policy is reached over TLS, such as `https://localhost:8443`: the host that the requester has named, where that is one
   * of the gateway's names, else the rendezvous zone of its division, else the gateway's public name.
   * @param host Host header of the request
   */
  baseUrl(label: string | undefined, host: string | undefined): string;
  /** 32 octets for a protocol's own use, the same in all processes on a database and after every start. */
  deriveKey(purpose: 'acme-nonces'): KeyObject;
  /** The one way out. */
  readonly outbound: OutboundClient;
  /** For faults that have no answer to go out with; refusals and answers are logged at the edge. */
  readonly log: Log;
  readonly clock: Clock;
}
