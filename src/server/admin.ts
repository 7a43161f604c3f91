/** The admin listener: whether the gateway lives and is ready, and what is mounted there besides. */
import type { IncomingMessage } from 'node:http';
import type { Express } from 'express';
import helmet from 'helmet';
import type { TlsClient } from '../protocol.js';

/** Mounts routes. `describeClient` says where a request comes from; its TLS client only if clients are asked for a certificate. */
export type MountOnAdmin = (
  app: Express,
  describeClient: (request: IncomingMessage) => { remoteAddress: string; tls?: TlsClient },
) => void;

/** `/livez`: the process answers. `/readyz`: it can do its work (200) or not (503). */
export function mountAdmin(app: Express, isReady: () => Promise<boolean>): void {
  app.use(helmet(headers));
  app.get('/livez', (_request, response) => {
    response.status(200).type('text/plain').send('live\n');
  });
  app.get('/readyz', async (_request, response) => {
    const ready = await isReady();
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : 'not ready\n');
  });
}

const headers: Parameters<typeof helmet>[0] = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
  },
  // It would hold for every port of the host, and CRLs are served there in plain HTTP (RFC 5280 8).
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
};
