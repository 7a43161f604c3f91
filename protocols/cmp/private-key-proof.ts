/** Proofs of possession with a key of the gateway's (RFC 4211 4.2 and 4.3): a MAC by what both agree on, or the private key itself. */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { decodeEnvelope } from '../../src/cms/enveloped-data.js';
import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import { decoding } from '../../src/x509/decoding.js';
import { DerError } from '../../src/x509/der.js';
import { explicit } from '../../src/x509/der-writer.js';
import { keyFingerprint } from '../../src/x509/public-key.js';
import type { CertReqMsg } from './asn1/cert-request.js';
import type { CertTemplate } from './asn1/cert-template.js';
import { decodeEncKeyWithId, type EncKeyWithId } from './asn1/enc-key-with-id.js';
import type { MacValue } from './asn1/proof-of-possession.js';
import { openEnvelope } from './open-envelope.js';
import { requireAllowedMac } from './protection/allowed-algorithms.js';
import { decodeMacAlgorithm } from './protection/mac-algorithms.js';
import type { CmpRequest } from './request.js';
import { referenceOf } from './sender.js';

/**
 * agreeMAC (RFC 4211 4.3): a MAC over the CertRequest, by what the new key and that of the gateway's CMP certificate agree on.
 * @param publicKey DER SubjectPublicKeyInfo
 * @throws GatewayError `invalid-proof-of-possession`
 */
export async function verifyAgreement(
  { services, exchange, policy }: CmpRequest,
  { certRequestDer }: CertReqMsg,
  mac: MacValue,
  publicKey: Uint8Array,
): Promise<void> {
  const secret = await services.agree('cmp', exchange.params.label, publicKey);
  if (secret === undefined) {
    throw new GatewayError(
      'invalid-proof-of-possession',
      "the key of the request and that of the gateway's CMP certificate cannot agree on a secret",
    );
  }
  if (await isMacOf(mac, secret, certRequestDer, policy)) return;
  throw new GatewayError('invalid-proof-of-possession', 'agreeMAC is wrong');
}

/**
 * encryptedKey (RFC 4211 4.2): the private key, encrypted to the gateway, that knows it for a moment and keeps nothing of it.
 * @throws GatewayError `invalid-proof-of-possession`, the same for all that only the decrypted content shows
 */
export async function verifyEncryptedKey(
  request: CmpRequest,
  { template }: CertReqMsg,
  envelopedData: Uint8Array,
): Promise<void> {
  const envelope = decoding('encryptedKey', () => decodeEnvelope(envelopedData));
  const opened = envelope.contentType === idCtEncKeyWithId ? await openEnvelope(request, envelope) : undefined;
  const isProved = opened !== undefined && isKeyOf(opened.content, request, template);
  if (isProved) return;
  throw new GatewayError(
    'invalid-proof-of-possession',
    'encryptedKey has not the private key of the request, for the gateway to read (a genm asks for caProtEncCert)',
  );
}

/** Whether this is a MAC over the data; one by an algorithm that is no MAC never is. @throws GatewayError */
export async function isMacOf(
  { algorithm, value }: MacValue,
  secret: Uint8Array,
  data: Uint8Array,
  { cmp }: PolicyView,
): Promise<boolean> {
  const mac = decoding('the MAC in the proof of possession', () => decodeMacAlgorithm(algorithm));
  if (mac === undefined) return false;
  requireAllowedMac(mac, cmp);
  return (await mac.deriveKey(secret)).verify(data, value);
}

const idCtEncKeyWithId = '1.2.840.113549.1.9.16.1.21';

function isKeyOf(
  content: Uint8Array,
  request: CmpRequest,
  { publicKey = new Uint8Array(), subject = new Uint8Array() }: CertTemplate,
): boolean {
  const found = readKey(content);
  try {
    return found !== undefined && isOfSender(found, request, subject) && isPrivateKeyOf(found.privateKey, publicKey);
  } finally {
    content.fill(0);
  }
}

/** A wrong key to the envelope gives garbage, and so does its owner. */
function readKey(content: Uint8Array): EncKeyWithId | undefined {
  try {
    return decodeEncKeyWithId(content);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** RFC 4211 4.2.1: else whoever has seen the envelope could put it into a request of his own. */
function isOfSender({ identifier }: EncKeyWithId, { message, sender }: CmpRequest, subject: Uint8Array): boolean {
  if (identifier instanceof Uint8Array) {
    return [message.header.sender, explicit(4, subject)].some((name) => Buffer.compare(identifier, name) === 0);
  }
  const { protection } = sender;
  if (identifier === undefined || protection.kind !== 'mac') return false;
  return Buffer.compare(Buffer.from(identifier), referenceOf(protection.senderKid)) === 0;
}

function isPrivateKeyOf(pkcs8: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    const key = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length);
    const own = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
    return keyFingerprint(own.export({ format: 'der', type: 'spki' })) === keyFingerprint(publicKey);
  } catch {
    return false;
  }
}
