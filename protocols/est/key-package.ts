/** RFC 7030 section 4.4.2: a gateway-made private key as EnvelopedData(SignedData(AsymmetricKeyPackage)), RFC 5958. */

import type { CertificateIdentifier } from '../../src/cms/certificate-identifier.js';
import type { ContentEncryption } from '../../src/cms/content-encryption.js';
import { encodeEnvelopedData } from '../../src/cms/enveloped-data.js';
import { encodeKeyPackage } from '../../src/cms/key-package.js';
import { type KeyWrap, keyWrapForLength } from '../../src/cms/key-wrap.js';
import { idSignedData } from '../../src/cms/oids.js';
import { agreementAlgorithms, type Recipient } from '../../src/cms/recipient-infos.js';
import type { CmsSigner } from '../../src/cms/signed-data.js';
import {
  findContentEncryption,
  findKeyAgreement,
  findKeyTransport,
  findKeyWrap,
  type SmimeCapability,
} from '../../src/cms/smime-capabilities.js';
import { GatewayError } from '../../src/errors.js';
import { describePublicKey, type PublicKeyDescription } from '../../src/x509/public-key.js';

/** The client's key that the private key is encrypted with. */
export type KeyRecipient =
  | {
      readonly type: 'secretKey';
      /** As in the request's DecryptKeyIdentifier. */
      readonly keyIdentifier: Uint8Array;
      /** 16, 24 or 32 octets. */
      readonly key: Uint8Array;
    }
  | {
      readonly type: 'publicKey';
      readonly identifier: CertificateIdentifier;
      /** DER, RSA or EC. */
      readonly subjectPublicKeyInfo: Uint8Array;
    };

export interface KeyDelivery {
  /** The private key, DER PrivateKeyInfo (OneAsymmetricKey). */
  readonly pkcs8: Uint8Array;
  /** Who made the key: signs the package. */
  readonly signer: CmsSigner;
  /** DER: the signer's certificate and what leads to its root. */
  readonly certificates: readonly Uint8Array[];
  readonly signingTime: Date;
  readonly recipient: KeyRecipient;
  /** What the client can decrypt, preferred first; empty when it did not say. */
  readonly capabilities: readonly SmimeCapability[];
}

/**
 * Signs the key and encrypts it to the client: a ContentInfo for the part "smime-type=server-generated-key".
 * What is encrypted is a SignedData as such, not in another ContentInfo: the envelope's content type says what it is.
 * @throws GatewayError unsupported-algorithm when the client's capabilities and key leave no algorithm
 */
export async function encodeEncryptedKey(delivery: KeyDelivery): Promise<Uint8Array> {
  const { pkcs8, signer, certificates, signingTime, capabilities } = delivery;
  const { recipient, contentEncryption } = chooseProtection(delivery.recipient, capabilities);
  const signature = { signer, digest: 'sha256' } as const;
  const content = await encodeKeyPackage({ key: pkcs8, signature, certificates, signingTime });
  return encodeEnvelopedData({ contentType: idSignedData, content, contentEncryption, recipient });
}

interface Protection {
  readonly recipient: Recipient;
  readonly contentEncryption: ContentEncryption;
}

function chooseProtection(recipient: KeyRecipient, capabilities: readonly SmimeCapability[]): Protection {
  if (recipient.type === 'secretKey') return protectWithSecretKey(recipient, capabilities);
  const description = describeRecipientKey(recipient.subjectPublicKeyInfo);
  const { identifier, subjectPublicKeyInfo } = recipient;
  if (description.algorithm === 'rsa') {
    // RSA with PKCS #1 v1.5 is what every client has to know (RFC 8551 section 2.3).
    const keyTransport = findKeyTransport(capabilities) ?? 'rsa-pkcs1';
    const contentEncryption = chooseContentEncryption(capabilities, 'aes256-wrap');
    return { recipient: { type: 'keyTransport', identifier, subjectPublicKeyInfo, keyTransport }, contentEncryption };
  }
  if (description.algorithm !== 'ec') throw unsupported('the key can be encrypted to RSA and EC keys only');
  const fallback = agreementAlgorithms[description.curve];
  const { hash, keyWrap } = findKeyAgreement(capabilities) ?? {
    ...fallback,
    keyWrap: findKeyWrap(capabilities) ?? fallback.keyWrap,
  };
  return {
    recipient: { type: 'keyAgreement', identifier, subjectPublicKeyInfo, hash, keyWrap },
    contentEncryption: chooseContentEncryption(capabilities, keyWrap),
  };
}

function describeRecipientKey(subjectPublicKeyInfo: Uint8Array): PublicKeyDescription {
  try {
    return describePublicKey(subjectPublicKeyInfo);
  } catch (error) {
    throw unsupported('the key to encrypt the private key with is not supported', error);
  }
}

function protectWithSecretKey(
  { keyIdentifier, key }: Extract<KeyRecipient, { type: 'secretKey' }>,
  capabilities: readonly SmimeCapability[],
): Protection {
  const keyWrap = keyWrapForLength(key.length);
  if (keyWrap === undefined) throw unsupported('the secret key is not an AES key');
  if (!mayUseKeyWrap(capabilities, keyWrap)) {
    throw unsupported("the client's capabilities do not name the key wrap that the secret key is for");
  }
  return {
    recipient: { type: 'keyEncryptionKey', keyIdentifier, key },
    contentEncryption: chooseContentEncryption(capabilities, keyWrap),
  };
}

function mayUseKeyWrap(capabilities: readonly SmimeCapability[], keyWrap: KeyWrap): boolean {
  const listed = capabilities.map((capability) => findKeyWrap([capability])).filter((name) => name !== undefined);
  return listed.length === 0 || listed.includes(keyWrap);
}

/** The client's first choice; of a client that names ciphers for keys only, the one that goes with them. */
function chooseContentEncryption(capabilities: readonly SmimeCapability[], keyWrap: KeyWrap): ContentEncryption {
  const listed = findContentEncryption(capabilities);
  if (listed !== undefined) return listed;
  const namesKeysOnly = capabilities.every(
    (capability) =>
      findKeyWrap([capability]) !== undefined ||
      findKeyTransport([capability]) !== undefined ||
      findKeyAgreement([capability]) !== undefined,
  );
  if (namesKeysOnly) return contentEncryptions[keyWrap];
  throw unsupported("none of the client's capabilities is a supported content encryption");
}

const contentEncryptions: Readonly<Record<KeyWrap, ContentEncryption>> = {
  'aes128-wrap': 'aes-128-cbc',
  'aes192-wrap': 'aes-192-cbc',
  'aes256-wrap': 'aes-256-cbc',
};

function unsupported(message: string, cause?: unknown): GatewayError {
  return new GatewayError('unsupported-algorithm', message, { cause });
}
