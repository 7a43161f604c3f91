/** What a requester wishes for, in no protocol's words. Untrusted: it reaches a certificate only through a rule. */

export interface RequestedExtension {
  /** Dotted object identifier. */
  readonly id: string;
  readonly critical: boolean;
  /** DER, the content of extnValue. */
  readonly value: Uint8Array;
}

export interface RequestedCertificate {
  /** DER SubjectPublicKeyInfo; absent when the gateway is to make the key. */
  readonly subjectPublicKeyInfo?: Uint8Array;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** All requested extensions, the SAN among them, in the order asked. */
  readonly extensions: readonly RequestedExtension[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** The hash that the request was signed with; absent for EdDSA and where there is no such signature. */
  readonly requestHash?: string;
}
