/** The three listeners: device TLS, device HTTP and admin TLS, with their limits and time-outs. */
import { constants } from 'node:crypto';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import express, { type Express } from 'express';
import type { Log } from '../log.js';
import type { ProtocolHandler, ProtocolServices } from '../protocol.js';
import type { Settings } from '../settings.js';
import { type MountOnAdmin, mountAdmin } from './admin.js';
import { describeClient } from './client.js';
import { mountHandler } from './route-adapter.js';
import { answerUnreadRequest } from './unread-request.js';

/** What a TLS listener shows and asks for; it may change while the listener runs. */
export interface TlsMaterial {
  /** PEM chain, the server's own certificate first. */
  readonly cert: string;
  /** PEM private key. */
  readonly key: string;
  /** PEM certificates whose names are suggested to clients that have several certificates to choose from. */
  readonly clientCas: readonly string[];
}

interface ListenerOptions {
  readonly settings: Settings;
  readonly handlers: readonly ProtocolHandler[];
  readonly tls: TlsMaterial;
  readonly log: Log;
  readonly isTrustedProxy: (address: string) => boolean;
  /** Writes the audit event of a message that does not reach its handler. */
  readonly recordRefusal: ProtocolServices['recordRefusal'];
  /** Whether the gateway can do its work just now. */
  readonly isReady: () => Promise<boolean>;
  /** What else the admin listener serves. */
  readonly mountOnAdmin?: MountOnAdmin;
  readonly timeouts?: Partial<ListenerTimeouts>;
}

/** Bounds on what a slow or half-open client can hold, in milliseconds. */
interface ListenerTimeouts {
  /** From the connection to the end of the TLS handshake. */
  readonly handshakeTimeout: number;
  /** Until a request's headers, and all of it, have come. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  /** Between two requests. */
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
}

export interface Listeners {
  readonly deviceTlsPort: number;
  readonly deviceHttpPort: number;
  readonly adminPort: number;
  /** New connections get the new material; established ones go on. */
  useTls(material: TlsMaterial): void;
  /** Stops accepting, lets running requests end within `graceMilliseconds`, then closes what is left. */
  close(graceMilliseconds: number): Promise<void>;
}

const usualTimeouts: ListenerTimeouts = {
  handshakeTimeout: 15_000,
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
};
/** Files that are uploaded to the management API may be large; it bounds the bodies of other requests itself. */
const uploadTimeoutMilliseconds = 3_600_000;
/** How often a listener that closes looks for connections whose last request has ended. */
const closingIntervalMilliseconds = 50;
const maximumConnections = 10_000;

export async function openListeners(options: ListenerOptions): Promise<Listeners> {
  const { settings, handlers, log, isTrustedProxy, recordRefusal } = options;
  const timeouts = { ...usualTimeouts, ...options.timeouts };
  const deviceTls = createApp();
  const deviceHttp = createApp();
  for (const handler of handlers) {
    mountHandler(deviceTls.app, handler, { log, listener: 'device-tls', isTrustedProxy, recordRefusal });
    mountHandler(deviceHttp.app, handler, { log, listener: 'device-http', isTrustedProxy, recordRefusal });
  }
  const admin = createApp();
  mountAdmin(admin.app, options.isReady);
  options.mountOnAdmin?.(admin.app, (request) => {
    const { remoteAddress, tls } = describeClient(request, { listener: 'admin', isTrustedProxy });
    return settings.adminClientCertificates && tls ? { remoteAddress, tls } : { remoteAddress };
  });
  for (const { app } of [deviceTls, deviceHttp, admin]) endApp(app, log);

  const tlsServers = [
    createTlsServer(
      { ...deviceTls.classes, ...timeouts, ...tlsOptions(options.tls), requestCert: true, rejectUnauthorized: false },
      deviceTls.app,
    ),
    createTlsServer(
      {
        ...admin.classes,
        ...timeouts,
        requestTimeout: uploadTimeoutMilliseconds,
        ...tlsOptions(options.tls),
        requestCert: settings.adminClientCertificates,
        rejectUnauthorized: false,
      },
      admin.app,
    ),
  ] as const;
  // Who asks whether to send a body is told so when it is known who it is.
  tlsServers[1].on('checkContinue', admin.app);
  const servers = [...tlsServers, createServer({ ...deviceHttp.classes, ...timeouts }, deviceHttp.app)] as const;
  const sockets = new Set<Socket>();
  for (const server of servers) bound(server, sockets);
  const ports = await Promise.all([
    listen(servers[0], settings.host, settings.deviceTlsPort, 'deviceTlsPort'),
    listen(servers[1], settings.host, settings.adminPort, 'adminPort'),
    listen(servers[2], settings.host, settings.deviceHttpPort, 'deviceHttpPort'),
  ]);
  for (const server of servers) {
    // Such as no file descriptor for a connection: without somebody who hears of it, the process would end.
    server.on('error', (err) => log.error({ err }, 'a listener could not take a connection'));
  }
  return {
    deviceTlsPort: ports[0],
    adminPort: ports[1],
    deviceHttpPort: ports[2],
    useTls: (material) => {
      for (const server of tlsServers) server.setSecureContext(tlsOptions(material));
    },
    close: async (graceMilliseconds) => {
      const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      const closeIdle = () => {
        for (const server of servers) server.closeIdleConnections();
      };
      closeIdle();
      // Clients keep a connection open after the answer to a request that was still running.
      const idleTimer = setInterval(closeIdle, closingIntervalMilliseconds);
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMilliseconds);
      await Promise.all(closed);
      clearInterval(idleTimer);
      clearTimeout(timer);
    },
  };
}

/**
 * An Express app and the request and response classes that belong to it. Express replaces the prototype of every
 * request unless it is the app's own already, which costs about 100 µs a request.
 */
function createApp() {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse<AppRequest> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { app, classes: { IncomingMessage: AppRequest, ServerResponse: AppResponse } };
}

/** What no route answered, and what failed outside of any handler. */
function endApp(app: Express, log: Log): void {
  app.use((request, response) => {
    const hint = request.path.startsWith('/api/') ? '; the management API is at the admin port' : '';
    const text = `nothing is served at this address${hint}\n`;
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
  });
  app.use((error: unknown, request: IncomingMessage, response: ServerResponse, _next: unknown) => {
    // A path that is not valid percent-encoding is the client's mistake; Express marks it with a status.
    const status =
      error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400) ? 400 : 500;
    if (status === 500) log.error({ err: error, method: request.method }, 'request failed outside its handler');
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
        .end(status === 400 ? 'the address is malformed\n' : 'the gateway failed\n');
  });
}

function tlsOptions({ cert, key, clientCas }: TlsMaterial): ServerOptions {
  // No tickets: a resumed session has no client certificate chain, and outlives the certificate's revocation (decision 0009).
  // No renegotiation: it would change the client's certificate and tls-unique under an open connection (RFC 9325 3.5).
  const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
  return {
    cert,
    key,
    ca: [...clientCas],
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    secureOptions,
  };
}

function bound(server: Server | TlsServer, sockets: Set<Socket>): void {
  server.maxConnections = maximumConnections;
  server.on('clientError', answerUnreadRequest);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
}

function listen(server: Server | TlsServer, host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new Error(
          cause.code === 'EADDRINUSE'
            ? `port ${port} is taken: stop what listens there, or set another ${setting}`
            : `cannot listen on ${host}:${port}: ${cause.message}`,
          { cause },
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
