/** RFC 5652 section 5: makes a SignedData with signed attributes. */

import { createHash } from 'node:crypto';
import { decodeCertificate } from '../x509/certificate.js';
import { Tag } from '../x509/der.js';
import {
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  time,
  tlv,
} from '../x509/der-writer.js';
import { rsaEncryption } from '../x509/oids.js';
import { type HashAlgorithm, signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import { encodeCertificateIdentifier, identifyByIssuer, identifyByKey } from './certificate-identifier.js';
import { digestIdentifiers } from './digest-algorithms.js';
import { idContentType, idData, idMessageDigest, idSigningTime } from './oids.js';
import type { CmsSigner } from './signed-data.js';

/** One signature to make. */
export interface Signature {
  readonly signer: CmsSigner;
  /** Ed25519 always uses SHA-512 (RFC 8419 section 2.3). */
  readonly digest: HashAlgorithm;
  /** Default: issuer and serial number, which every CMS reader knows. */
  readonly signerNamedBy?: 'issuer' | 'key';
  /** Signed attributes beside contentType, messageDigest and signingTime: values (DER) by type (dotted OID). */
  readonly attributes?: ReadonlyMap<string, Uint8Array>;
}

export interface SignedContent {
  /** Dotted OID. */
  readonly contentType: string;
  /** What goes into the eContent OCTET STRING; without it there is none, and the digest is that of no octets. */
  readonly content?: Uint8Array | undefined;
  readonly signatures: readonly Signature[];
  /** DER, sent in this order. */
  readonly certificates: readonly Uint8Array[];
  readonly signingTime: Date;
}

/** Signs the content. Returns the DER of the SignedData, to be put into a ContentInfo or an envelope. */
export async function encodeSignedData(signed: SignedContent): Promise<Uint8Array> {
  const { contentType, content, certificates } = signed;
  const signers = await Promise.all(signed.signatures.map((signature) => encodeSignerInfo(signed, signature)));
  const digests = new Set(signed.signatures.map(digestOf));
  return sequence(
    // RFC 5652 section 5.1: 1 while everything is as it was in PKCS #7, 3 for a content that is not id-data.
    smallInteger(contentType === idData ? 1 : 3),
    setOf(...[...digests].map((digest) => digestIdentifiers[digest])),
    sequence(oid(contentType), content === undefined ? undefined : explicit(0, octetString(content))),
    encodeCertificateSet(certificates),
    setOf(...signers),
  );
}

/**
 * CertificateSet under its [0], absent when empty. Not sorted as DER would have it, which CMS does not demand
 * (RFC 5652 section 1.1): many clients take the first certificate for their own.
 */
export function encodeCertificateSet(certificates: readonly Uint8Array[]): Uint8Array | undefined {
  return certificates.length === 0 ? undefined : tlv(Tag.context(0), ...certificates);
}

const noOctets = new Uint8Array(0);

function digestOf({ signer, digest }: Signature): HashAlgorithm {
  return signer.algorithm === 'ed25519' ? 'sha512' : digest;
}

async function encodeSignerInfo(signed: SignedContent, signature: Signature): Promise<Uint8Array> {
  const { signer } = signature;
  const digest = digestOf(signature);
  const attributes = setOf(
    encodeAttribute(idContentType, oid(signed.contentType)),
    encodeAttribute(idSigningTime, time(signed.signingTime)),
    encodeAttribute(
      idMessageDigest,
      octetString(
        createHash(digest)
          .update(signed.content ?? noOctets)
          .digest(),
      ),
    ),
    ...[...(signature.attributes ?? [])].map(([type, value]) => encodeAttribute(type, value)),
  );
  const octets = await signer.sign(attributes, digest);
  const { version, identifier } = nameSigner(signature);
  return sequence(
    smallInteger(version),
    identifier,
    digestIdentifiers[digest],
    implicit(0, attributes),
    signatureAlgorithm(signer.algorithm, digest),
    octetString(octets),
  );
}

/** RFC 5652 section 5.3: the form of the name decides the version. */
function nameSigner({ signer, signerNamedBy = 'issuer' }: Signature): { version: number; identifier: Uint8Array } {
  if (signerNamedBy === 'issuer') return { version: 1, identifier: signerIdentifier(signer.certificate) };
  const name = identifyByKey(decodeCertificate(signer.certificate));
  return { version: name.type === 'subjectKeyIdentifier' ? 3 : 1, identifier: encodeCertificateIdentifier(name) };
}

function signerIdentifier(certificate: Uint8Array): Uint8Array {
  const known = signerIdentifiers.get(certificate);
  if (known !== undefined) return known;
  const identifier = encodeCertificateIdentifier(identifyByIssuer(decodeCertificate(certificate)));
  signerIdentifiers.set(certificate, identifier);
  return identifier;
}

/** The same signer signs one message after the other. */
const signerIdentifiers = new WeakMap<Uint8Array, Uint8Array>();

function encodeAttribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}

// RFC 3370 section 3.2 names rsaEncryption for PKCS #1 v1.5; strongSwan 5.9 understands nothing else.
const rsaIdentifier = sequence(oid(rsaEncryption), nullValue);

function signatureAlgorithm(key: CmsSigner['algorithm'], digest: HashAlgorithm): Uint8Array {
  return key === 'rsa' ? rsaIdentifier : signatureAlgorithmFor(key, digest).identifier;
}
