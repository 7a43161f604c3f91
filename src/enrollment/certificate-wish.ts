/** What a would-be request asks for, as a dry run is given it: a PKCS #10 request, or names and a key. */
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { DerError } from '../x509/der.js';
import { encodeGeneralNames, type GeneralName } from '../x509/general-names.js';
import { encodeName } from '../x509/names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { fromPem } from '../x509/pem.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../x509/pkcs10.js';
import { UnsupportedKeyError } from '../x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../x509/signature-algorithms.js';

const alternativeKinds = ['dns', 'ip', 'email', 'uri'] as const;

/** As people and programs write it. Exactly one of `csr`, `publicKey` and `generateKey`. */
export interface WrittenWish {
  /** PEM. */
  readonly csr?: string | undefined;
  /** PEM. */
  readonly publicKey?: string | undefined;
  /** The gateway makes the key. */
  readonly generateKey?: { readonly type?: GeneratedKeyType | undefined } | undefined;
  /** RFC 4514 text. */
  readonly subject?: string | undefined;
  readonly subjectAltNames?: { readonly [Kind in (typeof alternativeKinds)[number]]?: readonly string[] | undefined };
}

export type CertificateWish =
  /** DER CertificationRequest. */
  | { readonly csr: Uint8Array }
  | { readonly names: RequestedCertificate; readonly generateKey?: { readonly type?: GeneratedKeyType } };

/** @throws GatewayError `malformed-request` for text that cannot be read, and for none or several of the ways to say it */
export function readWish({ csr, publicKey, generateKey, subject, subjectAltNames = {} }: WrittenWish): CertificateWish {
  if ([csr, publicKey, generateKey].filter((given) => given !== undefined).length !== 1)
    throw new GatewayError('malformed-request', 'give one of csr, publicKey and generateKey');
  const alternatives = alternativeKinds.flatMap((type) =>
    (subjectAltNames[type] ?? []).map((value): GeneralName => ({ type, value })),
  );
  if (csr !== undefined) {
    if (subject === undefined && alternatives.length === 0)
      return { csr: readBlock('csr', csr, ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']) };
    throw new GatewayError('malformed-request', 'the names are in the csr: leave subject and subjectAltNames out');
  }
  const names = {
    subject: reading('subject', () => encodeName(parseName(subject ?? ''))),
    extensions:
      alternatives.length === 0
        ? []
        : [
            {
              id: idCeSubjectAltName,
              critical: false,
              value: reading('subjectAltNames', () => encodeGeneralNames(alternatives)),
            },
          ],
  };
  if (publicKey !== undefined)
    return { names: { ...names, subjectPublicKeyInfo: readBlock('publicKey', publicKey, ['PUBLIC KEY']) } };
  const type = generateKey?.type;
  return { names, generateKey: type === undefined ? {} : { type } };
}

/**
 * What a wish requests, in no protocol's words.
 * @throws GatewayError as the protocols do for a request that cannot be read, or is not signed with its own key
 */
export function requestedBy(wish: CertificateWish): RequestedCertificate {
  if (!('csr' in wish)) return wish.names;
  try {
    const csr = decodeCertificationRequest(wish.csr);
    if (!verifyCertificationRequest(csr))
      throw new GatewayError(
        'invalid-proof-of-possession',
        'the signature of the PKCS #10 request does not fit its public key',
      );
    const { subject, subjectPublicKeyInfo, extensions } = csr;
    const { hash } = decodeSignatureAlgorithm(csr.signatureAlgorithm);
    return { subject, subjectPublicKeyInfo, extensions, ...(hash === undefined ? {} : { requestHash: hash }) };
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(cause: unknown): unknown {
  if (cause instanceof DerError)
    return new GatewayError('malformed-request', `the PKCS #10 request is malformed: ${cause.message}`, { cause });
  if (cause instanceof UnsupportedAlgorithmError)
    return new GatewayError('unsupported-algorithm', `the signature is not supported: ${cause.message}`, { cause });
  if (cause instanceof UnsupportedKeyError)
    return new GatewayError('unacceptable-key', `the public key cannot be certified: ${cause.message}`, { cause });
  return cause;
}

function readBlock(field: string, pem: string, labels: readonly string[]): Uint8Array {
  const [block, other] = reading(field, () => labels.flatMap((label) => fromPem(pem, label)));
  if (block !== undefined && other === undefined) return block;
  throw new GatewayError('malformed-request', `${field} must be one PEM block: ${labels[0]}`);
}

function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError || cause instanceof DerError)) throw cause;
    // What the field has in it may be long.
    throw new GatewayError('malformed-request', `${field} cannot be read: ${cause.message.slice(0, 200)}`, { cause });
  }
}
