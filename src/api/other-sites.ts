/** Browsers send passwords and client certificates that they remember with whatever another web site has them ask. */
import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../errors.js';

/**
 * Nothing is done at the request of another site's page, reads included: some change something, such as a download that is
 * there once. Programs send none of these headers.
 *
 * @throws GatewayError `forbidden`
 */
export function refuseOtherSites({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const site = headers['sec-fetch-site'];
  const isOther = site === undefined ? isOtherOrigin(headers) : site !== 'same-origin' && site !== 'none';
  if (isOther) throw new GatewayError('forbidden', 'requests from the pages of other web sites are refused');
}

/** For browsers that do not send Sec-Fetch-Site. */
function isOtherOrigin({ origin, host }: IncomingMessage['headers']): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
