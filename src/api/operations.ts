/** All operations of the management API. */
import type { Operation } from './operation.js';
import { policyEvaluationOperations } from './policy-evaluation.js';
import type { ApiServices } from './services.js';

/** In the order of the documentation. One file for each noun; each exports a function such as `deviceOperations(services)`. */
export function createOperations(services: ApiServices): readonly Operation[] {
  return [...policyEvaluationOperations(services)];
}
