/** The way of every POST (RFC 8555 6.2-6.5): what costs little is looked at first, and a nonce is used up by a signature only. */
import { parseMediaType } from '../../src/http/media-type.js';
import { requireValid } from './account-object.js';
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext, AcmeRequest, KeyRequest, PublicJwk } from './context.js';
import { parseJsonObject } from './json.js';
import { readSignatureAlgorithm, requireAlgorithmOf, type SignatureAlgorithm } from './jws/algorithms.js';
import { type JwsMessage, readJws } from './jws/message.js';
import { readPublicJwk } from './jws/public-jwk.js';
import { signingKey, verifySignature } from './jws/signature.js';
import type { Nonces } from './nonces.js';
import { AcmeError } from './problem.js';
import type { Resource } from './resources.js';
import type { AccountRecord } from './store/accounts.js';
import { requireCurrentTerms } from './terms.js';
import { createUrls } from './urls.js';

/** Verifies a message; what is returned has it answered by its resource. @throws AcmeError */
export async function readMessage(
  request: AcmeRequest,
  resource: Resource,
  context: AcmeContext,
  nonces: Nonces,
): Promise<() => Promise<Answer>> {
  const { exchange } = request;
  if (parseMediaType(exchange.headers['content-type'])?.type !== joseJson) {
    throw new AcmeError('malformed', `send a JWS as ${joseJson}`, { status: 415 });
  }
  const message = readJws(parseJsonObject(exchange.body, 'the message'), 'the message');
  const algorithm = readSignatureAlgorithm(message.header.alg);
  requireUrl(message, request, resource);
  const nonce = nonces.read(message.header.nonce);
  const { kid, jwk } = message.header;
  const { byAccount, byKey } = resource;
  if (kid !== undefined && jwk !== undefined) {
    throw new AcmeError('malformed', 'the protected header must have "kid" or "jwk", not both');
  }
  if (kid !== undefined && byAccount !== undefined) {
    const account = await findAccount(kid, request, context);
    await verifyAccount(message, account, algorithm);
    await nonces.use(nonce);
    requireValid(account);
    const signed: AccountRequest = { ...request, payload: readPayload(message, resource), account, kid };
    if (resource.needsTerms === true) requireCurrentTerms(account, request.policy);
    return () => byAccount(signed, context);
  }
  if (jwk !== undefined && byKey !== undefined) {
    const key = signingKey(readPublicJwk(jwk, 'the key of the message'), algorithm, 'the key of the message');
    await verifySignature(message, key, 'the message');
    await nonces.use(nonce);
    const signed: KeyRequest = { ...request, payload: readPayload(message, resource), ...key };
    return () => byKey(signed, context);
  }
  const needed = [byAccount && '"kid", the URL of the account', byKey && '"jwk", the key that signs'].filter(Boolean);
  throw new AcmeError('malformed', `the protected header must have ${needed.join(', or ')}`);
}

const joseJson = 'application/jose+json';

/** RFC 8555 6.4: whoever is between may not have it done elsewhere. */
function requireUrl({ header }: JwsMessage, { exchange, urls }: AcmeRequest, resource: Resource): void {
  const { params, query } = exchange;
  const expected = `${resource.url(urls, params)}${query === '' ? '' : `?${query}`}`;
  if (header.url === undefined) throw new AcmeError('malformed', 'the protected header must have a "url"');
  if (header.url === expected) return;
  throw new AcmeError('unauthorized', `the message is signed for another URL than ${expected}, which it was sent to`);
}

/** The URL may begin with another of the gateway's names than the message was sent to: a client keeps it, and names change. */
async function findAccount(
  kid: string,
  { policy, label, urls }: AcmeRequest,
  { accounts, services }: AcmeContext,
): Promise<AccountRecord> {
  const host = URL.canParse(kid) ? new URL(kid).host : undefined;
  const prefix = createUrls(services.baseUrl(label, host), label).account('');
  if (!kid.startsWith(prefix)) {
    const expected = urls.account('');
    throw new AcmeError('malformed', `"kid" must be the URL of an account of this directory, below ${expected}`);
  }
  const account = await accounts.findById({ id: kid.slice(prefix.length), policy: policy.name });
  if (account !== undefined) return account;
  throw new AcmeError('accountDoesNotExist', 'there is no account at the URL in "kid"; open one by newAccount');
}

async function verifyAccount(
  message: JwsMessage,
  account: AccountRecord,
  algorithm: SignatureAlgorithm,
): Promise<void> {
  const jwk: PublicJwk = JSON.parse(account.jwk);
  requireAlgorithmOf(jwk, algorithm);
  await verifySignature(message, { jwk, thumbprint: account.keyThumbprint }, 'the message');
}

/** RFC 8555 6.3: what is only fetched has an empty payload, and that is no JSON. */
function readPayload({ payload }: JwsMessage, resource: Resource): unknown {
  if (payload.length > 0) {
    if (resource.payload !== undefined) return parseJsonObject(payload, 'the payload');
    throw new AcmeError('malformed', 'the payload must be empty: this resource is only fetched (POST-as-GET)');
  }
  if (resource.payload !== 'required') return undefined;
  throw new AcmeError('malformed', 'the payload must be a JSON object: there is nothing to fetch here');
}
