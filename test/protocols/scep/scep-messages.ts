/** Builds pkiMessages as a client would, wrong ones included, and reads CertReps. */

import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { singleValue } from '../../../src/cms/attributes.js';
import { identifyByIssuer } from '../../../src/cms/certificate-identifier.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import type { ContentEncryption } from '../../../src/cms/content-encryption.js';
import { decodeEnvelopedData, encodeEnvelopedData } from '../../../src/cms/enveloped-data.js';
import { openEnvelopedData } from '../../../src/cms/open-enveloped-data.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { findSignerCertificate } from '../../../src/cms/verify-signed-data.js';
import { createKeyOpener } from '../../../src/keys/rsa-key-transport.js';
import type { EncryptionServiceKey } from '../../../src/service-key.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { readString } from '../../../src/x509/character-strings.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import {
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  smallInteger,
  time,
  tlv,
  unsignedInteger,
} from '../../../src/x509/der-writer.js';
import type { KeyTransport } from '../../../src/x509/key-transport.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { makeCertificate, privateKeyOf, type TestCertificate } from '../../support/make-chain.js';
import type { KeyPair } from '../../support/make-csr.js';
import { cmsIds, scepAttributes } from '../../support/scep-identifiers.js';

/** A certificate with its key. */
export interface Identity {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** The same `key` (`rsa…` or other, for P-256) is the same key; self-signed unless it says otherwise. */
export function makeIdentity(spec: TestCertificate): Identity {
  return { certificate: makeCertificate(spec), privateKey: privateKeyOf(spec.key ?? spec.subject) };
}

export function keyPairOf({ certificate, privateKey }: Identity): KeyPair {
  return { privateKey, publicKey: importPublicKey(decodeCertificate(certificate).subjectPublicKeyInfo) };
}

export function makeRaKey(spec: TestCertificate): EncryptionServiceKey {
  const { certificate, privateKey } = makeIdentity(spec);
  return {
    certificate,
    chain: [],
    algorithm: 'rsa',
    sign: async (data, hash) => sign(hash, data, privateKey),
    openKey: createKeyOpener(privateKey),
  };
}

export const attribute = { ...scepAttributes, ...cmsIds };

export interface EnvelopeOptions {
  /** DER. */
  readonly to: Uint8Array;
  readonly cipher?: ContentEncryption;
  readonly keyTransport?: KeyTransport;
}

export function makeEnvelope(content: Uint8Array, options: EnvelopeOptions): Uint8Array {
  const { to, cipher: contentEncryption = 'aes-128-cbc', keyTransport = 'rsa-pkcs1' } = options;
  const certificate = decodeCertificate(to);
  return encodeEnvelopedData({
    contentType: '1.2.840.113549.1.7.1',
    content,
    contentEncryption,
    recipient: {
      type: 'keyTransport',
      identifier: identifyByIssuer(certificate),
      subjectPublicKeyInfo: certificate.subjectPublicKeyInfo,
      keyTransport,
    },
  });
}

export interface MessageOptions {
  readonly signer: Identity;
  /** Signs in the signer's place. */
  readonly signedBy?: KeyObject;
  /** The eContent; none when undefined. */
  readonly envelope?: Uint8Array | undefined;
  readonly messageType?: string;
  readonly digest?: 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'md5';
  readonly signingTime?: Date;
  /** DER values that replace those above; undefined leaves an attribute out. */
  readonly attributes?: Readonly<Record<string, Uint8Array | undefined>>;
  /** DER; the signer's alone when undefined. */
  readonly certificates?: readonly Uint8Array[];
  readonly signers?: number;
}

export const transactionId = printableString('4A616D657320426F6E64');
export const senderNonce = Uint8Array.from({ length: 16 }, (_, i) => i + 1);

/** DER of the ContentInfo. */
export function makeMessage(options: MessageOptions): Uint8Array {
  const { signer, envelope, messageType = '19', digest = 'sha256', signers = 1 } = options;
  const digestAlgorithm = sequence(oid(digestOids[digest]), nullValue);
  const values: Record<string, Uint8Array | undefined> = {
    [attribute.contentType]: oid(idData),
    [attribute.messageDigest]: octetString(
      createHash(digest)
        .update(envelope ?? '')
        .digest(),
    ),
    ...(options.signingTime === undefined ? {} : { [attribute.signingTime]: time(options.signingTime) }),
    [attribute.messageType]: printableString(messageType),
    [attribute.senderNonce]: octetString(senderNonce),
    [attribute.transactionId]: transactionId,
    ...options.attributes,
  };
  const attributes = setOf(
    ...Object.entries(values).flatMap(([type, value]) => (value ? [sequence(oid(type), setOf(value))] : [])),
  );
  const key = options.signedBy ?? signer.privateKey;
  const algorithm = { rsa: sequence(oid('1.2.840.113549.1.1.1'), nullValue), ed25519: sequence(oid('1.3.101.112')) };
  const { issuer, serialNumber } = decodeCertificate(signer.certificate);
  const signerInfo = sequence(
    smallInteger(1),
    sequence(issuer, unsignedInteger(Buffer.from(serialNumber, 'hex'))),
    digestAlgorithm,
    implicit(0, attributes),
    key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ed25519'
      ? algorithm[key.asymmetricKeyType]
      : sequence(oid('1.2.840.10045.4.3.2')),
    octetString(sign(key.asymmetricKeyType === 'ed25519' ? null : digest, attributes, key)),
  );
  return sequence(
    oid('1.2.840.113549.1.7.2'),
    explicit(
      0,
      sequence(
        smallInteger(1),
        setOf(digestAlgorithm),
        sequence(oid(idData), envelope && explicit(0, octetString(envelope))),
        tlv(Tag.context(0), ...(options.certificates ?? [signer.certificate])),
        setOf(...Array.from({ length: signers }, () => signerInfo)),
      ),
    ),
  );
}

const idData = '1.2.840.113549.1.7.1';
const digestOids = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

export interface CertRep {
  readonly pkiStatus: string | undefined;
  readonly failInfo: string | undefined;
  readonly failInfoText: string | undefined;
  /** DER. */
  readonly transactionId: Uint8Array | undefined;
  readonly recipientNonce: Uint8Array | undefined;
  readonly senderNonce: Uint8Array | undefined;
  readonly digest: string | undefined;
  /** DER. */
  readonly signerCertificate: Uint8Array | undefined;
  readonly envelope: Uint8Array | undefined;
}

/** Reads a CertRep, after verifying its signature with the certificate that came with it. */
export function readCertRep(body: Uint8Array | string): CertRep {
  if (typeof body === 'string') throw new Error(`no CertRep: ${body}`);
  const signedData = decodeSignedData(body);
  const [signer] = signedData.signers;
  const certificate = signer && findSignerCertificate(signedData, signer);
  if (signer?.signed === undefined || signer.digest === undefined || certificate === undefined) {
    throw new Error('no signer');
  }
  const attributes = signer.signedAttributes;
  const octets = (type: string) => {
    const value = singleValue(attributes, type);
    return value && DerReader.decode(value, (r) => r.octetString());
  };
  const text = (type: string) => {
    const value = singleValue(attributes, type);
    return value && DerReader.decode(value, readString).value;
  };
  const digest = createHash(signer.digest)
    .update(signedData.content ?? '')
    .digest();
  if (!digest.equals(octets(attribute.messageDigest) ?? Buffer.of())) throw new Error('wrong message digest');
  const key = importPublicKey(certificate.subjectPublicKeyInfo);
  if (!verify(signer.digest, signer.signed, key, signer.signature)) throw new Error('wrong signature');
  if (text(attribute.messageType) !== '3') throw new Error('wrong messageType');
  return {
    pkiStatus: text(attribute.pkiStatus),
    failInfo: text(attribute.failInfo),
    failInfoText: text(attribute.failInfoText),
    transactionId: singleValue(attributes, attribute.transactionId),
    recipientNonce: octets(attribute.recipientNonce),
    senderNonce: octets(attribute.senderNonce),
    digest: signer.digest,
    signerCertificate: certificate.der,
    envelope: signedData.content,
  };
}

/** Opens an envelope by RSA key transport. */
export async function openForRsa({ envelope }: CertRep, { certificate, privateKey }: Identity) {
  const data = decodeEnvelopedData(envelope ?? Buffer.of());
  const [recipient] = data.recipients;
  if (recipient?.type !== 'keyTransport') throw new Error('no key transport');
  expectSame(recipient.identifier, identifyByIssuer(decodeCertificate(certificate)));
  return openEnvelopedData(data, recipient, createKeyOpener(privateKey));
}

export async function certificatesFor(rep: CertRep, identity: Identity): Promise<readonly Uint8Array[]> {
  return decodeCertsOnly((await openForRsa(rep, identity)).content);
}

function expectSame(a: object, b: object): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error('the recipient is another');
}
