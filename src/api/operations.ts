/** All operations of the management API. */

import { apiKeyOperations } from './api-keys.js';
import { auditEventOperations } from './audit-events.js';
import { authenticationPolicyOperations } from './authentication-policies.js';
import { certificateActionOperations } from './certificate-actions.js';
import { certificateAuthorityOperations } from './certificate-authorities.js';
import { certificatePolicyOperations } from './certificate-policies.js';
import { certificateProfileOperations } from './certificate-profiles.js';
import { certificateRequestOperations } from './certificate-requests.js';
import { certificateTemplateOperations } from './certificate-templates.js';
import { certificateOperations } from './certificates.js';
import { credentialOperations } from './credentials.js';
import { deviceGroupOperations } from './device-groups.js';
import { deviceOperations } from './devices.js';
import { divisionOperations } from './divisions.js';
import { jobArchiveOperations } from './job-archive.js';
import { jobOperations } from './jobs.js';
import type { Operation } from './operation.js';
import { policyEvaluationOperations } from './policy-evaluation.js';
import { requestOperations } from './requests.js';
import { roleOperations } from './roles.js';
import type { ApiServices } from './services.js';
import { systemOperations } from './system.js';
import { unmanagedCaOperations } from './unmanaged-cas.js';
import { userOperations } from './users.js';

/** In the order of the documentation. One file for each noun; each exports a function such as `deviceOperations(services)`. */
export function createOperations(services: ApiServices): readonly Operation[] {
  return [
    ...divisionOperations(services),
    ...deviceGroupOperations(services),
    ...deviceOperations(services),
    ...authenticationPolicyOperations(services),
    ...credentialOperations(services),
    ...certificateTemplateOperations(services),
    ...certificateProfileOperations(services),
    ...certificatePolicyOperations(services),
    ...policyEvaluationOperations(services),
    ...certificateAuthorityOperations(services),
    ...unmanagedCaOperations(services),
    ...certificateOperations(services),
    ...certificateRequestOperations(services),
    ...certificateActionOperations(services),
    ...requestOperations(services),
    ...jobOperations(services),
    ...jobArchiveOperations(services),
    ...userOperations(services),
    ...apiKeyOperations(services),
    ...roleOperations(),
    ...auditEventOperations(services),
    ...systemOperations(services),
  ];
}
