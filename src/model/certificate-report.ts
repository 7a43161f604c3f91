/** What a gateway reports of the certificates that its own CA has issued. */

export interface CertificateReport {
  /** The id of the unmanaged CA. */
  readonly unmanagedCa: string;
  /** DER certificate that the sender has authenticated with; undefined if it has not. */
  readonly clientCertificate: Uint8Array | undefined;
  /** Reads what is reported, once it is known that the sender may. @throws GatewayError `malformed-request` */
  readonly content: () => ReportContent;
  readonly remoteAddress: string;
  readonly requestId: string;
}

export interface ReportContent {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  readonly revoked: readonly ReportedRevocation[];
}

export interface ReportedRevocation {
  /** Lower-case hex, in whole octets without leading zeros. */
  readonly serialNumber: string;
  /** The time of the report, if absent. */
  readonly revokedAt?: Date;
  /** CRLReason (RFC 5280 5.3.1). */
  readonly reason: number;
}

/** How many of each. */
export interface ReportResult {
  /** New on record. */
  readonly recorded: number;
  /** On record before. */
  readonly known: number;
  /** Revoked by this report, or before. */
  readonly revoked: number;
}
