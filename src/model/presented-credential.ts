/** What a requester presents. The protocol has verified the message; whether to trust it is authentication's affair. */

import type { AcmeIdentifier } from './acme.js';

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
      /** Which secrets the reference may name: CMP's when absent, those of ACME accounts (RFC 8555 7.3.4) by their key id. */
      readonly secretKind?: 'acme-account-key';
    }
  /** The key of an ACME account has signed the message. What it stands for, the ACME handler's own records say. */
  | {
      readonly kind: 'acme-account';
      /** Its id. */
      readonly account: string;
      /** The id of the credential that it is bound to (RFC 8555 7.3.4). */
      readonly externalAccount?: string;
      /** Identifiers that it holds valid authorizations for. */
      readonly identifiers: readonly AcmeIdentifier[];
      /** The authentication CAs, by name, that its attestations chain to. */
      readonly attestedBy?: readonly string[];
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
    }
  /** An API key of the management API, as presented: it has to have the permission `certificate:request` in the policy's division. */
  | { readonly kind: 'api-key'; readonly key: string }
  /**
   * A person or program that manages the gateway, authenticated and allowed to ask by who presents this: the management API
   * or a job, never a protocol handler. `device`: the name of the device that it asks for, if that is not left to the request.
   */
  | { readonly kind: 'operator'; readonly name: string; readonly person: string; readonly device?: string };
