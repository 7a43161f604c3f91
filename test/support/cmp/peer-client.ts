/** The operations of CMP (RFC 9810 5.3) against any server. */
import { X509Certificate } from 'node:crypto';
import { sequence } from '../../../src/x509/der-writer.js';
import { certStatus, challengeAnswers, pollRequest, revDetails } from './bodies.js';
import { makeCertReqMsg, oldCertId } from './cert-request.js';
import { answersTo } from './challenges.js';
import { leadsToAnchor } from './check.js';
import type {
  CmpClient,
  CmpClientOptions,
  CmpPeer,
  ConfirmWish,
  EnrollType,
  EnrollWish,
  ExchangeWish,
} from './client.js';
import { createExchange } from './exchange.js';
import { encodeInfo } from './header.js';
import type { BodyType } from './identifiers.js';
import { openKeyPackage } from './key-package.js';
import type { SentMessage } from './message.js';
import { openEncryptedValue } from './open-encrypted-value.js';
import { openEnvelopedData } from './open-envelope.js';
import { type CmpOutcome, describe, issuedBy } from './outcome.js';

/** A client of a server that it believes by these trust anchors, or by the secret of its credential. */
export function createPeerClient(peer: CmpPeer, options: CmpClientOptions = {}): CmpClient {
  const { send, make, deliver, close } = createExchange(peer, options);

  function makeRequest(type: EnrollType, wish: EnrollWish): SentMessage {
    return make(type, contentOf(type, wish), wish);
  }

  function contentOf(type: EnrollType, wish: EnrollWish): Uint8Array {
    const credential = wish.credential ?? options.credential;
    const [own] = type === 'kur' && credential?.kind === 'certificate' ? credential.chain : [];
    const controls = own === undefined ? {} : { controls: [oldCertId(own)] };
    return sequence(...(wish.requests ?? [makeCertReqMsg({ ...controls, ...wish })]));
  }

  const exchange = (type: BodyType, content: Uint8Array, wish: ExchangeWish = {}, certReqId = 0) =>
    deliver(make(type, content, wish), wish, certReqId);
  const enroll = (type: EnrollType) => (wish: EnrollWish) =>
    exchange(type, contentOf(type, wish), wish, wish.certReqId ?? 0);

  function confirm(previous: CmpOutcome, wish: ConfirmWish = {}): Promise<CmpOutcome> {
    const { certificate = previous.certificate, certReqId = previous.certReqId } = wish;
    if (certificate === undefined && wish.statuses === undefined) throw new Error('no certificate to confirm');
    const own = certificate === undefined ? [] : [certStatus(certificate.raw, { ...wish, certReqId })];
    const header = { ...(wish.hashAlg && { pvno: 3 }), ...wish.header };
    const content = sequence(...(wish.statuses ?? own));
    return exchange('certConf', content, { previous, ...wish, header }, certReqId);
  }

  return {
    ir: enroll('ir'),
    cr: enroll('cr'),
    kur: enroll('kur'),
    ccr: enroll('ccr'),
    p10cr: (csr, wish = {}) => exchange('p10cr', csr, wish, -1),
    confirm,
    async issue(type, wish) {
      const outcome = await enroll(type)(wish);
      const certificate = issuedBy(outcome);
      if (outcome.isImplicitlyConfirmed) return certificate;
      const confirmed = await confirm(outcome, wish.credential ? { credential: wish.credential } : {});
      if (confirmed.body?.type !== 'pkiconf') throw new Error(`not confirmed but ${describe(confirmed)}`);
      return certificate;
    },
    // What is not about a certificate request is polled for as the whole message (RFC 9483 4.4).
    revoke: (wish) => exchange('rr', sequence(revDetails(wish)), wish, -1),
    genm: (type, value, wish = {}) =>
      exchange('genm', sequence(encodeInfo({ type, ...(value && { value }) })), wish, -1),
    poll: (previous, wish = {}) =>
      exchange('pollReq', pollRequest(previous.certReqId), { previous, ...wish }, previous.certReqId),
    answerChallenges(previous, privateKey, wish = {}) {
      const content = challengeAnswers(...answersTo(previous, privateKey));
      return exchange('popdecr', content, { previous, ...wish }, previous.certReqId);
    },
    nested(messages, wish = {}) {
      const [first, second] = messages;
      const { transactionId, senderNonce } = first ?? {};
      const copied = second ? {} : { ...(transactionId && { transactionId }), ...(senderNonce && { senderNonce }) };
      const all = { ...wish, header: { ...copied, ...wish.header } };
      const content = sequence(...messages.map(({ der }) => der));
      return deliver(make('nested', content, all), all, 0, messages);
    },
    exchange: (type, content, wish) => exchange(type, content, wish),
    make,
    makeRequest,
    send,
    openKey({ response, message }, keys) {
      if (response?.privateKey === undefined) throw new Error('no private key');
      const envelope = openEnvelopedData(response.privateKey, { certificates: message?.extraCerts ?? [], ...keys });
      const opened = openKeyPackage(envelope.content);
      // RFC 9483 4.1.6: who shares a secret with the server need not know its certificates.
      const isTrusted = leadsToAnchor(opened.certificates, peer.trustAnchors, peer.now());
      if (keys.secret === undefined && !isTrusted) throw new Error('the maker of the key is not trusted');
      return { envelope, ...opened };
    },
    openCertificate({ response }, keys) {
      const { encryptedCertValue } = response ?? {};
      if (encryptedCertValue && keys.privateKey) {
        return new X509Certificate(openEncryptedValue(encryptedCertValue, keys.privateKey).content);
      }
      if (response?.encryptedCert === undefined) throw new Error('no encrypted certificate');
      return new X509Certificate(openEnvelopedData(response.encryptedCert, keys).content);
    },
    close,
  };
}
