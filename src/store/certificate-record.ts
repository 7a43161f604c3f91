/** What the store keeps of a certificate. */

export type CertificateStatus = 'valid' | 'held' | 'revoked';
export type CertificateUsage = 'bootstrap' | 'operational' | 'intermediate' | 'service';

export interface CertificateRecord {
  /** {@link certificateId} of the issuer and the serial number. */
  readonly id: string;
  /** The generation of the CA that signed it. */
  readonly issuerId: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  readonly policy: string;
  readonly profile: string;
  readonly usage: CertificateUsage;
  readonly deviceId: string | null;
  /** RFC 4514 text, for people. */
  readonly subject: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly keyFingerprint: string;
  /** SHA-256 of the certificate, hex. */
  readonly certificateFingerprint: string;
  readonly subjectKeyIdentifier: Uint8Array;
  readonly der: Uint8Array;
  /** Epoch milliseconds, as are the other times. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly issuedAt: number;
  readonly status: CertificateStatus;
  /** When it was revoked or put on hold. */
  readonly revokedAt: number | null;
  /** CRLReason (RFC 5280 5.3.1); 6 while on hold. */
  readonly revocationReason: number | null;
  /** RFC 5280 5.3.2: since when the key is suspected. */
  readonly invalidityDate: number | null;
  /** The part of the issuer's CRL that it belongs to. */
  readonly crlPartition: number;
  readonly protocol: string;
  readonly requester: string;
  /** The id of the certificate that this one renewed. */
  readonly replaces: string | null;
  readonly requestId: string;
  /** Until when its requester has to confirm it; null when it has been, or need not be. */
  readonly confirmBy: number | null;
  /** The id of the certificate that has taken its place, or will once it is confirmed. */
  readonly supplantedBy: string | null;
}

/** A record before it has its id. */
export type NewCertificateRecord = Omit<CertificateRecord, 'id'>;

export interface CertificateFilter {
  readonly policy?: string;
  readonly profile?: string;
  readonly usage?: CertificateUsage;
  readonly deviceId?: string;
  readonly issuerId?: string;
  readonly status?: CertificateStatus;
  readonly protocol?: string;
  readonly requestId?: string;
  /** Part of the RFC 4514 subject; letters A to Z in either case. */
  readonly subjectContains?: string;
  /** Those whose validity ends before this time, epoch milliseconds. */
  readonly expiresBefore?: number;
  /** Those whose validity ends at this time or later, epoch milliseconds. */
  readonly expiresFrom?: number;
  /** The last certificate of the page before. */
  readonly after?: Pick<CertificateRecord, 'issuedAt' | 'id'>;
  /** The size of a page. */
  readonly limit: number;
}

/** Whether the time to confirm it is over; it counts as revoked then, also before it is. */
export function hasLapsed({ confirmBy }: Pick<CertificateRecord, 'confirmBy'>, at: Date): boolean {
  return confirmBy !== null && confirmBy <= at.getTime();
}

/** An issuer and a serial number (lower-case hex) name a certificate. */
export function certificateId(issuerId: string, serialNumber: string): string {
  return `${issuerId}:${serialNumber}`;
}

export const certificateColumns = [
  'id',
  'issuerId',
  'serialNumber',
  'policy',
  'profile',
  'usage',
  'deviceId',
  'subject',
  'keyFingerprint',
  'certificateFingerprint',
  'subjectKeyIdentifier',
  'der',
  'notBefore',
  'notAfter',
  'issuedAt',
  'status',
  'revokedAt',
  'revocationReason',
  'invalidityDate',
  'crlPartition',
  'protocol',
  'requester',
  'replaces',
  'requestId',
  'confirmBy',
  'supplantedBy',
] as const satisfies readonly (keyof CertificateRecord)[];
