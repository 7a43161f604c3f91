/** An ACME client by RFC 8555 on node:crypto and node:https alone. Each function returns the answer as it came. */
import type { X509Certificate } from 'node:crypto';
import { type AccountKey, type JwsKey, type MacAlgorithm, macKey } from './account-key.js';
import { base64url, type FlattenedJws, type Header, signJws } from './jws.js';
import type { Identifier } from './objects.js';
import { createSession, type Session, type SessionOptions, type SignOptions } from './session.js';
import type { AcmeAnswer } from './transport.js';

export interface ExternalAccount {
  readonly keyId: string;
  /** base64url */
  readonly hmacKey: string;
  readonly alg?: MacAlgorithm;
}

interface NewAccount {
  readonly contact?: readonly string[];
  readonly termsOfServiceAgreed?: boolean;
  readonly onlyReturnExisting?: boolean;
  readonly externalAccount?: ExternalAccount;
  /** Further members, and others in their place. */
  readonly [member: string]: unknown;
}

interface OrderWish {
  readonly identifiers: readonly (Identifier | string)[];
  /** RFC 3339. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly profile?: string;
  /** RFC 9773 5. */
  readonly replaces?: string;
  readonly [member: string]: unknown;
}

interface KeyChange {
  /** What signs the inner message. Default: the new key. */
  readonly signedBy?: JwsKey;
  /** Over what the inner header and payload should have. */
  readonly header?: Header;
  readonly payload?: Header;
  /** Of the outer message. */
  readonly options?: SignOptions;
}

export interface AcmeClient extends Session {
  /** RFC 8555 7.3. The account is the client's from then on. */
  newAccount(wish?: NewAccount, options?: SignOptions): Promise<AcmeAnswer>;
  /** RFC 8555 7.3.2, 7.3.6 */
  updateAccount(changes?: unknown): Promise<AcmeAnswer>;
  /** RFC 8555 7.3.5. The key is the client's as soon as it is taken. */
  changeKey(newKey: AccountKey, change?: KeyChange): Promise<AcmeAnswer>;
  /** RFC 8555 7.4 */
  newOrder(wish: OrderWish): Promise<AcmeAnswer>;
  /** RFC 8555 7.4.1 */
  newAuthorization(identifier: Identifier | string): Promise<AcmeAnswer>;
  /** A POST-as-GET. */
  fetch(url: string, headers?: Readonly<Record<string, string>>): Promise<AcmeAnswer>;
  /** RFC 8555 7.5.1 */
  respond(challengeUrl: string, payload?: unknown): Promise<AcmeAnswer>;
  /** RFC 8555 7.5.2 */
  deactivateAuthorization(url: string): Promise<AcmeAnswer>;
  /** @param csr DER */
  finalize(url: string, csr: Uint8Array): Promise<AcmeAnswer>;
  /** RFC 8555 7.6, by the account unless `by` is the certificate's own key. */
  revoke(certificate: X509Certificate, options?: { reason?: unknown; by?: AccountKey }): Promise<AcmeAnswer>;
  /** RFC 9773 4.1, without a signature. @param name as renewal-name.ts makes it */
  renewalInfo(name: string): Promise<AcmeAnswer>;
}

/** Close it when it is done with. */
export function createAcmeClient(options: SessionOptions): AcmeClient {
  const session = createSession(options);
  const { post } = session;

  function own(): string {
    if (session.account === undefined) throw new Error('there is no account yet');
    return session.account;
  }

  const operations = {
    async newAccount({ externalAccount, ...wish }: NewAccount = {}, signing: SignOptions = {}) {
      const { newAccount } = await session.directory();
      const { jwk } = signing.key ?? session.key;
      const payload = {
        ...wish,
        ...(externalAccount && { externalAccountBinding: bindAccount(externalAccount, newAccount, jwk) }),
      };
      const answer = await post(newAccount, payload, { identifyBy: 'jwk', ...signing });
      if (answer.status < 300) session.account = answer.location;
      return answer;
    },
    updateAccount: (changes?: unknown) => post(own(), changes),
    async changeKey(newKey: AccountKey, { signedBy = newKey, header, payload, options: outer }: KeyChange = {}) {
      const { keyChange } = await session.directory();
      const inner = { account: own(), oldKey: session.key.jwk, ...payload };
      const jws = signJws(signedBy, { jwk: newKey.jwk, url: keyChange, ...header }, inner);
      const answer = await post(keyChange, jws, outer);
      if (answer.status < 300) session.key = newKey;
      return answer;
    },
    async newOrder({ identifiers, ...wish }: OrderWish) {
      const { newOrder } = await session.directory();
      return await post(newOrder, { identifiers: identifiers.map(identifierOf), ...wish });
    },
    async newAuthorization(identifier: Identifier | string) {
      const { newAuthz } = await session.directory();
      if (newAuthz === undefined) throw new Error('the directory has no newAuthz');
      return await post(newAuthz, { identifier: identifierOf(identifier) });
    },
    fetch: (url: string, headers: Readonly<Record<string, string>> = {}) => post(url, undefined, { headers }),
    respond: (url: string, payload: unknown = {}) => post(url, payload),
    deactivateAuthorization: (url: string) => post(url, { status: 'deactivated' }),
    finalize: (url: string, csr: Uint8Array) => post(url, { csr: base64url(csr) }),
    async revoke(certificate: X509Certificate, { reason, by }: { reason?: unknown; by?: AccountKey } = {}) {
      const { revokeCert } = await session.directory();
      const payload = { certificate: base64url(certificate.raw), ...(reason !== undefined && { reason }) };
      return await post(revokeCert, payload, by && { key: by, identifyBy: 'jwk' });
    },
    async renewalInfo(name: string) {
      const { renewalInfo } = await session.directory();
      if (renewalInfo === undefined) throw new Error('the directory has no renewalInfo');
      return await session.send(`${renewalInfo}/${name}`);
    },
  };
  // Not a copy: its key and account change.
  return Object.assign(session, operations);
}

/** Plain text is a DNS name. */
export function identifierOf(identifier: Identifier | string): Identifier {
  return typeof identifier === 'string' ? { type: 'dns', value: identifier } : identifier;
}

/** The binding of an account's key to an external account (RFC 8555 7.3.4). */
function bindAccount({ keyId, hmacKey, alg }: ExternalAccount, url: string, jwk: unknown): FlattenedJws {
  return signJws(macKey(hmacKey, alg), { kid: keyId, url }, jwk);
}
