/** What every message of an exchange is handled with. */

import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolServices } from '../../src/protocol.js';
import type { TransactionStore } from './store.js';

/** What an exchange has besides its message. */
export interface CmpContext {
  readonly exchange: Exchange;
  readonly services: ProtocolServices;
  readonly transactions: TransactionStore;
  readonly policy: PolicyView;
}
