/** CRLs for clients that ask for the current one within their protocol (RFC 9483 4.3.4). */
import type { CaGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import { namesEqual } from '../x509/names.js';
import { findCrlOf, hierarchyOf } from './find-certificate.js';
import type { CrlSource } from './request.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/**
 * The CRL of a distribution point or issuer in the policy's CA hierarchy, DER; of the CA that issues, if none is named.
 * @throws GatewayError `not-found` for a source that is none of ours: nothing is fetched from elsewhere
 */
export async function findCurrentCrl(
  label: string | undefined,
  source: CrlSource | undefined,
  services: EnrollmentServices,
): Promise<Uint8Array> {
  const { issuingCa } = findTarget(services.catalog(), label).resolved.policy;
  const { generation, partition } = findPlace(source, issuingCa, services);
  return await findCrlOf(generation, partition, services);
}

interface CrlPlace {
  readonly generation: string;
  readonly partition: number;
}

function findPlace(source: CrlSource | undefined, issuingCa: string, services: EnrollmentServices): CrlPlace {
  const { authority } = services;
  if (source === undefined) return { generation: authority.issuer(issuingCa).id, partition: 0 };
  const hierarchy = [...hierarchyOf(issuingCa, services)];
  if ('url' in source) {
    const place = authority.crlPlace(source.url);
    if (place && hierarchy.some(({ id }) => id === place.generation)) return place;
  } else {
    const found = ofIssuer(hierarchy, source.issuer);
    if (found) return { generation: found.id, partition: 0 };
  }
  throw new GatewayError('not-found', 'no CRL of this CA has this distribution point or issuer');
}

/** Generations of one CA share its name: who does not say which means the one that issues. */
function ofIssuer(hierarchy: readonly CaGeneration[], issuer: Uint8Array): CaGeneration | undefined {
  const named = hierarchy.filter(({ certificate }) => namesEqual(certificate.subject, issuer));
  return named.find(({ state }) => state === 'current') ?? named[0];
}
