/** OCSP requests as clients make them, wrong ones included, and answers as another library reads them. */
import { createHash, verify, X509Certificate } from 'node:crypto';
import { type BaseBlock, Constructed, Enumerated, fromBER, GeneralizedTime, Integer, OctetString } from 'asn1js';
import { BasicOCSPResponse, OCSPResponse, type SingleResponse } from 'pkijs';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { Tag } from '../../src/x509/der.js';
import { explicit, nullValue, octetString, oid, sequence, tlv, unsignedInteger } from '../../src/x509/der-writer.js';
import { type Extension, encodeExtensions } from '../../src/x509/extensions.js';
import { keyBits } from '../../src/x509/public-key.js';
import type { HashAlgorithm } from '../../src/x509/signature-algorithms.js';

interface CertIdOptions {
  /** DER. */
  readonly issuer: Uint8Array;
  /** Hex. */
  readonly serialNumber: string;
  readonly hash?: HashAlgorithm;
  /** Whether the hash has the parameters NULL, as most write it. */
  readonly hasNull?: boolean;
}

/** DER CertID. */
export function makeCertId({ issuer, serialNumber, hash = 'sha1', hasNull = true }: CertIdOptions): Uint8Array {
  const { subject, subjectPublicKeyInfo } = decodeCertificate(issuer);
  const digest = (data: Uint8Array) => octetString(createHash(hash).update(data).digest());
  return sequence(
    sequence(oid(hashIds[hash]), hasNull ? nullValue : undefined),
    digest(subject),
    digest(keyBits(subjectPublicKeyInfo)),
    unsignedInteger(Buffer.from(serialNumber, 'hex')),
  );
}

const hashIds: Readonly<Record<HashAlgorithm, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

export const nonceId = '1.3.6.1.5.5.7.48.1.2';

/** The extension with an OCTET STRING of these octets in it. */
export function nonceExtension(octets: Uint8Array): Extension {
  return { id: nonceId, critical: false, value: octetString(octets) };
}

interface RequestOptions {
  readonly version?: number;
  readonly extensions?: readonly Extension[];
  readonly singleExtensions?: readonly Extension[];
  /** DER of what comes before the list, such as the requestor's name, and behind tbsRequest, such as a signature. */
  readonly before?: Uint8Array;
  readonly behind?: Uint8Array;
}

/** DER OCSPRequest. */
export function makeOcspRequest(certIds: readonly Uint8Array[], options: RequestOptions = {}): Uint8Array {
  const { version, extensions = [], singleExtensions = [], before, behind } = options;
  const single = singleExtensions.length === 0 ? undefined : explicit(0, encodeExtensions(singleExtensions));
  return sequence(
    sequence(
      version === undefined ? undefined : explicit(0, tlv(Tag.integer, Uint8Array.of(version))),
      before,
      sequence(...certIds.map((certId) => sequence(certId, single))),
      extensions.length === 0 ? undefined : explicit(2, encodeExtensions(extensions)),
    ),
    behind,
  );
}

export interface ReadStatus {
  /** DER CertID. */
  readonly certId: Buffer;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly revokedAt?: Date;
  /** CRLReason. */
  readonly reason?: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
}

export interface ReadResponse {
  readonly statuses: readonly ReadStatus[];
  readonly producedAt: Date;
  /** The responder's certificate, whose key has signed. */
  readonly responder: X509Certificate;
  readonly nonce: Buffer | undefined;
  readonly extensionIds: readonly string[];
}

/** The OCSPResponseStatus, and what a successful response says. @throws Error where signature or responderID are wrong */
export function readOcspResponse(der: Uint8Array): { readonly code: number; readonly response?: ReadResponse } {
  const { responseStatus, responseBytes } = OCSPResponse.fromBER(Uint8Array.from(der));
  const code = responseStatus.valueBlock.valueDec;
  if (responseBytes === undefined) return { code };
  if (responseBytes.responseType !== '1.3.6.1.5.5.7.48.1.1') throw new Error('no BasicOCSPResponse');
  const basic = BasicOCSPResponse.fromBER(responseBytes.response.getValue());
  const { tbsResponseData, signature, certs = [] } = basic;
  const [certificate, ...others] = certs.map((each) => new X509Certificate(Buffer.from(each.toSchema().toBER())));
  if (certificate === undefined || others.length > 0) throw new Error(`${certs.length} certificates`);
  const algorithm = certificate.publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signed = Buffer.from(signature.valueBlock.valueHexView);
  if (!verify(algorithm, Buffer.from(tbsResponseData.tbsView), certificate.publicKey, signed)) {
    throw new Error('the signature is wrong');
  }
  const { subjectPublicKeyInfo } = decodeCertificate(certificate.raw);
  const keyHash = createHash('sha1').update(keyBits(subjectPublicKeyInfo)).digest();
  const named: unknown = tbsResponseData.responderID;
  if (!(named instanceof OctetString) || !keyHash.equals(Buffer.from(named.getValue()))) {
    throw new Error('the responder is another one');
  }
  const extensions = tbsResponseData.responseExtensions ?? [];
  const nonce = extensions.find(({ extnID }) => extnID === nonceId)?.extnValue.getValue();
  const inner = nonce === undefined ? undefined : fromBER(nonce).result;
  return {
    code,
    response: {
      statuses: tbsResponseData.responses.map(readStatus),
      producedAt: tbsResponseData.producedAt,
      responder: certificate,
      nonce: inner instanceof OctetString ? Buffer.from(inner.getValue()) : undefined,
      extensionIds: extensions.map(({ extnID }) => extnID),
    },
  };
}

function readStatus({ certID, certStatus, thisUpdate, nextUpdate }: SingleResponse): ReadStatus {
  const block: BaseBlock = certStatus;
  const known = {
    certId: Buffer.from(certID.toSchema().toBER()),
    thisUpdate,
    nextUpdate,
  };
  const status = (['good', 'revoked', 'unknown'] as const)[block.idBlock.tagNumber];
  if (status === undefined) throw new Error('no status');
  if (!(block instanceof Constructed)) return { ...known, status };
  const [at, explicitReason] = block.valueBlock.value;
  if (!(at instanceof GeneralizedTime)) throw new Error('no revocationTime');
  const coded = explicitReason instanceof Constructed ? explicitReason.valueBlock.value[0] : undefined;
  const reason = coded instanceof Enumerated || coded instanceof Integer ? coded.valueBlock.valueDec : undefined;
  return { ...known, status, revokedAt: at.toDate(), ...(reason === undefined ? {} : { reason }) };
}
