/** An account's conversation with a server: directory, nonces and signed messages (RFC 8555 6). */
import { type AccountKey, type JwsKey, newAccountKey } from './account-key.js';
import { type FlattenedJws, type Header, signJws } from './jws.js';
import { type Directory, isProblem, readDirectory } from './objects.js';
import { type AcmeAnswer, type AcmeMessage, createTransport, type TransportOptions } from './transport.js';

export interface SessionOptions extends TransportOptions {
  /** URL. */
  readonly directory: string;
  /** Default: a new ES256 key. */
  readonly key?: AccountKey;
  /** The account's URL, where it is known already. */
  readonly account?: string;
  /** Whether a message that was refused with badNonce is sent again (RFC 8555 6.5). Default: true. */
  readonly retriesBadNonce?: boolean;
  /** With every message. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SignOptions {
  /** Default: the account's. */
  readonly key?: JwsKey & { readonly jwk?: AccountKey['jwk'] };
  /** How the header names the key. Default: by `kid` as soon as the account is known. */
  readonly identifyBy?: 'jwk' | 'kid';
  /** Members of the protected header, over those that it has. One that is undefined is left out. */
  readonly header?: Header;
  /** Of the HTTP request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The message as it goes out, made from the one that is right. */
  readonly message?: (jws: FlattenedJws) => unknown;
}

export interface Session {
  /** The account's key; keyChange and tests set another. */
  key: AccountKey;
  /** The account's URL, once there is one. */
  account: string | undefined;
  directory(): Promise<Directory>;
  /** A nonce that was not used: of the last answer, or else a new one. */
  nonce(): Promise<string>;
  /** Anything to any URL. */
  send(url: string, message?: AcmeMessage): Promise<AcmeAnswer>;
  /** Signs a message and posts it. @param payload none for a POST-as-GET */
  post(url: string, payload?: unknown, options?: SignOptions): Promise<AcmeAnswer>;
  close(): void;
}

export function createSession(options: SessionOptions): Session {
  const { key = newAccountKey(), account, retriesBadNonce = true, headers: always = {} } = options;
  const transport = createTransport(options);
  const nonces: string[] = [];
  let directory: Promise<Directory> | undefined;

  const session: Session = {
    key,
    account,
    directory: () => {
      directory ??= send(options.directory).then(readDirectory);
      return directory;
    },
    async nonce() {
      const kept = nonces.pop();
      if (kept !== undefined) return kept;
      const { newNonce } = await session.directory();
      await send(newNonce, { method: 'HEAD' });
      const fresh = nonces.pop();
      if (fresh === undefined) throw new Error('newNonce answers without a nonce');
      return fresh;
    },
    send,
    async post(url, payload, signing = {}) {
      for (let attempt = 0; ; attempt++) {
        const answer = await postOnce(url, payload, signing);
        if (!retriesBadNonce || attempt === 10 || !isProblem(answer, 'badNonce')) return answer;
      }
    },
    close: transport.close,
  };

  async function send(url: string, { headers, ...message }: AcmeMessage = {}): Promise<AcmeAnswer> {
    const answer = await transport.send(url, { ...message, headers: { ...always, ...headers } });
    if (answer.nonce !== undefined) nonces.push(answer.nonce);
    return answer;
  }

  async function postOnce(url: string, payload: unknown, signing: SignOptions): Promise<AcmeAnswer> {
    const { key: signer = session.key, header = {}, headers = {}, message = (jws) => jws } = signing;
    const identifyBy = signing.identifyBy ?? (session.account === undefined ? 'jwk' : 'kid');
    const name = identifyBy === 'jwk' ? { jwk: signer.jwk } : { kid: session.account };
    const nonce = 'nonce' in header ? header.nonce : await session.nonce();
    const sent = message(signJws(signer, { ...name, nonce, url, ...header }, payload));
    return await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/jose+json', ...headers },
      body: sent instanceof Uint8Array || typeof sent === 'string' ? sent : JSON.stringify(sent),
    });
  }

  return session;
}
