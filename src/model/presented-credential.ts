/** What a requester presents. The protocol has verified the message; whether to trust it is authentication's affair. */

export type PresentedCredential =
  /** `username` is absent where the protocol has no room for one, as for SCEP's challengePassword. */
  | { readonly kind: 'password'; readonly username?: string; readonly password: string }
  /** `chain`: DER certificates, the requester's first, as presented; `proof`: what its key has signed. */
  | { readonly kind: 'certificate'; readonly chain: readonly Uint8Array[]; readonly proof: 'tls' | 'message' };
