/** The one place where operations of the management API meet Express: requests in, answers and problem documents out. */
import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import type { PresentedAccess } from '../access/authenticate.js';
import { actorOf, type Principal, type Scope, scopeOf } from '../access/principal.js';
import { GatewayError, HttpError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { describeRefusal } from '../log.js';
import type { TlsClient } from '../protocol.js';
import { type Authenticate, readPresented } from './authenticate.js';
import { checkFields } from './invalid-fields.js';
import type { Call, Operation } from './operation.js';
import { refuseOtherSites } from './other-sites.js';
import { checkBody, openStream, readJson } from './read-body.js';
import { readQuery } from './read-query.js';
import { type ApiRecording, recordRefusal, refusalReply } from './refusals.js';
import { type ApiReply, replyTo, requireMatch, send } from './reply.js';

/** Where a request comes from, directly or as told by a trusted proxy. @throws GatewayError when that proxy tells nonsense */
export type DescribeClient = (request: IncomingMessage) => { readonly remoteAddress: string; readonly tls?: TlsClient };

export interface ApiRouterOptions {
  readonly operations: readonly Operation[];
  readonly authenticate: Authenticate;
  readonly describeClient: DescribeClient;
  readonly services: ApiRecording;
}

/** Serves the operations at their paths, and problem documents everywhere else. */
export function createApiRouter({ operations, ...options }: ApiRouterOptions): Router {
  const router = express.Router({ caseSensitive: true });
  for (const path of [...new Set(operations.map((operation) => operation.path))].sort(literalFirst)) {
    const route = router.route(path.replace(/\{([A-Za-z]+)\}/g, ':$1'));
    const here = operations.filter((operation) => operation.path === path);
    for (const operation of here) {
      route[operation.method]((request: Request, response: Response) =>
        answering(request, response, operation.id, options, (visit) => perform(operation, request, response, visit)),
      );
    }
    const allow = here.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase())).join(', ');
    route.all((request: Request, response: Response) => {
      response.setHeader('Allow', allow);
      return answering(request, response, 'none', options, () => {
        throw new HttpError(405, 'unsupported-operation', `${request.method} is not answered here, only ${allow}`);
      });
    });
  }
  router.use((request: Request, response: Response) =>
    answering(request, response, 'none', options, () => {
      throw new GatewayError(
        'not-found',
        'nothing is served at this address; /api/ lists what there is, and devices enroll at the device TLS port',
      );
    }),
  );
  // Such as a path that is not valid percent-encoding.
  router.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
    answering(request, response, 'none', options, () => {
      throw error;
    }),
  );
  return router;
}

/** What is known of a request on its way through; the steps add to it. */
interface Visit extends Pick<ApiRouterOptions, 'authenticate' | 'describeClient'> {
  readonly requestId: string;
  remoteAddress: string;
  principal: Principal | undefined;
}

type AnsweringOptions = Omit<ApiRouterOptions, 'operations'>;

/** Answers whatever `work` does, and writes the request's one line of log. */
async function answering(
  request: Request,
  response: Response,
  operation: string,
  { services, ...options }: AnsweringOptions,
  work: (visit: Visit) => Promise<ApiReply>,
): Promise<void> {
  const requestId = createIdentifier();
  const began = performance.now();
  const remoteAddress = request.socket.remoteAddress ?? '';
  const visit: Visit = { ...options, requestId, remoteAddress, principal: undefined };
  const [path = ''] = request.originalUrl.split('?', 1);
  response.setHeader('X-Request-Id', requestId);
  let failure: unknown;
  let reply: ApiReply;
  try {
    reply = await work(visit);
  } catch (error) {
    failure = error;
    reply = refusalReply(error, requestId, visit.principal);
    await recordRefusal(error, { ...visit, status: reply.status, method: request.method, path, operation }, services);
  }
  try {
    await send(request, response, reply);
  } catch (error) {
    if (!isGone(error)) failure ??= error;
  }
  const entry = {
    requestId,
    operation,
    method: request.method,
    path,
    status: reply.status,
    milliseconds: Math.round(performance.now() - began),
    remoteAddress: visit.remoteAddress,
    ...(visit.principal && { principal: visit.principal.name }),
  };
  if (failure === undefined) services.log.info(entry, 'request');
  else if (reply.status < 400 || reply.status >= 500) services.log.error({ ...entry, err: failure }, 'request failed');
  else services.log.info({ ...entry, ...describeRefusal(failure) }, 'request refused');
}

/** In this order: nothing of a body is read before it is known whose it is and that it is allowed. */
async function perform(operation: Operation, request: Request, response: Response, visit: Visit): Promise<ApiReply> {
  const { remoteAddress, tls } = visit.describeClient(request);
  visit.remoteAddress = remoteAddress;
  refuseOtherSites(request);
  const { requestId } = visit;
  const presented = readPresented(request.headers, { remoteAddress, clientChain: tls?.clientChain ?? [] });
  const principal = await visit.authenticate(presented);
  visit.principal = principal;
  const scope = scopeFor(operation, principal);
  checkBody(operation, request);
  if (request.headers['if-match'] !== undefined && !operation.isTagged && operation.method !== 'get') {
    throw new GatewayError('malformed-request', 'this operation has no regard to If-Match; leave it out');
  }
  const params = checkFields(operation.params ?? nothing, { ...request.params }, 'path');
  const query = checkFields(operation.query ?? nothing, readQuery(request.url), 'query');
  // Who asks before sending a large body learns only here that it is wanted: the server leaves that to us (checkContinue).
  if (request.headers.expect !== undefined) response.writeContinue();
  const body = operation.streams ? undefined : await readFields(operation, request);
  const call: Call<unknown, unknown, unknown> = {
    params,
    query,
    body,
    stream: operation.streams
      ? openStream(request, operation.streams.bodyLimit, () => requireSame(principal, presented, visit))
      : request,
    contentType: mediaTypeOf(request),
    principal,
    actor: actorOf(principal, { remoteAddress, requestId }),
    scope,
    requireMatch: (current) => requireMatch(request, current),
  };
  return replyTo(operation, await operation.handle(call), request);
}

/** What takes an hour to come must not be taken from who was stopped meanwhile. @throws GatewayError */
async function requireSame(principal: Principal, presented: PresentedAccess, { authenticate }: Visit): Promise<void> {
  if (isDeepStrictEqual(await authenticate(presented), principal)) return;
  throw new GatewayError('forbidden', 'your rights were changed while the body was on its way; send it again');
}

const nothing = z.strictObject({});

/** @throws GatewayError `forbidden` */
function scopeFor({ permission }: Operation, principal: Principal): Scope {
  if (permission === undefined) return new Set();
  const scope = scopeOf(principal, permission);
  if (scope !== 'everywhere' && scope.size === 0) {
    throw new GatewayError('forbidden', `the permission ${permission} is needed for this; no role of yours has it`);
  }
  return scope;
}

async function readFields({ body: schema, ...operation }: Operation, request: IncomingMessage): Promise<unknown> {
  const value = await readJson(operation, request);
  if (schema !== undefined) return checkFields(schema, value, 'body');
  // Many clients send an empty object where there is nothing to say.
  if (value !== undefined) checkFields(nothing, value, 'body');
  return undefined;
}

function mediaTypeOf({ headers }: IncomingMessage): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** `/devices/search` before `/devices/{id}`, whatever the order of the operations. */
function literalFirst(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  const at = left.findIndex((segment, index) => segment.startsWith('{') !== (right[index] ?? segment).startsWith('{'));
  if (at < 0) return 0;
  return left[at]?.startsWith('{') ? 1 : -1;
}

/** Whoever asked has not waited for the whole answer. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
