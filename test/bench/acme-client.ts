/** A client of ACME with an account and a connection of its own, which takes its nonces from the answers. */
import type { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { z } from 'zod';
import { type AccountKey, bindExternalAccount, encode, makeAccountKey, signMessage } from './acme-jws.js';
import type { ExternalAccount } from './load-job.js';
import { describeRefusal, type ServerAnswer, send } from './send.js';

/** Where a server has what an order needs (RFC 8555 7.1.1). */
export type Directory = z.output<typeof directorySchema>;

export interface AcmeClient {
  readonly key: AccountKey;
  readonly newOrderUrl: string;
  /**
   * Posts as the account. `payload`: base64url of JSON; none for POST-as-GET.
   * @throws Error for a refusal
   */
  post(url: string, payload?: string): Promise<ServerAnswer>;
  close(): void;
}

interface ClientOptions {
  readonly directory: Directory;
  readonly secureContext: SecureContext;
  readonly externalAccount: ExternalAccount | undefined;
}

export async function fetchDirectory(url: string, secureContext: SecureContext): Promise<Directory> {
  const answer = await send(new URL(url), { agent: false, secureContext });
  if (answer.status !== 200) throw new Error(`directory: ${describeRefusal(answer)}`);
  return directorySchema.parse(JSON.parse(answer.body.toString()));
}

/** Opens an account. @throws Error for a refusal */
export async function openAccount({ directory, secureContext, externalAccount }: ClientOptions): Promise<AcmeClient> {
  const key = makeAccountKey();
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 });
  const post = createPost({ key, directory, agent, secureContext });
  const binding =
    externalAccount === undefined
      ? {}
      : { externalAccountBinding: bindExternalAccount(externalAccount, key, directory.newAccount) };
  const wish = encode(JSON.stringify({ termsOfServiceAgreed: true, ...binding }));
  const { headers } = await post(directory.newAccount, wish);
  if (headers.location === undefined) throw new Error('newAccount: an answer without Location');
  const kid = headers.location;
  return {
    key,
    newOrderUrl: directory.newOrder,
    post: (url, payload = '') => post(url, payload, kid),
    close: () => agent.destroy(),
  };
}

const directorySchema = z.object({ newNonce: z.url(), newAccount: z.url(), newOrder: z.url() });

/** A nonce may have aged, or the server lost it; some refuse a share of good ones, to see what clients do about it. */
const attempts = 4;

interface PostOptions {
  readonly key: AccountKey;
  readonly directory: Directory;
  readonly agent: Agent;
  readonly secureContext: SecureContext;
}

type Post = (url: string, payload: string, kid?: string) => Promise<ServerAnswer>;

function createPost({ key, directory, agent, secureContext }: PostOptions): Post {
  const connection = { agent, secureContext };
  const headers = { 'Content-Type': 'application/jose+json' };
  let nonce: string | undefined;

  async function takeNonce(): Promise<string> {
    const own = nonce ?? nonceOf(await send(new URL(directory.newNonce), connection));
    nonce = undefined;
    if (own === undefined) throw new Error('newNonce: an answer without Replay-Nonce');
    return own;
  }

  return async (url, payload, kid) => {
    for (let attempt = 1; ; attempt++) {
      const header = { url, nonce: await takeNonce(), ...(kid === undefined ? {} : { kid }) };
      const answer = await send(new URL(url), { ...connection, headers }, signMessage(key, header, payload));
      nonce = nonceOf(answer);
      if (answer.status < 300) return answer;
      if (attempt === attempts || !answer.body.includes('urn:ietf:params:acme:error:badNonce'))
        throw new Error(`${new URL(url).pathname}: ${describeRefusal(answer)}`);
    }
  };
}

function nonceOf({ headers }: ServerAnswer): string | undefined {
  const value = headers['replay-nonce'];
  return typeof value === 'string' ? value : undefined;
}
