/** RFC 7030 section 4.4.2: a gateway-made private key as EnvelopedData(SignedData(AsymmetricKeyPackage)), RFC 5958. */

import type { CertificateIdentifier } from '../../src/cms/certificate-identifier.js';
import type { ContentEncryption } from '../../src/cms/content-encryption.js';
import { encodeSignedData } from '../../src/cms/encode-signed-data.js';
import { encodeEnvelopedData } from '../../src/cms/enveloped-data.js';
import { type KeyWrap, keyWrapForLength } from '../../src/cms/key-wrap.js';
import { idSignedData } from '../../src/cms/oids.js';
import type { KeyAgreementHash, Recipient } from '../../src/cms/recipient-infos.js';
import type { CmsSigner } from '../../src/cms/signed-data.js';
import {
  findContentEncryption,
  findKeyAgreement,
  findKeyTransport,
  findKeyWrap,
  type SmimeCapability,
} from '../../src/cms/smime-capabilities.js';
import { GatewayError } from '../../src/errors.js';
import { sequence } from '../../src/x509/der-writer.js';
import { describePublicKey, type NamedCurve, type PublicKeyDescription } from '../../src/x509/public-key.js';

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
  const content = await encodeSignedData({
    contentType: idCtKpAKeyPackage,
    content: sequence(pkcs8),
    signatures: [{ signer, digest: 'sha256' }],
    certificates,
    signingTime,
  });
  return encodeEnvelopedData({ contentType: idSignedData, content, contentEncryption, recipient });
}

const idCtKpAKeyPackage = '2.16.840.1.101.2.1.2.78.5';

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
  const fallback = curveDefaults[description.curve];
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

/** RFC 5753 section 8 pairs the curves with algorithms of like strength. */
const curveDefaults: Readonly<Record<NamedCurve, { hash: KeyAgreementHash; keyWrap: KeyWrap }>> = {
  'P-256': { hash: 'sha256', keyWrap: 'aes128-wrap' },
  'P-384': { hash: 'sha384', keyWrap: 'aes256-wrap' },
  'P-521': { hash: 'sha512', keyWrap: 'aes256-wrap' },
};

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
