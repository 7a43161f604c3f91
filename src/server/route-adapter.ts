/** The one place where protocol handlers meet Express: routes in, bytes out. */

import type { IncomingHttpHeaders } from 'node:http';
import type { Express, Request, Response } from 'express';
import { GatewayError, HttpError, isRefusal } from '../errors.js';
import { readBody } from '../http/request-body.js';
import { createIdentifier } from '../identifier.js';
import { describeRefusal, type Log } from '../log.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../protocol.js';
import { type ClientOptions, describeClient, plainAddress } from './client.js';

interface AdapterOptions extends ClientOptions {
  readonly log: Log;
  /** For messages that do not reach their handler. */
  readonly recordRefusal: ProtocolServices['recordRefusal'];
}

/** Mounts a handler's routes, and answers 405 on their paths for other methods. */
export function mountHandler(app: Express, handler: ProtocolHandler, options: AdapterOptions): void {
  const routes = handler.routes.filter((route) => options.listener === 'device-tls' || route.plainHttp);
  for (const path of new Set(routes.map((route) => route.path))) {
    const here = routes.filter((route) => route.path === path);
    for (const route of here) {
      const serve = (request: Request, response: Response) => serveRoute(handler, route, request, response, options);
      app[mountedBy[route.method]](path, serve);
    }
    const allow = here.map((route) => (route.method === 'GET' ? 'GET, HEAD' : route.method)).join(', ');
    app.all(path, (request, response) => {
      const requestId = createIdentifier();
      const error = new HttpError(
        405,
        'unsupported-operation',
        `${request.method} is not answered here, only ${allow}`,
      );
      const reply = failureReply(handler, error, request, requestId);
      send(response, { ...reply, headers: { ...reply.headers, allow } }, requestId);
      options.log.info(
        { requestId, protocol: handler.name, method: request.method, path: request.path, status: reply.status },
        'request',
      );
    });
  }
}

const mountedBy = { GET: 'get', POST: 'post', OPTIONS: 'options' } as const;

async function serveRoute(
  handler: ProtocolHandler,
  route: Route,
  request: Request,
  response: Response,
  options: AdapterOptions,
): Promise<void> {
  const { log } = options;
  const requestId = createIdentifier();
  const began = performance.now();
  let exchange: Exchange | undefined;
  let reply: Reply;
  let failure: unknown;
  try {
    exchange = await readExchange(handler, route, request, requestId, options);
    reply = await route.handle(exchange);
  } catch (error) {
    failure = error;
    reply = failureReply(handler, error, request, requestId);
  }
  send(response, reply, requestId);
  const entry = {
    requestId,
    protocol: handler.name,
    method: request.method,
    path: request.path,
    status: reply.status,
    milliseconds: Math.round(performance.now() - began),
    // Behind a proxy the client's, as the proxy tells it.
    remoteAddress: exchange?.remoteAddress ?? request.socket.remoteAddress,
  };
  const refusal = failure ?? reply.refusal;
  if (refusal === undefined) log.info(entry, 'request');
  else if (reply.status >= 500 || !isRefusal(refusal)) log.error({ ...entry, err: refusal }, 'request failed');
  else log.info({ ...entry, ...describeRefusal(refusal) }, 'request refused');
}

/** Whatever form the protocol gives to it, a status that HTTP has for a refusal stays. */
function failureReply(handler: ProtocolHandler, error: unknown, request: Request, requestId: string): Reply {
  const { params, headers } = describeRequest(request);
  const reply = handler.failure(error, { requestId, params, headers });
  if (!(error instanceof HttpError)) return reply;
  const { status } = error;
  // The rest of a body that is too large is not read, so that nothing can follow it.
  return { ...reply, status, headers: status === 413 ? { ...reply.headers, connection: 'close' } : reply.headers };
}

/** Reads the whole message; what is refused of it is recorded, because no handler will see it. */
async function readExchange(
  handler: ProtocolHandler,
  route: Route,
  request: Request,
  requestId: string,
  options: AdapterOptions,
): Promise<Exchange> {
  const { recordRefusal } = options;
  try {
    const client = describeClient(request, options);
    const body = route.method === 'POST' ? await readBody(request, route.bodyLimit) : new Uint8Array();
    return { ...client, ...describeRequest(request), body, requestId };
  } catch (error) {
    if (error instanceof GatewayError) {
      const { label } = request.params as Record<string, string | undefined>;
      const operation = route.path.split('/').findLast((segment) => !/^[:*]/.test(segment)) ?? '';
      const remoteAddress = plainAddress(request.socket.remoteAddress ?? '');
      await recordRefusal({
        protocol: handler.name,
        operation,
        code: error.code,
        reason: error.message,
        remoteAddress,
        requestId,
        ...(label === undefined ? {} : { label }),
      });
    }
    throw error;
  }
}

function describeRequest(request: Request): Pick<Exchange, 'method' | 'params' | 'path' | 'query' | 'headers'> {
  const end = request.url.indexOf('?');
  return {
    method: request.method,
    params: request.params as Record<string, string>,
    path: end < 0 ? request.url : request.url.slice(0, end),
    query: end < 0 ? '' : request.url.slice(end + 1),
    headers: singleHeaders(request.headers),
  };
}

/** Node joins repeated headers itself; only Set-Cookie, which no request has, would come as an array. */
function singleHeaders(headers: IncomingHttpHeaders): Exchange['headers'] {
  if (headers['set-cookie'] !== undefined) delete headers['set-cookie'];
  return headers as Record<string, string | undefined>;
}

function send(response: Response, reply: Reply, requestId: string): void {
  // Text stays text: Node then sends it in one piece with the headers.
  const { body, links = [] } = reply;
  // A 204 has no body and says no length (RFC 9110 8.6).
  const length = reply.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const link = links.length === 0 ? {} : { link: [...links] };
  response.writeHead(reply.status, { ...reply.headers, ...link, ...length, 'x-request-id': requestId });
  response.end(reply.status === 204 || response.req.method === 'HEAD' ? undefined : body);
}
