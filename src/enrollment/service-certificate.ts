/** The certificates of the gateway's own keys: issued by the one flow, for nobody's device. */

import { isIP } from 'node:net';
import type { ServicePurpose } from '../catalog/service-profiles.js';
import { serviceProfile, serviceSubject } from '../catalog/service-profiles.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { type Policy, policySchema } from '../model/policy.js';
import type { IssuerFacts } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import { encodeGeneralNames } from '../x509/general-names.js';
import { checkNameConstraints, constrainedNames } from '../x509/name-constraints.js';
import { decodeName, encodeName } from '../x509/names.js';
import { idAtCommonName, idCeSubjectAltName } from '../x509/oids.js';
import { requireOnRecord } from './find-certificate.js';
import { issue } from './issue.js';
import { judge } from './judge.js';
import type { EnrollmentServices } from './services.js';

/** Which key: what it is for, and under which names. */
export interface ServiceKeyRequest {
  readonly purpose: ServicePurpose;
  /** The CA that issues it, by its name in the catalog. */
  readonly issuingCa: string;
  /** The generation of it that issues; the current one, and its successors, if absent. */
  readonly generation?: string;
  /** DNS names and IP addresses; the first is the common name. */
  readonly names: readonly string[];
}

/**
 * Certifies a key of the gateway's own.
 * @param subjectPublicKeyInfo DER
 * @param accompanying writes that must stand or fall with the certificate
 * @throws GatewayError `unavailable`, else `internal`: what refuses it is no refusal of the client whose request needs it
 */
export async function certifyServiceKey(
  request: ServiceKeyRequest,
  subjectPublicKeyInfo: Uint8Array,
  accompanying: readonly Statement[],
  services: EnrollmentServices,
): Promise<CertificateRecord> {
  try {
    return await certify(request, subjectPublicKeyInfo, accompanying, services);
  } catch (cause) {
    if (cause instanceof GatewayError && cause.code === 'unavailable') throw cause;
    throw new GatewayError('internal', 'the gateway cannot certify a key of its own', { cause });
  }
}

async function certify(
  { purpose, issuingCa, generation, names }: ServiceKeyRequest,
  subjectPublicKeyInfo: Uint8Array,
  accompanying: readonly Statement[],
  services: EnrollmentServices,
): Promise<CertificateRecord> {
  const now = services.clock.now();
  // Only TLS servers are looked for by their names.
  const alternatives = purpose === 'tls-server' ? names : [];
  const subjectAltName = encodeGeneralNames(
    alternatives.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
  );
  const requested = {
    subjectPublicKeyInfo,
    subject: subjectOf(names[0] ?? '', services.authority.issuer(issuingCa, generation), services),
    extensions: alternatives.length === 0 ? [] : [{ id: idCeSubjectAltName, critical: false, value: subjectAltName }],
  };
  const request = { operation: 'enroll', requested } as const;
  const { facts, decision } = await judge(
    {
      ...nowhere,
      policy: servicePolicy(issuingCa),
      usage: 'service',
      profile: serviceProfile(purpose),
      identity: gatewayIdentity,
      ...(generation === undefined ? {} : { generation }),
      request,
      approved: true,
      now,
    },
    services,
    () => undefined,
  );
  if (decision.outcome === 'pending')
    throw new GatewayError('internal', 'a certificate of the gateway itself cannot wait for approval');
  const { certificate } = await issue(
    {
      request: {
        operation: 'enroll',
        protocol: 'gateway',
        requestId: createIdentifier(),
        remoteAddress: '',
        accompanying: () => accompanying,
      },
      identity: gatewayIdentity,
      facts,
      decision,
      answer: { state: 'none', expiredBy: 0 },
      now,
    },
    services,
  );
  return await requireOnRecord(certificate, services);
}

/** A common name alone; where the CA must not issue to such subjects, one that begins as its own does. */
function subjectOf(
  commonName: string,
  { id, nameConstraints }: IssuerFacts,
  { authority }: Pick<EnrollmentServices, 'authority'>,
): Uint8Array {
  const plain = encodeName([[{ type: idAtCommonName, value: commonName }]]);
  if (checkNameConstraints(constrainedNames(plain, []), nameConstraints) === undefined) return plain;
  return serviceSubject(commonName, decodeName(authority.generation(id)?.certificate.subject ?? encodeName([])));
}

const gatewayIdentity: Identity = { requester: 'gateway', credentials: [] };

/** The gateway's own certificates belong to no division and no group: no configured one can have this name. */
const name = '.services';
const nowhere = { group: { name, division: name, enabled: true, policies: [] }, isGroupNamed: false };

function servicePolicy(issuingCa: string): Policy {
  const unused = 'services';
  const required = { name: unused, division: unused, authenticationPolicy: unused, defaultGroup: unused };
  const profiles = [{ usage: 'operational', profile: unused }];
  const policy = policySchema.parse({ ...required, profiles, issuingCa, methods: ['rest'] });
  return { ...policy, name, division: name, methods: [] };
}
