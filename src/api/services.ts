/** What the operations of the management API work with. */
import type { Core } from '../open-core.js';
import type { ProtocolHandler } from '../protocol.js';

export interface ApiServices extends Core {
  /** Of the package. */
  readonly version: string;
  /** Those that the gateway serves. */
  readonly protocols?: readonly Pick<ProtocolHandler, 'name' | 'forgetDevice'>[];
}
