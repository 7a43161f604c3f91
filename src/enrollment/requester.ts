/** Who has sent a message, as far as its protocol needs to know; `authenticate` answers it. */
export interface Requester {
  /** The same for every message with the same credential: what a conversation is bound to. */
  readonly id: string;
  /** Names of the credentials of the authentication policy that it has shown. */
  readonly credentials: readonly string[];
  /** A revocation passphrase speaks (RFC 9810 appendix B): for the revocation of certificates of its lineage, and nothing else. */
  readonly isByRevocationPassphrase: boolean;
  /**
   * What the certificate is for that was issued here and has authenticated it. Of a registration authority there is none:
   * it asks for devices that have no certificate yet.
   */
  readonly certificateUsage?: string;
  /**
   * One of the policy's registration authorities, by a certificate with the extended key usage cmcRA: it may speak for
   * devices (RFC 9483 5.2 and 5.3).
   */
  readonly isRegistrationAuthority: boolean;
  /** Whether the policy's CA may certify it as a CA (RFC 9810 D.6). */
  readonly isCrossCertifiable: boolean;
}
