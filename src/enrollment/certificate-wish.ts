/** What a would-be request asks for, as a dry run is given it: a PKCS #10 request, or names and a key. */
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import {
  alternativeNames,
  encodeWrittenNames,
  readCsrPem,
  readProvenCsr,
  readPublicKeyPem,
  type WrittenNames,
} from '../x509/written-request.js';

/** As people and programs write it. Exactly one of `csr`, `publicKey` and `generateKey`. */
export interface WrittenWish extends WrittenNames {
  /** PEM. */
  readonly csr?: string | undefined;
  /** PEM. */
  readonly publicKey?: string | undefined;
  /** The gateway makes the key. */
  readonly generateKey?: { readonly type?: GeneratedKeyType | undefined } | undefined;
}

export type CertificateWish =
  /** DER CertificationRequest. */
  | { readonly csr: Uint8Array }
  | { readonly names: RequestedCertificate; readonly generateKey?: { readonly type?: GeneratedKeyType } };

/** @throws GatewayError `malformed-request` for text that cannot be read, and for none or several of the ways to say it */
export function readWish({ csr, publicKey, generateKey, ...written }: WrittenWish): CertificateWish {
  if ([csr, publicKey, generateKey].filter((given) => given !== undefined).length !== 1) {
    throw new GatewayError('malformed-request', 'give one of csr, publicKey and generateKey');
  }
  if (csr !== undefined) {
    if (written.subject === undefined && alternativeNames(written).length === 0) return { csr: readCsrPem('csr', csr) };
    throw new GatewayError('malformed-request', 'the names are in the csr: leave subject and subjectAltNames out');
  }
  const names = encodeWrittenNames(written);
  if (publicKey !== undefined) {
    return { names: { ...names, subjectPublicKeyInfo: readPublicKeyPem('publicKey', publicKey) } };
  }
  const type = generateKey?.type;
  return { names, generateKey: type === undefined ? {} : { type } };
}

/**
 * What a wish requests, in no protocol's words.
 * @throws GatewayError as the protocols do for a request that cannot be read, or is not signed with its own key
 */
export function requestedBy(wish: CertificateWish): RequestedCertificate {
  return 'csr' in wish ? readProvenCsr(wish.csr) : wish.names;
}
