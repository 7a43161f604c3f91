/** What a policy lets some of its requesters do besides: speak for devices, or be certified as a CA. */
import { checkConditions } from '../authentication/credential-conditions.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Identity } from '../policy/identity.js';
import { decodeCertificate, extension, fingerprint } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { decodeExtKeyUsage } from '../x509/extensions.js';
import { idCeExtKeyUsage, idKpCmcRa } from '../x509/oids.js';
import type { Requester } from './requester.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

interface AuthenticatedRequester {
  readonly identity: Identity;
  /** What has authenticated it. */
  readonly credentials: readonly PresentedCredential[];
  readonly remoteAddress: string;
}

type Rights = Pick<Requester, 'isRegistrationAuthority' | 'isCrossCertifiable'>;

/** The rights of a requester that has been authenticated. Only certificates give any. */
export async function findRights(
  requester: AuthenticatedRequester,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Rights> {
  const { registrationAuthorities, crossCertify } = target.resolved.policy.cmp;
  const presented = requester.credentials.find(({ kind }) => kind === 'certificate');
  if (presented?.kind !== 'certificate' || registrationAuthorities.length + crossCertify.length === 0) return none;
  const [certificate = new Uint8Array()] = presented.chain;
  const names = await certificateNames(requester, certificate, target, services);
  const isNamed = (list: readonly string[]) => names.some((name) => list.includes(name));
  return {
    isRegistrationAuthority: isNamed(registrationAuthorities) && isForRegistrationAuthorities(certificate),
    isCrossCertifiable: isNamed(crossCertify),
  };
}

const none: Rights = { isRegistrationAuthority: false, isCrossCertifiable: false };

/**
 * What the authentication policy calls the certificate, or the CA above it. One that was issued here authenticates as that;
 * an operator who has registered it besides means it to be more.
 */
async function certificateNames(
  { identity, remoteAddress }: AuthenticatedRequester,
  certificate: Uint8Array,
  { resolved }: EnrollmentTarget,
  { store, clock }: EnrollmentServices,
): Promise<readonly string[]> {
  const names = identity.credentials
    .filter(({ kind }) => kind === 'authentication-certificate' || kind === 'authentication-ca')
    .map(({ name }) => name);
  if (identity.issuedCertificate === undefined) return names;
  const [registered] = await store.credentials.findByLookup({
    authenticationPolicy: resolved.authentication.policy.name,
    kind: 'authentication-certificate',
    lookup: fingerprint(certificate),
  });
  const isUsable = registered !== undefined && checkConditions(registered, clock.now(), remoteAddress).usable;
  return isUsable ? [...names, registered.name] : names;
}

/** RFC 9483 1.3 and 5: id-kp-cmcRA says so. */
function isForRegistrationAuthorities(certificate: Uint8Array): boolean {
  try {
    const value = extension(decodeCertificate(certificate), idCeExtKeyUsage);
    return value !== undefined && decodeExtKeyUsage(value).includes(idKpCmcRa);
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}
