/** The server that ACME's clients are tried on. */

import { startPebble } from '../support/acme/pebble.js';
import type { AcmeServer } from '../support/acme/server.js';
import { startAcmeFleet } from '../support/acme-fleet.js';

/** The gateway; or Pebble with GATEHOUSE_ACME_INTEROP=pebble, which shows what a client does with a server of others. */
export async function startAcmeServer(): Promise<AcmeServer> {
  return process.env.GATEHOUSE_ACME_INTEROP === 'pebble' ? await startPebble(0) : await startAcmeFleet();
}
