/** What the certificate of a foreign CA says beside that it is one: what the operator sets, and what limited the CA before. */

import type { CrossCertificationLimits } from '../model/cross-certification.js';
import { constrainedForms } from '../model/name-constraints.js';
import { type Certificate, extension } from '../x509/certificate.js';
import { reading } from '../x509/decoding.js';
import { encodeNameConstraints, type NameSubtree, parseNameSubtree } from '../x509/encode-name-constraints.js';
import { encodeExtension } from '../x509/extensions.js';
import { encodeCertificatePolicies } from '../x509/location-extensions.js';
import { idCeCertificatePolicies, idCeExtKeyUsage, idCeNameConstraints } from '../x509/oids.js';
import { limitingExtensions } from './foreign-ca.js';

type NameConstraints = NonNullable<CrossCertificationLimits['nameConstraints']>;

/** Each a whole DER Extension. @throws GatewayError 'malformed-request' for what cannot be encoded */
export function extensionsOf(
  foreign: Certificate,
  { nameConstraints, certificatePolicies }: CrossCertificationLimits,
): readonly Uint8Array[] {
  const extensions: Uint8Array[] = [];
  for (const id of limitingExtensions) {
    const value = extension(foreign, id);
    if (value === undefined || (id === idCeNameConstraints && nameConstraints !== undefined)) continue;
    // RFC 5280 4.2: all of these are critical, but for the purposes, which may be either.
    extensions.push(encodeExtension({ id, critical: id !== idCeExtKeyUsage, value }));
  }
  if (nameConstraints !== undefined) {
    const value = encodeConstraints(nameConstraints);
    extensions.push(encodeExtension({ id: idCeNameConstraints, critical: true, value }));
  }
  if (certificatePolicies !== undefined) {
    const value = reading('certificatePolicies', () => encodeCertificatePolicies(certificatePolicies));
    extensions.push(encodeExtension({ id: idCeCertificatePolicies, critical: false, value }));
  }
  return extensions;
}

function encodeConstraints({ permitted, excluded }: NameConstraints): Uint8Array {
  return reading('nameConstraints', () =>
    encodeNameConstraints({ permitted: permitted.map(readSubtree), excluded: excluded.map(readSubtree) }),
  );
}

function readSubtree(subtree: NameConstraints['permitted'][number]): NameSubtree {
  const form = constrainedForms.find((each) => subtree[each] !== undefined) ?? 'dns';
  const text = subtree[form] ?? '';
  try {
    return parseNameSubtree(form, text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SyntaxError(`${form} ${JSON.stringify(text)} ${cause.message}`, { cause });
  }
}
