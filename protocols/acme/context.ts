/** What the resources of the ACME handler work with. */

import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolServices } from '../../src/protocol.js';
import type { ChallengeResponse, Responded } from './challenge.js';
import type { AccountRecord, AccountStore } from './store/accounts.js';
import type { AuthorizationRecord, AuthorizationStore } from './store/authorizations.js';
import type { OrderStore } from './store/orders.js';
import type { Urls } from './urls.js';

export interface AcmeContext {
  readonly services: ProtocolServices;
  readonly accounts: AccountStore;
  readonly authorizations: AuthorizationStore;
  readonly orders: OrderStore;
  readonly validations: Validations;
}

/** Validations over the network that are under way (RFC 8555 8.2). */
export interface Validations {
  /**
   * Has a challenge validated, and returns when the first attempt is over, or after a moment while it goes on. Nothing happens
   * where another message or process was first.
   * @throws AcmeError `rateLimited`
   */
  begin(responded: Responded, response: ChallengeResponse): Promise<void>;
  /** Takes up a validation that is due and that nobody works on any more. @throws AcmeError `rateLimited` */
  resume(record: AuthorizationRecord): Promise<void>;
}

/** A request for a resource of a directory. */
export interface AcmeRequest {
  readonly exchange: Exchange;
  /** As in the URL. */
  readonly label: string;
  readonly policy: PolicyView;
  readonly urls: Urls;
}

/** A POST whose JWS has been verified: its signature, URL and nonce are good. */
interface SignedRequest extends AcmeRequest {
  /** The JSON of the payload; undefined for a POST-as-GET (RFC 8555 6.3). */
  readonly payload: unknown;
}

/** Signed with the key of an account that is valid. */
export interface AccountRequest extends SignedRequest {
  readonly account: AccountRecord;
  /** The URL of the account, as the message has it. */
  readonly kid: string;
}

/** Signed with a key that the message brings: newAccount, and revokeCert with the certificate's own (RFC 8555 6.2). */
export interface KeyRequest extends SignedRequest {
  readonly jwk: PublicJwk;
  /** RFC 7638, base64url. */
  readonly thumbprint: string;
}

/** The public key of a JWK (RFC 7517) with what its thumbprint is made of, and nothing else. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string }
  | { readonly kty: 'RSA'; readonly e: string; readonly n: string };
