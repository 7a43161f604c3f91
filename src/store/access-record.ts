/** Users, their certificates and API keys as they are kept. */

export interface UserRecord {
  readonly id: string;
  readonly name: string;
  readonly displayName: string | null;
  /** JSON text: a list of Grant. */
  readonly grants: string;
  /** 1 where the grants make a solution administrator of everything. */
  readonly isAdministrator: number;
  /** As password.ts writes it; null for who has none. */
  readonly password: string | null;
  /** 1 or 0. */
  readonly enabled: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastSeenAt: number | null;
}

export interface UserCertificateRecord {
  /** SHA-256 over the DER, lower-case hex. */
  readonly fingerprint: string;
  readonly userId: string;
  readonly der: Uint8Array;
  /** RFC 4514 text. */
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly addedAt: number;
}

export interface ApiKeyRecord {
  readonly id: string;
  readonly name: string;
  /** What a key begins with, to know one by that was found somewhere. */
  readonly prefix: string;
  /** SHA-256 of the whole key, lower-case hex. */
  readonly lookup: string;
  /** JSON text: a list of Grant. */
  readonly grants: string;
  /** 1 where the grants make a solution administrator of everything. */
  readonly isAdministrator: number;
  /** Id of the user whose key it is; null for a program's own. The user may have been deleted. */
  readonly owner: string | null;
  readonly createdBy: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
}
