/** Requests for others: by registration authorities (RFC 9483 5.2) for devices, and by who manages the gateway. Who is judged then. */
import { describeIssued } from '../authentication/client-certificate.js';
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { hasLapsed } from '../store/certificate-record.js';
import { decodeCertificate } from '../x509/certificate.js';
import { findIssuedCertificate } from './find-certificate.js';
import type { CertificateName, EnrollmentRequest } from './request.js';
import { findRights } from './requester-rights.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

/**
 * The identity that a request is judged by. A registration authority or an operator stays the requester, with its credentials,
 * but neither its certificate nor its names are the device's: those are of the certificate to be renewed, if there is one.
 * @throws GatewayError `forbidden` for who may not ask for others; `unknown-certificate`, `revoked-requester`, `invalid-state`
 */
export async function identityFor(
  request: EnrollmentRequest,
  identity: Identity,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Identity> {
  const { onBehalfOf, credentials, remoteAddress } = request;
  if (onBehalfOf !== undefined && credentials.some(({ kind }) => kind === 'operator')) {
    return await identityOfHolder(onBehalfOf, identity, target, services);
  }
  if (request.protocol !== 'cmp') return identity;
  const { isRegistrationAuthority } = await findRights({ identity, credentials, remoteAddress }, target, services);
  const { requester, credentials: used } = identity;
  if (onBehalfOf === undefined) {
    const isForItself = !isRegistrationAuthority || request.operation === 'reenroll';
    return isForItself ? identity : { requester, credentials: used };
  }
  if (!isRegistrationAuthority) {
    throw new GatewayError('forbidden', 'only a registration authority of the policy may ask for others');
  }
  return await identityOfHolder(onBehalfOf, identity, target, services);
}

async function identityOfHolder(
  name: CertificateName,
  { requester, credentials }: Identity,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Identity> {
  const record = await findIssuedCertificate(name, target, services);
  if (record.status !== 'valid' || hasLapsed(record, services.clock.now())) {
    throw new GatewayError('revoked-requester', 'the certificate to be renewed is revoked or on hold');
  }
  if (record.confirmBy !== null) {
    throw new GatewayError('invalid-state', 'the certificate to be renewed is not confirmed yet');
  }
  return {
    requester,
    credentials,
    issuedCertificate: describeIssued(record),
    certificateSubject: decodeCertificate(record.der).subject,
  };
}
