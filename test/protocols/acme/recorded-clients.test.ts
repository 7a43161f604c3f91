/** What certbot, lego, uacme, dehydrated and acme-client sent, recorded: it stays readable, byte for byte. */
import { describe, expect, it } from '@jest/globals';
import type { PublicJwk } from '../../../protocols/acme/context.js';
import { readOrderedRequest } from '../../../protocols/acme/csr.js';
import { parseJsonObject } from '../../../protocols/acme/json.js';
import { readSignatureAlgorithm } from '../../../protocols/acme/jws/algorithms.js';
import { type JwsMessage, readJws } from '../../../protocols/acme/jws/message.js';
import { readPublicJwk, requireSoundKey, thumbprintOf } from '../../../protocols/acme/jws/public-jwk.js';
import { signingKey, verifySignature } from '../../../protocols/acme/jws/signature.js';
import { readOctets } from '../../../protocols/acme/payload.js';
import { parseMediaType } from '../../../src/http/media-type.js';
import type { AcmeIdentifier } from '../../../src/model/acme.js';
import { orderedIn, type RecordedExchange, recordedClients, recordedExchanges } from '../../support/acme/recordings.js';

interface Message {
  readonly message: JwsMessage;
  readonly exchange: RecordedExchange;
  /** What has signed it. */
  readonly jwk: PublicJwk;
}

describe.each(recordedClients())('What %s sent, recorded', (client) => {
  const exchanges = recordedExchanges(client);
  const messages = signedMessages(exchanges);

  it('is JWS of the right media type, with signatures that cover what they should (RFC 8555 6.2)', async () => {
    expect(messages.length).toBeGreaterThan(5);
    for (const { message, exchange, jwk } of messages) {
      expect(parseMediaType(exchange.request.headers['content-type'])?.type).toBe('application/jose+json');
      expect(exchange.request.protected).toMatchObject(message.header);
      await verify(message, jwk);
      const changed = { ...message.encoded, payload: `${message.encoded.payload}AA` };
      await expect(verify({ ...message, encoded: changed }, jwk)).rejects.toMatchObject({ code: 'invalid-signature' });
    }
  });

  it('is signed for the URL that it was sent to, with each nonce once, and one that was handed out (RFC 8555 6.4, 6.5)', () => {
    const nonces = new Set<string>();
    for (const { request, answer } of exchanges) {
      if (request.method === 'POST') {
        const { url, nonce } = read(request.body).header;
        expect(url).toBe(request.url);
        expect(nonces.delete(nonce ?? '')).toBe(true);
      }
      const fresh = answer.headers['replay-nonce'];
      if (fresh !== undefined) nonces.add(fresh);
    }
  });

  it('asks in PKCS #10 for what it has ordered, by another key than the account has (RFC 8555 7.4, 11.1)', () => {
    const finalized = messages.filter(({ exchange }) => exchange.request.url.endsWith('/finalize'));
    expect(finalized.length).toBeGreaterThan(0);
    for (const { message, exchange, jwk } of finalized) {
      const { csr } = parseJsonObject(message.payload, 'the payload');
      const ordered = { identifiers: identifiersIn(exchange), accountKey: thumbprintOf(jwk), attestedKeys: [] };
      expect(readOrderedRequest(readOctets(String(csr), 'csr'), ordered).requestHash).toMatch(/^sha(?:256|512)$/);
    }
  });
});

describe('The key changes of clients, recorded', () => {
  it.each(['uacme', 'acme-client'])(
    'that of %s is signed by the new key for the URL of keyChange (RFC 8555 7.3.5)',
    async (client) => {
      const changes = signedMessages(recordedExchanges(client)).filter(isKeyChange);
      expect(changes).toHaveLength(1);
      for (const { message, jwk } of changes) {
        const inner = innerMessage(message);
        expect(inner.header.url).toBe(message.header.url);
        expect(inner.header.nonce).toBeUndefined();
        await verify(inner, readPublicJwk(inner.header.jwk, 'the key'));
        const { account, oldKey } = parseJsonObject(inner.payload, 'the payload');
        expect(account).toBe(message.header.kid);
        expect(readPublicJwk(oldKey, 'the key')).toEqual(jwk);
      }
    },
  );
});

async function verify(message: JwsMessage, jwk: PublicJwk): Promise<void> {
  const algorithm = readSignatureAlgorithm(message.header.alg);
  await verifySignature(message, signingKey(jwk, algorithm, 'the key'), 'the message');
}

/** Every message with the key of its account at that time, or the one that it brings itself. */
function signedMessages(exchanges: readonly RecordedExchange[]): Message[] {
  const accounts = new Map<string, PublicJwk>();
  return exchanges.flatMap((exchange) => {
    if (exchange.request.method !== 'POST') return [];
    const message = read(exchange.request.body);
    const { kid = '', jwk: sent } = message.header;
    const jwk = sent === undefined ? accounts.get(kid) : readPublicJwk(sent, 'the key');
    if (jwk === undefined) throw new Error(`no account ${kid} was opened before ${exchange.request.url}`);
    requireSoundKey(jwk);
    const signed = { message, exchange, jwk };
    const { location } = exchange.answer.headers;
    if (sent !== undefined && location !== undefined) accounts.set(location, jwk);
    if (isKeyChange(signed)) accounts.set(kid, readPublicJwk(innerMessage(message).header.jwk, 'the new key'));
    return [signed];
  });
}

function read(body = ''): JwsMessage {
  return readJws(parseJsonObject(Buffer.from(body), 'the message'), 'the message');
}

function isKeyChange({ exchange }: Message): boolean {
  return exchange.request.url.endsWith('/key-change');
}

function innerMessage({ payload }: JwsMessage): JwsMessage {
  return readJws(parseJsonObject(payload, 'the payload'), 'the inner message');
}

function identifiersIn({ answer }: RecordedExchange): readonly AcmeIdentifier[] {
  return orderedIn(answer.body).map(({ type, value }) => ({ type: type === 'ip' ? 'ip' : 'dns', value }));
}
