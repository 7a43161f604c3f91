/** Sealing: how secrets stand in the database. AES-256-GCM under a key derived from the key-encryption key. */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.js';

export interface Sealing {
  /** Encrypts; `context` names the place that the result is for, such as `key:<id>`, and belongs to it. */
  seal(context: string, plaintext: Uint8Array): Uint8Array;
  /**
   * Decrypts what was sealed for this context, into memory that the caller may wipe.
   * @throws GatewayError 'internal' for another context or key, and for changed bytes
   */
  open(context: string, sealed: Uint8Array): Uint8Array;
}

/** @param key 256 bits, derived for sealing alone */
export function createSealing(key: KeyObject): Sealing {
  return {
    seal(context, plaintext) {
      // A random nonce is safe for 2^32 sealings under one key (NIST SP 800-38D 8.3), far more than secrets are kept.
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(additionalData(context));
      const ciphertext = cipher.update(plaintext);
      cipher.final();
      const sealed = new Uint8Array(headerBytes + ciphertext.length + tagBytes);
      sealed[0] = version;
      sealed.set(nonce, 1);
      sealed.set(ciphertext, headerBytes);
      sealed.set(cipher.getAuthTag(), headerBytes + ciphertext.length);
      return sealed;
    },

    open(context, sealed) {
      if (sealed.length < headerBytes + tagBytes || sealed[0] !== version) {
        throw notOpened(context, 'it is truncated or of an unknown version');
      }
      const end = sealed.length - tagBytes;
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(1, headerBytes), { authTagLength: tagBytes })
        .setAAD(additionalData(context))
        .setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(headerBytes, end));
      try {
        decipher.final();
      } catch (cause) {
        plaintext.fill(0);
        throw notOpened(context, cause);
      }
      return plaintext;
    },
  };
}

/** A sealed secret is: version, nonce, ciphertext, tag. */
const version = 1;
const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + nonceBytes;

function additionalData(context: string): Uint8Array {
  return Buffer.from(`gatehouse sealed ${version} ${context}`, 'utf8');
}

function notOpened(context: string, cause: unknown): GatewayError {
  return new GatewayError('internal', 'a stored secret cannot be opened', {
    cause: new Error(`the sealed secret '${context}' does not open`, { cause }),
  });
}
