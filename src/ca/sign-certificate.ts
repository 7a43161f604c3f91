/** Signs certificates: the only place where a CA's key meets a TBSCertificate. */
import { GatewayError } from '../errors.js';
import type { SignatureHash, Signer } from '../keys/signer.js';
import { type ApprovedIssuance, isApproved } from '../policy/decide.js';
import { octetString, oid, sequence } from '../x509/der-writer.js';
import { idCeAuthorityKeyIdentifier, idCeSubjectKeyIdentifier } from '../x509/oids.js';
import { subjectKeyIdentifier } from '../x509/public-key.js';
import { type RsaPadding, signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate } from '../x509/tbs-certificate.js';

export interface SigningIssuer {
  /** The generation that the approval names. */
  readonly id: string;
  /** DER Name. */
  readonly name: Uint8Array;
  readonly signer: Signer;
  readonly hash: SignatureHash;
  /** Of RSA keys; PKCS #1 v1.5 where undefined. */
  readonly rsaPadding: RsaPadding | undefined;
  /** DER, the value of the AuthorityKeyIdentifier. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** Where to find its CRL and certificate, each a DER Extension; none in a root's own certificate. */
  readonly locations: readonly Uint8Array[];
}

export interface IssuedCertificate {
  readonly der: Uint8Array;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** The generation that signed it. */
  readonly issuerId: string;
  readonly crlPartition: number;
}

/**
 * Signs what was approved, and nothing else; returns the certificate, DER.
 *
 * The signature is not verified afterwards, which would cost more than twice as much as making it. What a faulty
 * computation could betray is covered by OpenSSL: it checks RSA's CRT results against the public exponent, and ECDSA's
 * nonces come from a random generator, never from the message alone. Ed25519 has neither; who fears faults takes ECDSA.
 * @throws GatewayError 'internal' for anything that `policy/decide.ts` has not approved for this issuer
 */
export async function signCertificate(
  issuance: ApprovedIssuance,
  issuer: SigningIssuer,
  serialNumber: Uint8Array,
): Promise<Uint8Array> {
  if (!isApproved(issuance) || issuance.issuerId !== issuer.id) {
    throw new GatewayError('internal', 'the certificate could not be issued', {
      cause: new Error(`${issuer.id} was asked to sign what was not approved for it`),
    });
  }
  const { signer, hash, rsaPadding } = issuer;
  const tbs = contentOf(issuance, issuer, serialNumber);
  return encodeCertificate(tbs, algorithmOf(issuer), await signer.sign(tbs, hash, rsaPadding));
}

/** What is signed of an issuance, DER TBSCertificate. */
export function contentOf(issuance: ApprovedIssuance, issuer: SigningIssuer, serialNumber: Uint8Array): Uint8Array {
  const keyIdentifier = issuance.subjectKeyIdentifier ?? subjectKeyIdentifier(issuance.subjectPublicKeyInfo);
  return encodeTbsCertificate({
    serialNumber,
    signatureAlgorithm: algorithmOf(issuer),
    issuer: issuer.name,
    notBefore: issuance.notBefore,
    notAfter: issuance.notAfter,
    subject: issuance.subject,
    subjectPublicKeyInfo: issuance.subjectPublicKeyInfo,
    extensions: [
      ...issuance.extensions,
      sequence(subjectKeyIdentifierOid, octetString(octetString(keyIdentifier))),
      sequence(authorityKeyIdentifierOid, octetString(issuer.authorityKeyIdentifier)),
      ...issuer.locations,
    ],
  });
}

function algorithmOf({ signer, hash, rsaPadding }: SigningIssuer): Uint8Array {
  return signatureAlgorithmFor(signer.algorithm, hash, rsaPadding).identifier;
}

// Encoded once: these two stand in every certificate.
const subjectKeyIdentifierOid = oid(idCeSubjectKeyIdentifier);
const authorityKeyIdentifierOid = oid(idCeAuthorityKeyIdentifier);
