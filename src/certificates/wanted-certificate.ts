/** What operators ask certificates for: a PKCS #10 request as text, names as text, or the names of a certificate on record. */
import { GatewayError } from '../errors.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { decodeCertificate } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { encodeGeneralNames } from '../x509/general-names.js';
import { encodeName } from '../x509/names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { fromPem } from '../x509/pem.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../x509/pkcs10.js';
import { UnsupportedKeyError } from '../x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../x509/signature-algorithms.js';

/** @param pem one PKCS #10 request, whose signature proves possession of its key @throws GatewayError */
export function readCertificationRequest(pem: string): RequestedCertificate {
  const [der, second] = readBlocks(pem);
  if (der === undefined || second !== undefined) {
    throw new GatewayError('malformed-request', 'the PKCS #10 request is to be one PEM block: CERTIFICATE REQUEST');
  }
  try {
    const request = decodeCertificationRequest(der);
    if (!verifyCertificationRequest(request)) {
      throw new GatewayError(
        'invalid-proof-of-possession',
        'the signature of the PKCS #10 request does not fit its public key',
      );
    }
    const { subject, subjectPublicKeyInfo, extensions } = request;
    const { hash } = decodeSignatureAlgorithm(request.signatureAlgorithm);
    return { subject, subjectPublicKeyInfo, extensions, ...(hash === undefined ? {} : { requestHash: hash }) };
  } catch (error) {
    throw refusalOf(error);
  }
}

export interface WantedNames {
  /** RFC 4514 text. */
  readonly subject?: string | undefined;
  readonly subjectAltNames?:
    | { readonly [Type in (typeof alternativeTypes)[number]]?: readonly string[] | undefined }
    | undefined;
}

export const alternativeTypes = ['dns', 'ip', 'email', 'uri'] as const;

/** @throws GatewayError `malformed-request` */
export function encodeNames({ subject = '', subjectAltNames = {} }: WantedNames): RequestedCertificate {
  const alternatives = alternativeTypes.flatMap((type) =>
    (subjectAltNames[type] ?? []).map((value) => ({ type, value })),
  );
  try {
    const extensions =
      alternatives.length === 0
        ? []
        : [{ id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(alternatives) }];
    return { subject: encodeName(parseName(subject)), extensions };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError || error instanceof DerError)) throw error;
    // What is in it may be long.
    throw new GatewayError('malformed-request', `the names cannot be read: ${error.message.slice(0, 200)}`, {
      cause: error,
    });
  }
}

/**
 * What a renewal asks for: all that the certificate has of what a request may ask for. The key is the certificate's own.
 * @param requestable the extensions that a request is asked for, besides the names
 */
export function wishesOf(der: Uint8Array, requestable: ReadonlySet<string>): RequestedCertificate {
  const { subject, subjectPublicKeyInfo, extensions } = decodeCertificate(der);
  return {
    subject,
    subjectPublicKeyInfo,
    extensions: extensions.filter(({ id }) => id === idCeSubjectAltName || requestable.has(id)),
  };
}

function readBlocks(pem: string): readonly Uint8Array[] {
  try {
    return ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'].flatMap((label) => fromPem(pem, label));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new GatewayError('malformed-request', 'the PKCS #10 request is no PEM', { cause });
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof DerError) {
    return new GatewayError('malformed-request', `the PKCS #10 request is malformed: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof UnsupportedAlgorithmError) {
    return new GatewayError('unsupported-algorithm', `the PKCS #10 request is not supported: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof UnsupportedKeyError) {
    return new GatewayError('unacceptable-key', `the public key cannot be certified: ${error.message}`, {
      cause: error,
    });
  }
  return error;
}
