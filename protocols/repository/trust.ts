/** Root certificates for whoever is to trust them, as files and on a page with their fingerprints. */
import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import { GatewayError } from '../../src/errors.js';
import type { Exchange, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { toPem } from '../../src/x509/pem.js';
import { cachedReply } from './cached-reply.js';
import { renderTrustPage, trustPageHeaders } from './trust-page.js';

/** GET each of these paths. @throws GatewayError `not-found` */
export function trustRoutes(services: ProtocolServices): readonly Pick<Route, 'path' | 'handle'>[] {
  const ofCa =
    (contentType: string, read: (ca: string) => Promise<Uint8Array | string>): Route['handle'] =>
    async (exchange) =>
      file(contentType, await read(exchange.params.ca ?? ''), exchange);

  async function page(exchange: Exchange): Promise<Reply> {
    const after = new URLSearchParams(exchange.query).get('after') ?? '';
    const body = renderTrustPage(services.trustAnchors(), after);
    const headers = trustPageHeaders;
    return cachedReply({ contentType: 'text/html; charset=utf-8', body, maximumAge, headers }, exchange);
  }

  async function allRoots(exchange: Exchange): Promise<Reply> {
    const inUse = services.trustAnchors().filter(({ state }) => state !== 'next');
    if (inUse.length === 0) throw new GatewayError('not-found', 'there is no root certificate yet');
    return file(pemType, pemOf(inUse.map(({ certificate }) => certificate)), exchange);
  }

  return [
    { path: '/trust', handle: page },
    { path: '/trust.pem', handle: allRoots },
    { path: '/trust/:ca.pem', handle: ofCa(pemType, async (ca) => pemOf(services.trustAnchorsOf(ca))) },
    {
      path: '/trust/:ca.der',
      handle: ofCa('application/pkix-cert', async (ca) => firstOf(services.trustAnchorsOf(ca))),
    },
    {
      path: '/trust/:ca.p7b',
      handle: ofCa('application/pkcs7-mime; smime-type=certs-only', async (ca) =>
        encodeCertsOnly([...services.trustAnchorsOf(ca), ...(await services.trustLinksOf(ca))]),
      ),
    },
  ];
}

/** Seconds. They change with a roll-over, which is announced long before, and with a revocation, which is not. */
const maximumAge = 300;
const pemType = 'application/x-pem-file';

function file(contentType: string, body: Uint8Array | string, exchange: Exchange): Reply {
  return cachedReply({ contentType, body, maximumAge }, exchange);
}

function pemOf(certificates: readonly Uint8Array[]): string {
  return certificates.map((der) => toPem('CERTIFICATE', der)).join('');
}

function firstOf([first]: readonly Uint8Array[]): Uint8Array {
  if (first === undefined) throw new GatewayError('internal', 'a CA with roots has no first one');
  return first;
}
