/** serverkeygen: the gateway makes the key pair and sends it with the certificate (RFC 7030 4.4). */

import type { GatewayMadeKey, KeyRecipient } from '../../src/enrollment/request.js';
import type { GeneratedKey } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import type { GeneratedKeyType, KeyConstraints } from '../../src/model/key-constraints.js';
import type { PolicyView } from '../../src/policy-view.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { DerError } from '../../src/x509/der.js';
import { describePublicKey, type PublicKeyDescription, UnsupportedKeyError } from '../../src/x509/public-key.js';
import { decodePkcs10Body, readCredentials } from './decode.js';
import { generatedKeyReply } from './encode.js';
import type { Enrollment, Issued } from './enrollment.js';
import { decodeKeyDeliveryWishes, type KeyDeliveryWishes } from './key-delivery-attributes.js';
import { encodeEncryptedKey, type KeyRecipient as PackageRecipient } from './key-package.js';
import { checkLinking } from './linking.js';
import { readRequestedNames } from './requested-names.js';
import { transactionId } from './transaction-id.js';

/** Reads the request; its key and signature are not used (RFC 7030 4.4.1), only the key's kind is. @throws GatewayError */
export function readKeyGeneration(exchange: Exchange, policy: PolicyView, services: ProtocolServices): Enrollment {
  const csr = decodePkcs10Body(exchange);
  checkLinking(csr.challengePassword, policy.est.challengePassword, exchange.tls);
  const wishes = decodeKeyDeliveryWishes(csr.attributes);
  const names = readRequestedNames(csr, exchange.tls?.clientChain[0]);
  const { subject, extensions, changesNames } = names;
  return {
    request: {
      ...originOf(exchange),
      protocol: 'est',
      operation: 'enroll',
      // A key that was approved for one recipient goes to no other, nor in the clear, to whoever has the same credential.
      transactionId: transactionId(`serverkeygen ${recipientId(wishes)}`, names),
      requested: { subject, extensions },
      generateKey: gatewayMadeKey(csr.subjectPublicKeyInfo, policy.keys, wishes),
      credentials: readCredentials(exchange),
      ...(changesNames ? { changesNames } : {}),
    },
    answer: (issued) => deliverKey(issued, wishes, exchange.params.label, services),
  };
}

function gatewayMadeKey(
  subjectPublicKeyInfo: Uint8Array,
  allowed: KeyConstraints,
  wishes: KeyDeliveryWishes,
): GatewayMadeKey {
  const type = likeKey(subjectPublicKeyInfo, allowed);
  const recipient = recipientOf(wishes);
  return { ...(type === undefined ? {} : { type }), ...(recipient === undefined ? {} : { recipient }) };
}

function recipientOf({
  decryptKeyIdentifier,
  asymmetricDecryptKeyIdentifier,
}: KeyDeliveryWishes): KeyRecipient | undefined {
  if (decryptKeyIdentifier !== undefined) return { kind: 'key-wrap-key', identifier: decryptKeyIdentifier };
  if (asymmetricDecryptKeyIdentifier === undefined) return undefined;
  return { kind: 'certificate', subjectKeyIdentifier: asymmetricDecryptKeyIdentifier };
}

function recipientId({ decryptKeyIdentifier, asymmetricDecryptKeyIdentifier }: KeyDeliveryWishes): string {
  const [kind, identifier] =
    decryptKeyIdentifier === undefined ? ['public', asymmetricDecryptKeyIdentifier] : ['secret', decryptKeyIdentifier];
  return identifier === undefined ? 'clear' : `${kind} ${Buffer.from(identifier).toString('hex')}`;
}

/**
 * RFC 7030 has no field for the type of key that a client wants, so the kind of key in its request is the hint. Many
 * clients put any key there: what the policy would refuse is no wish, and the policy's own choice applies.
 */
function likeKey(subjectPublicKeyInfo: Uint8Array, allowed: KeyConstraints): GeneratedKeyType | undefined {
  const key = describeLeniently(subjectPublicKeyInfo);
  if (key?.algorithm === 'rsa') {
    const { minimumBits, maximumBits } = allowed.rsa ?? { minimumBits: Number.POSITIVE_INFINITY, maximumBits: 0 };
    return key.bits >= minimumBits && key.bits <= maximumBits ? rsaTypes.get(key.bits) : undefined;
  }
  if (key?.algorithm === 'ec') return allowed.ec?.curves.includes(key.curve) ? ecTypes[key.curve] : undefined;
  return key?.algorithm === 'ed25519' && allowed.ed25519 ? 'ed25519' : undefined;
}

const rsaTypes: ReadonlyMap<number, GeneratedKeyType> = new Map([
  [2048, 'rsa-2048'],
  [3072, 'rsa-3072'],
  [4096, 'rsa-4096'],
]);
const ecTypes = { 'P-256': 'ec-p256', 'P-384': 'ec-p384', 'P-521': 'ec-p521' } as const;

function describeLeniently(subjectPublicKeyInfo: Uint8Array): PublicKeyDescription | undefined {
  try {
    return describePublicKey(subjectPublicKeyInfo);
  } catch (error) {
    if (error instanceof DerError || error instanceof UnsupportedKeyError) return undefined;
    throw error;
  }
}

async function deliverKey(
  { certificate, generatedKey }: Issued,
  wishes: KeyDeliveryWishes,
  label: string | undefined,
  services: ProtocolServices,
): Promise<Reply> {
  if (generatedKey === undefined) throw new GatewayError('internal', 'there is no key to deliver');
  const { pkcs8, recipient } = generatedKey;
  if (recipient === undefined) {
    // Never in the clear to a client that asked for more.
    if (recipientOf(wishes) !== undefined) throw new GatewayError('internal', 'the key has nobody to be encrypted to');
    return generatedKeyReply(pkcs8, false, certificate);
  }
  const signer = await services.serviceKey('key-generation', label);
  const encrypted = await encodeEncryptedKey({
    pkcs8,
    signer,
    certificates: [signer.certificate, ...signer.chain],
    signingTime: services.clock.now(),
    recipient: packageRecipient(recipient, wishes),
    capabilities: wishes.capabilities,
  });
  return generatedKeyReply(encrypted, true, certificate);
}

function packageRecipient(
  recipient: NonNullable<GeneratedKey['recipient']>,
  { asymmetricDecryptKeyIdentifier }: KeyDeliveryWishes,
): PackageRecipient {
  if (recipient.kind === 'key-wrap-key') {
    return { type: 'secretKey', keyIdentifier: recipient.identifier, key: recipient.key };
  }
  if (asymmetricDecryptKeyIdentifier === undefined) {
    throw new GatewayError('internal', 'the key is for a certificate that was not asked for');
  }
  // RFC 7030 4.4.2: the identifier "copied from the attribute".
  return {
    type: 'publicKey',
    identifier: { type: 'subjectKeyIdentifier', subjectKeyIdentifier: asymmetricDecryptKeyIdentifier },
    subjectPublicKeyInfo: decodeCertificate(recipient.certificate).subjectPublicKeyInfo,
  };
}
