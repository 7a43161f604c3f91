/** What the enrollment flow answers; refusals are thrown as GatewayError. */

/** A private key made by the gateway, and for whom. It exists nowhere else. */
export interface GeneratedKey {
  /** DER PrivateKeyInfo (PKCS #8). */
  readonly pkcs8: Uint8Array;
  readonly recipient?:
    | {
        readonly kind: 'key-wrap-key';
        readonly identifier: Uint8Array /** AES key, 16, 24 or 32 bytes. */;
        readonly key: Uint8Array;
      }
    | { readonly kind: 'certificate' /** DER. */; readonly certificate: Uint8Array };
}

/** What waits for the approval of people; it is polled for by its id. */
export interface Pending {
  readonly outcome: 'pending';
  readonly requestId: string;
  readonly retryAfterSeconds: number;
}

/** What came of a revocation, a hold or the end of one. `done`: it is committed. */
export type RevocationResult = { readonly outcome: 'done' } | Pending;

/** What has become of a message that waits. */
export type ApprovalStatus = { readonly outcome: 'approved' } | Pending;

/** When a certificate is best renewed (RFC 9773). */
export interface Renewal {
  /** DER. */
  readonly certificate: Uint8Array;
  /** `Requester.id` of who asked for it. */
  readonly requester: string;
  /** The end is later than the start; both have passed where there is no time left. */
  readonly window: { readonly start: Date; readonly end: Date };
  /** A page that tells why the window is where it is. */
  readonly explanationUrl?: string;
}

export type EnrollmentResult =
  | {
      readonly outcome: 'issued';
      /** DER. */
      readonly certificate: Uint8Array;
      /** Lower-case hex. */
      readonly serialNumber: string;
      /** DER certificates from the issuer up to and including the root. */
      readonly chain: readonly Uint8Array[];
      /** What differs from the wishes, one sentence each. */
      readonly modified: readonly string[];
      /** The name of its device; absent for what has none, and in an answer that is given once more. */
      readonly device?: string;
      readonly generatedKey?: GeneratedKey;
    }
  | Pending;
