/** All operations of the management API. */
import { authenticationPolicyOperations } from './authentication-policies.js';
import { certificateAuthorityOperations } from './certificate-authorities.js';
import { certificatePolicyOperations } from './certificate-policies.js';
import { certificateProfileOperations } from './certificate-profiles.js';
import { certificateTemplateOperations } from './certificate-templates.js';
import { credentialOperations } from './credentials.js';
import { deviceGroupOperations } from './device-groups.js';
import { divisionOperations } from './divisions.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';

/** In the order of the documentation. One file for each noun; each exports a function such as `deviceOperations(services)`. */
export function createOperations(services: ApiServices): readonly Operation[] {
  return [
    ...divisionOperations(services),
    ...deviceGroupOperations(services),
    ...authenticationPolicyOperations(services),
    ...credentialOperations(services),
    ...certificateTemplateOperations(services),
    ...certificateProfileOperations(services),
    ...certificatePolicyOperations(services),
    ...certificateAuthorityOperations(services),
  ];
}
