/** Keys that the gateway makes (RFC 9483 4.1.6): which one is asked for, and how it gets to the sender of the message alone. */

import { identifyByKey } from '../../src/cms/certificate-identifier.js';
import type { ContentEncryption } from '../../src/cms/content-encryption.js';
import { sealEnvelope } from '../../src/cms/enveloped-data.js';
import { encodeKeyPackage, withPublicKey } from '../../src/cms/key-package.js';
import { idSignedData } from '../../src/cms/oids.js';
import { createPasswordRecipient } from '../../src/cms/password-recipient.js';
import { agreementAlgorithms, type Recipient } from '../../src/cms/recipient-infos.js';
import type { GatewayMadeKey } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import { type Certificate, decodeCertificate, extension } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeKeyUsage } from '../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../src/x509/oids.js';
import { describePublicKey } from '../../src/x509/public-key.js';
import type { CertReqMsg } from './asn1/cert-request.js';
import { visibleCertificates } from './encode-answer.js';
import { CmpError } from './errors.js';
import { wantedKeyType } from './key-type-wish.js';
import { type CmpRequest, outlineFor } from './request.js';
import type { Protection } from './sender.js';

/**
 * What a message whose template has no public key asks for.
 * @throws GatewayError `forbidden` where the sender is not the device itself, or its certificate is not one to encrypt to
 */
export function readGeneratedKey(request: CmpRequest, { template, popo }: CertReqMsg): GatewayMadeKey {
  const { message, sender } = request;
  // RFC 9480 2.20: EnvelopedData came with it.
  if (message.header.pvno < 3) {
    throw new CmpError(
      'badCertTemplate',
      'the certTemplate has no public key; a key that the gateway is to make needs version 3 of the message',
    );
  }
  if (popo !== undefined) {
    throw new GatewayError('invalid-proof-of-possession', 'nobody possesses a key that the gateway is to make');
  }
  // RFC 9483 5.2.3: the device's own protection says who the key is for.
  if (sender.requester.isRegistrationAuthority) {
    throw new GatewayError(
      'forbidden',
      'a key that the gateway makes goes to the device, whose message must come as it is',
    );
  }
  requireReader(sender.protection);
  const { publicKeyWish } = template;
  return publicKeyWish === undefined ? {} : { type: wantedKeyType(publicKeyWish, outlineFor(request).keys) };
}

/** Encrypts the key that was made for the sender of the message: DER EnvelopedData. */
export async function sealGeneratedKey(
  { services, exchange, policy, sender }: CmpRequest,
  { generatedKey, certificate }: Extract<EnrollmentResult, { outcome: 'issued' }>,
): Promise<Uint8Array> {
  if (generatedKey === undefined) throw new GatewayError('internal', 'there is no key to deliver');
  const signer = await services.serviceKey('key-generation', exchange.params.label);
  const { subjectPublicKeyInfo } = decodeCertificate(certificate);
  const content = await encodeKeyPackage({
    key: withPublicKey(generatedKey.pkcs8, subjectPublicKeyInfo),
    signature: { signer, digest: 'sha256', signerNamedBy: 'key' },
    certificates: [
      ...visibleCertificates([signer.certificate, ...signer.chain], policy),
      ...(await services.linksToEarlierRoots(exchange.params.label)),
    ],
    signingTime: services.clock.now(),
  });
  return sealEnvelope({ contentType: idSignedData, content, ...(await readerOf(sender.protection)) });
}

/** RFC 9483 4.1.6.1 and 4.1.6.2; where there is no key usage every use is allowed. */
function requireReader(protection: Protection): void {
  if (protection.kind === 'mac') return;
  const { algorithm } = describeKey(protection.certificate);
  const usage = algorithm === 'rsa' ? 'keyEncipherment' : 'keyAgreement';
  const value = extension(protection.certificate, idCeKeyUsage);
  if (value === undefined || decoding('the protection certificate', () => decodeKeyUsage(value)).includes(usage))
    return;
  throw new GatewayError(
    'forbidden',
    `a key that the gateway makes needs a protection certificate with the key usage ${usage}`,
  );
}

/** Keys that others can be encrypted to. */
function describeKey({ subjectPublicKeyInfo }: Certificate) {
  const key = decoding('the protection certificate', () => describePublicKey(subjectPublicKeyInfo));
  if ((key.algorithm === 'rsa' && !key.pss) || key.algorithm === 'ec') return key;
  throw new GatewayError(
    'forbidden',
    `a key that the gateway makes cannot be encrypted to an ${key.algorithm === 'rsa' ? 'RSASSA-PSS' : key.algorithm} key`,
  );
}

interface Reader {
  readonly recipient: Recipient;
  readonly contentEncryption: ContentEncryption;
}

/**
 * The certificate that the request is protected with is named as recipient, not that of the answer, although RFC 9483 calls
 * both "the CMP protection certificate": clients look for their own (RFC 5652 6.2). The originator of key agreement is a
 * key of its own for each envelope, because RFC 9481 4.1.2 allows no static one.
 */
async function readerOf(protection: Protection): Promise<Reader> {
  if (protection.kind === 'mac') {
    const recipient = await createPasswordRecipient(protection.secret, 'aes256-wrap');
    return { recipient, contentEncryption: 'aes-256-cbc' };
  }
  const { certificate } = protection;
  const { subjectPublicKeyInfo } = certificate;
  const key = describeKey(certificate);
  const identifier = decoding('the protection certificate', () => identifyByKey(certificate));
  const named = { identifier, subjectPublicKeyInfo };
  if (key.algorithm === 'rsa') {
    const recipient = { ...named, type: 'keyTransport', keyTransport: 'rsa-oaep-sha256' } as const;
    return { recipient, contentEncryption: 'aes-256-cbc' };
  }
  const algorithms = agreementAlgorithms[key.curve];
  return {
    recipient: { ...named, ...algorithms, type: 'keyAgreement' },
    contentEncryption: algorithms.keyWrap === 'aes128-wrap' ? 'aes-128-cbc' : 'aes-256-cbc',
  };
}
