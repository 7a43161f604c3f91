/** The certificates that paths end at (RFC 5280 6.1.1 d), decoded once and looked up by name; their keys stay imported. */

import type { CertificateSource, PathCertificate } from './path-certificate.js';
import { decodePathCertificate } from './path-certificate.js';

export interface TrustAnchors {
  readonly certificates: readonly PathCertificate[];
  /** Those with this subject, as `nameKey` spells it. */
  named(subjectKey: string): readonly PathCertificate[];
  /** The anchor that is this very certificate. */
  find(der: Uint8Array): PathCertificate | undefined;
}

/** Keep the result as long as the set stays the same. @throws DerError when one of the certificates cannot be read */
export function createTrustAnchors(certificates: readonly CertificateSource[]): TrustAnchors {
  const decoded = certificates.map(decodePathCertificate);
  const bySubject = new Map<string, PathCertificate[]>();
  for (const anchor of decoded) {
    const namesakes = bySubject.get(anchor.subjectKey);
    if (namesakes) namesakes.push(anchor);
    else bySubject.set(anchor.subjectKey, [anchor]);
  }
  const byDer = new Map(decoded.map((anchor) => [derKey(anchor.certificate.der), anchor]));
  return {
    certificates: decoded,
    named: (subjectKey) => bySubject.get(subjectKey) ?? [],
    find: (der) => byDer.get(derKey(der)),
  };
}

function derKey(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
}
