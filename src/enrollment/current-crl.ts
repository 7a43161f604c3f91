/** CRLs for clients that ask for the current ones within their protocol (RFC 9483 4.3.4). */
import type { CaGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import { namesEqual } from '../x509/names.js';
import { crlMissing, findCrlOf, hierarchyOf } from './find-certificate.js';
import type { CrlSource } from './request.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/** That of the CA that issues under the policy, DER; its first partition. @throws GatewayError as findCrlOf does */
export async function findCurrentCrl(label: string | undefined, services: EnrollmentServices): Promise<Uint8Array> {
  return await findCrlOf(services.authority.issuer(issuingCaOf(label, services)).id, 0, services);
}

/**
 * The CRL of a distribution point, or all partitions of an issuer's, in the policy's CA hierarchy, DER.
 * @throws GatewayError `not-found` for a source that is none of ours: nothing is fetched from elsewhere; and for an issuer with more
 * partitions than fit in an answer
 */
export async function findCrls(
  label: string | undefined,
  source: CrlSource,
  services: EnrollmentServices,
): Promise<readonly Uint8Array[]> {
  const { authority, store } = services;
  const hierarchy = [...hierarchyOf(issuingCaOf(label, services), services)];
  if ('url' in source) {
    const place = authority.crlPlace(source.url);
    if (place && hierarchy.some(({ id }) => id === place.generation)) {
      return [await findCrlOf(place.generation, place.partition, services)];
    }
  } else {
    const found = ofIssuer(hierarchy, source.issuer);
    if (found) {
      const crls = await store.crls.ofIssuer({ issuerId: found.id, limit: mostInOneAnswer + 1 });
      if (crls.length === 0) throw crlMissing();
      if (crls.length > mostInOneAnswer) throw new GatewayError('not-found', tooMany);
      return crls.map(({ der }) => der);
    }
  }
  throw new GatewayError('not-found', 'no CRL of this CA has this distribution point or issuer');
}

const mostInOneAnswer = 64;
const tooMany = 'this CA has more CRLs than one answer has room for; ask for that of a distribution point';

function issuingCaOf(label: string | undefined, { catalog }: EnrollmentServices): string {
  return findTarget(catalog(), label).resolved.policy.issuingCa;
}

/** Generations of one CA share its name: who does not say which means the one that issues. */
function ofIssuer(hierarchy: readonly CaGeneration[], issuer: Uint8Array): CaGeneration | undefined {
  const named = hierarchy.filter(({ certificate }) => namesEqual(certificate.subject, issuer));
  return named.find(({ state }) => state === 'current') ?? named[0];
}
