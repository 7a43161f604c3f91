/** What a requester presents. The protocol has verified the message; whether to trust it is authentication's affair. */

export type PresentedCredential =
  /** `username` is absent where the protocol has no room for one, as for SCEP's challengePassword. */
  | { readonly kind: 'password'; readonly username?: string; readonly password: string }
  /**
   * A secret that the message is authenticated with, but does not show: `reference` names it (CMP's senderKID), and the
   * protocol says whether it fits; one that does stays as it is for the protocol's answer. Asked at most once about a secret,
   * if all that is asked about the message brings this same object. `forRevocation`: the message asks for a revocation, and
   * nothing else, so that the secret may be a revocation passphrase. `work`: milliseconds of CPU, roughly, that a question costs;
   * the sender has chosen them.
   */
  | {
      readonly kind: 'mac';
      readonly reference: Uint8Array;
      readonly verify: (secret: Uint8Array) => Promise<boolean>;
      readonly forRevocation?: boolean;
      readonly work?: number;
    }
  /**
   * `chain`: DER certificates, the requester's first, as presented; `proof`: what its key has signed. `chainRequired`: all
   * that leads up to a root has to be among them, also where it is known here (RFC 9483 3.3).
   */
  | {
      readonly kind: 'certificate';
      readonly chain: readonly Uint8Array[];
      readonly proof: 'tls' | 'message';
      readonly chainRequired?: boolean;
    };
