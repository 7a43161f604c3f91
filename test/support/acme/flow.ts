/** From identifiers to a certificate (RFC 8555 7.1, 8). */
import { createHash, X509Certificate } from 'node:crypto';
import type { GeneralName } from '../../../src/x509/general-names.js';
import { type KeyPair, makeCsr, newKey } from '../make-csr.js';
import { thumbprint } from './account-key.js';
import { type AcmeClient, identifierOf } from './client.js';
import {
  type Authorization,
  type Challenge,
  type Identifier,
  type Order,
  readAuthorization,
  readChallenge,
  readOrder,
} from './objects.js';
import type { AcmeAnswer } from './transport.js';

/** What a responder is to prove. */
export interface Proof {
  readonly identifier: Identifier;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** Makes an answer to a challenge ready. What it returns, if anything, is the payload of the response. */
export type Responder = (proof: Proof) => unknown;
/** By the type of challenge. The first in this order that an authorization offers is taken. */
export type Responders = Readonly<Record<string, Responder>>;

export interface IssueWish {
  /** Plain text is a DNS name. */
  readonly identifiers: readonly (Identifier | string)[];
  readonly responders?: Responders;
  readonly key?: KeyPair;
  /** DER; default: one by `key` with the identifiers as its alternative names and no subject. */
  readonly csr?: Uint8Array;
  /** Further members of the order. */
  readonly order?: Readonly<Record<string, unknown>>;
}

export interface Issued {
  readonly url: string;
  readonly order: Order;
  readonly key: KeyPair;
  /** The certificate first. */
  readonly chain: readonly X509Certificate[];
  readonly certificate: X509Certificate;
}

/** Gets a certificate for a client that has an account. @throws Error with the refusal */
export async function issue(client: AcmeClient, wish: IssueWish): Promise<Issued> {
  const { key = newKey(), csr = csrFor(wish.identifiers, key) } = wish;
  const { url, order: ready } = await readyOrder(client, wish);
  const finalized = readOrder(await client.finalize(ready.finalize, csr));
  const order = await settle(client, url, finalized);
  const chain = certificatesIn(await client.fetch(order.certificate ?? ''));
  const [certificate] = chain;
  if (certificate === undefined) throw new Error('no certificate in the chain');
  return { url, order, key, chain, certificate };
}

/** Makes an order and proves its identifiers. @throws Error with the refusal */
export async function readyOrder(client: AcmeClient, wish: IssueWish): Promise<{ url: string; order: Order }> {
  const { identifiers, responders = {}, order: members } = wish;
  const answer = await client.newOrder({ identifiers, ...members });
  const order = readOrder(answer);
  const url = answer.location ?? '';
  for (const authorization of order.authorizations) await prove(client, authorization, responders);
  return { url, order: readOrder(await client.fetch(url)) };
}

/** Proves the identifier of an authorization, unless that is done. @throws Error with what the server says of it */
export async function prove(client: AcmeClient, url: string, responders: Responders): Promise<Authorization> {
  const pending = readAuthorization(await client.fetch(url));
  if (pending.status === 'valid') return pending;
  const { challenge, responder } = choose(pending, responders);
  const payload = await responder(proofOf(client, pending, challenge));
  readChallenge(await client.respond(challenge.url, payload));
  const authorization = await poll(client, url, readAuthorization, ({ status }) => status !== 'pending');
  if (authorization.status !== 'valid') throw new Error(`not proved but ${JSON.stringify(authorization)}`);
  return authorization;
}

/** What proves an identifier by a challenge (RFC 8555 8.1). */
export function proofOf({ key }: AcmeClient, { identifier }: Authorization, { token }: Challenge): Proof {
  return { identifier, token, keyAuthorization: `${token}.${thumbprint(key.jwk)}` };
}

/** The TXT record that proves a name (RFC 8555 8.4). */
export function txtRecord({ identifier, keyAuthorization }: Proof): { name: string; value: string } {
  const value = createHash('sha256').update(keyAuthorization).digest('base64url');
  return { name: `_acme-challenge.${identifier.value}`, value };
}

/** The order as it is when it is no longer processing. @throws Error unless it is valid then */
export async function settle(client: AcmeClient, url: string, order: Order): Promise<Order> {
  const settled =
    order.status === 'processing' ? await poll(client, url, readOrder, ({ status }) => status !== 'processing') : order;
  if (settled.status !== 'valid') throw new Error(`not valid but ${JSON.stringify(settled)}`);
  return settled;
}

/** The certificates of a chain (RFC 8555 9.1). @throws Error with the refusal */
export function certificatesIn(answer: AcmeAnswer): X509Certificate[] {
  const type = answer.headers['content-type'] ?? '';
  if (answer.status !== 200 || !/^application\/pem-certificate-chain(?:;|$)/.test(type)) {
    throw new Error(`no chain but ${answer.status} ${answer.text}`);
  }
  const pems = answer.text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return pems.map((pem) => new X509Certificate(pem));
}

/** DER of a request that has the identifiers (`dns` and `ip`) as its alternative names, and no subject. */
export function csrFor(identifiers: readonly (Identifier | string)[], key: KeyPair, subject = ''): Uint8Array {
  const alternatives = identifiers.map(identifierOf).map(generalNameOf);
  return makeCsr({ key, subject, alternatives });
}

function generalNameOf({ type, value }: Identifier): GeneralName {
  if (type === 'dns' || type === 'ip') return { type, value };
  throw new Error(`an identifier of type ${type} needs a request of the test's own`);
}

function choose({ identifier, challenges }: Authorization, responders: Responders) {
  for (const [type, responder] of Object.entries(responders)) {
    const challenge = challenges.find((each) => each.type === type);
    if (challenge !== undefined) return { challenge, responder };
  }
  const offered = challenges.map(({ type }) => type).join(', ');
  throw new Error(`nobody answers for ${identifier.value}: ${offered} are offered`);
}

async function poll<T>(
  client: AcmeClient,
  url: string,
  read: (answer: AcmeAnswer) => T,
  isDone: (resource: T) => boolean,
): Promise<T> {
  // Ends with the test's own time limit.
  for (;;) {
    const resource = read(await client.fetch(url));
    if (isDone(resource)) return resource;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
