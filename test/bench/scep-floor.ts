/**
 * RSA-2048 throughout: one private decryption, import of the device's key, verification of its signatures over request
 * and message, and one signature each for certificate and CertRep.
 */
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { makeCsr } from '../support/make-csr.js';
import { createFloor, type Floor } from './floor.js';
import { createRsaKeys } from './rsa-keys.js';

/** About as much as SCEP's signed attributes. */
const attributesLength = 250;

export function createScepFloor(): Floor {
  const nextKey = createRsaKeys();
  const ra = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ca = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const messages = Array.from({ length: 32 }, () => {
    const key = nextKey();
    const attributes = randomBytes(attributesLength);
    return {
      request: decodeCertificationRequest(makeCsr({ key })),
      attributes,
      attributesSignature: sign('sha256', attributes, key.privateKey),
      encryptedKey: publicEncrypt({ key: ra.publicKey, padding: constants.RSA_PKCS1_PADDING }, randomBytes(16)),
    };
  });
  return createFloor(messages, ({ request, attributes, attributesSignature, encryptedKey }) => {
    privateDecrypt({ key: ra.privateKey, padding: constants.RSA_NO_PADDING }, encryptedKey);
    const spki = Buffer.from(request.subjectPublicKeyInfo);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const isSigned = verify('sha256', attributes, key, attributesSignature);
    if (!isSigned || !verify('sha256', request.signed, key, request.signature))
      throw new Error('a prepared message has a wrong signature');
    sign('sha256', request.signed, ca.privateKey);
    sign('sha256', attributes, ra.privateKey);
  });
}
