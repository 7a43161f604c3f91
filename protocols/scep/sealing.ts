/** RFC 8894 section 3.1: how the content of an answer is encrypted to whoever signed the request. */

import { identifyByIssuer } from '../../src/cms/certificate-identifier.js';
import { type ContentEncryption, contentKeyLengths } from '../../src/cms/content-encryption.js';
import { encodeEnvelopedData } from '../../src/cms/enveloped-data.js';
import type { KeyWrap } from '../../src/cms/key-wrap.js';
import { idData } from '../../src/cms/oids.js';
import { createPasswordRecipient } from '../../src/cms/password-recipient.js';
import type { Recipient } from '../../src/cms/recipient-infos.js';
import { GatewayError } from '../../src/errors.js';
import type { Certificate } from '../../src/x509/certificate.js';
import { type KeyTransport, oaepHashes } from '../../src/x509/key-transport.js';
import { describePublicKey } from '../../src/x509/public-key.js';
import type { HashAlgorithm } from '../../src/x509/signature-algorithms.js';
import { decoding } from './errors.js';
import type { MessageSigner } from './message-signer.js';

/** Encrypts a content: DER of a ContentInfo. */
export type Seal = (content: Uint8Array) => Promise<Uint8Array>;

/** What the request was encrypted with: a client that sends it can read it. */
export interface Ciphers {
  readonly contentEncryption: ContentEncryption;
  readonly keyTransport: KeyTransport;
}

/**
 * Chooses how to encrypt to whoever signed the request. All that could fail is found
 * out here, so that nothing does once a certificate has been issued.
 * @param password the challenge, for a key that can only sign
 * @throws GatewayError `unsupported-algorithm`
 */
export function prepareSeal(
  { certificate: holder, key: publicKey }: Pick<MessageSigner, 'certificate' | 'key'>,
  ciphers: Ciphers,
  password: string | undefined,
): Seal {
  const { subjectPublicKeyInfo } = holder;
  const { contentEncryption, keyTransport } = ciphers;
  const key = decoding("the key of the signer's certificate", () => describePublicKey(subjectPublicKeyInfo));
  if (key.algorithm === 'rsa' && !key.pss) {
    const identifier = identify(holder);
    if (key.bits / 8 < keyTransportOverhead(keyTransport) + contentKeyLengths[contentEncryption]) {
      throw new GatewayError('unsupported-algorithm', 'the RSA key is too short for the key transport of the message');
    }
    return sealWith(contentEncryption, () => ({
      type: 'keyTransport',
      identifier,
      subjectPublicKeyInfo,
      key: publicKey,
      keyTransport,
    }));
  }
  if (key.algorithm === 'ec') {
    const identifier = identify(holder);
    const keyWrap = keyWraps[contentEncryption];
    // A key of single DES is too short to be wrapped with AES (RFC 3394 2).
    return sealWith(contentEncryption === 'des-cbc' ? 'des-ede3-cbc' : contentEncryption, () => ({
      type: 'keyAgreement',
      identifier,
      subjectPublicKeyInfo,
      key: publicKey,
      hash: 'sha256',
      keyWrap,
    }));
  }
  if (password === undefined) {
    throw new GatewayError(
      'unsupported-algorithm',
      'an answer to this kind of key is encrypted with the challengePassword, and the message has none',
    );
  }
  return sealWith(contentEncryption, () => createPasswordRecipient(password));
}

const keyWraps: Readonly<Record<ContentEncryption, KeyWrap>> = {
  'aes-128-cbc': 'aes128-wrap',
  'aes-192-cbc': 'aes192-wrap',
  'aes-256-cbc': 'aes256-wrap',
  'des-ede3-cbc': 'aes128-wrap',
  'des-cbc': 'aes128-wrap',
};

function sealWith(contentEncryption: ContentEncryption, recipient: () => Recipient | Promise<Recipient>): Seal {
  return async (content) =>
    encodeEnvelopedData({ contentType: idData, content, contentEncryption, recipient: await recipient() });
}

function identify(holder: Certificate) {
  if (holder.serialNumber.startsWith('-')) {
    throw new GatewayError('unsupported-algorithm', "the serial number of the signer's certificate is negative");
  }
  return identifyByIssuer(holder);
}

/** Octets of a modulus that the key to be transported does not get (RFC 8017 7.1.1, 7.2.1). */
function keyTransportOverhead(keyTransport: KeyTransport): number {
  const hash = oaepHashes[keyTransport];
  return hash === undefined ? 11 : 2 * digestLengths[hash] + 2;
}

const digestLengths: Readonly<Record<HashAlgorithm, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
