/** All operations of the management API. */
import { jobArchiveOperations } from './job-archive.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';

/** In the order of the documentation. One file for each noun; each exports a function such as `deviceOperations(services)`. */
export function createOperations(services: ApiServices): readonly Operation[] {
  return [...jobArchiveOperations(services)];
}
