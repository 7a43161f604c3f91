/** All operations of the management API. */
import { certificateActionOperations } from './certificate-actions.js';
import { certificateRequestOperations } from './certificate-requests.js';
import { certificateOperations } from './certificates.js';
import type { Operation } from './operation.js';
import { requestOperations } from './requests.js';
import type { ApiServices } from './services.js';

/** In the order of the documentation. One file for each noun; each exports a function such as `deviceOperations(services)`. */
export function createOperations(services: ApiServices): readonly Operation[] {
  return [
    ...certificateOperations(services),
    ...certificateRequestOperations(services),
    ...certificateActionOperations(services),
    ...requestOperations(services),
  ];
}
