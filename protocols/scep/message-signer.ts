/** Who signed a message: verifies the signature, and says what the signer's certificate is to the request. */

import type { KeyObject } from 'node:crypto';
import { findSignerCertificate, verifySigner } from '../../src/cms/verify-signed-data.js';
import { GatewayError } from '../../src/errors.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { Certificate } from '../../src/x509/certificate.js';
import { namesEqual } from '../../src/x509/names.js';
import { importPublicKey } from '../../src/x509/public-key.js';
import type { HashAlgorithm } from '../../src/x509/signature-algorithms.js';
import { decoding } from './errors.js';
import type { PkiMessage } from './pki-message.js';

export interface MessageSigner {
  /** As it came with the message; whether to trust it is for others to say. */
  readonly certificate: Certificate;
  /** The certificate's, imported. */
  readonly key: KeyObject;
  /** Issued by its own subject: as a rule, made by the client to carry a key that has no certificate yet. */
  readonly isSelfIssued: boolean;
}

/** Verifies the message's signature. `legacy`: whether SHA-1 will do. @throws GatewayError */
export function verifyMessageSigner({ signedData, signer }: PkiMessage, legacy: boolean): MessageSigner {
  if (signer.digest === 'sha1' && !legacy) {
    throw new GatewayError(
      'unsupported-algorithm',
      'the message is signed with SHA-1, which the policy does not accept',
    );
  }
  const certificate = decoding('a certificate of the message', () => findSignerCertificate(signedData, signer));
  if (certificate === undefined) {
    throw new GatewayError('malformed-request', "the signer's certificate is not in the message");
  }
  const key = decoding("the key of the signer's certificate", () => importPublicKey(certificate.subjectPublicKeyInfo));
  const digests = legacy ? legacyDigests : secureDigests;
  if (!decoding('the signature of the message', () => verifySigner(signedData, signer, key, digests))) {
    throw new GatewayError('invalid-signature', 'the signature of the message is not valid');
  }
  const isSelfIssued = decoding("a name in the signer's certificate", () =>
    namesEqual(certificate.issuer, certificate.subject),
  );
  return { certificate, key, isSelfIssued };
}

/** The signer's certificate as a credential, with the others of the message for its chain. */
export function presentSigner({ signedData }: PkiMessage, { certificate }: MessageSigner): PresentedCredential {
  const others = signedData.certificates.filter((der) => Buffer.compare(der, certificate.der) !== 0);
  return { kind: 'certificate', chain: [certificate.der, ...others], proof: 'message' };
}

const secureDigests: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];
const legacyDigests: readonly HashAlgorithm[] = [...secureDigests, 'sha1'];
