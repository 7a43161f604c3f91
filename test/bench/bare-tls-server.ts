/** A TLS server that only shakes hands, in a process of its own: asks for a client certificate, verifies it, hangs up. */
import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { ClientIdentity } from './prepared-request.js';

export interface BareServerOptions {
  readonly identity: ClientIdentity;
  readonly clientCaPem: string;
}

process.once('message', ({ identity, clientCaPem }: BareServerOptions) => {
  const server = createServer(
    {
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      ca: clientCaPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      // As the gateway does.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (socket) => {
      socket.on('error', () => undefined);
      socket.end();
    },
  );
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
});
