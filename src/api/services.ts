/** What the operations of the management API work with. */
import type { Core } from '../open-core.js';

export interface ApiServices extends Core {
  /** Of the package. */
  readonly version: string;
}
