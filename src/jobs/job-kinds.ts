/** The kinds of jobs that there are. */
import type { EnrollmentServices } from '../enrollment/services.js';
import type { JobKind, JobKinds } from './job-kind.js';
import { createIssueCertificates } from './kinds/issue-certificates.js';
import { createRegisterDevices } from './kinds/register-devices.js';
import { createRenewCertificates } from './kinds/renew-certificates.js';
import { createRevokeCertificates } from './kinds/revoke-certificates.js';

export function createJobKinds(services: EnrollmentServices): JobKinds {
  const kinds: readonly JobKind[] = [
    createRegisterDevices(services),
    createIssueCertificates(services),
    createRenewCertificates(services),
    createRevokeCertificates(services),
  ];
  return new Map(kinds.map((kind) => [kind.name, kind]));
}
