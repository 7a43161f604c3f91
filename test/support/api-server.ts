/** The management API on a loopback server of its own, with operations and principals that a test has made. */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { PresentedAccess } from '../../src/access/authenticate.js';
import type { Principal } from '../../src/access/principal.js';
import { mountApi } from '../../src/api/mount.js';
import type { Answer, Operation } from '../../src/api/operation.js';
import type { ApiRecording } from '../../src/api/refusals.js';
import { GatewayError } from '../../src/errors.js';
import type { Grant } from '../../src/model/access.js';
import { type ApiAnswer, type ApiMessage, sendMessage } from './api-message.js';

/** API keys that are there, each with its principal. */
export type Principals = Readonly<Record<string, Principal>>;

export function principal(name: string, ...grants: readonly Grant[]): Principal {
  return { kind: 'api-key', id: `id-of-${name}`, name, person: `api-key:id-of-${name}`, grants };
}

export interface ApiServer {
  readonly port: number;
  send(path: string, message?: ApiMessage): Promise<ApiAnswer>;
  close(): Promise<void>;
}

interface ApiServerOptions {
  readonly operations: readonly Operation[];
  readonly principals: Principals;
  readonly services: ApiRecording;
  /** Sees what was presented, in place of a look for the key. */
  readonly authenticate?: (presented: PresentedAccess) => Promise<Principal>;
  readonly clientChain?: readonly Uint8Array[];
}

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { operations, principals, services, clientChain } = options;
  const app = express();
  app.set('query parser', false);
  mountApi(app, {
    version: '0.0.0',
    operations: operations.map(withCheckedAnswer),
    authenticate: options.authenticate ?? (async ({ apiKey = '' }) => lookUp(principals, apiKey)),
    describeClient: () => ({
      remoteAddress: '127.0.0.1',
      ...(clientChain && { tls: { clientChain, channelBinding: () => undefined } }),
    }),
    services,
  });
  const server = createServer(app);
  server.on('checkContinue', app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  return {
    port,
    send: (path, message = {}) => sendMessage(request, { host: '127.0.0.1', port, path, agent }, message),
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer that is not as the documentation has it is a failure of the gateway's. */
export function withCheckedAnswer(operation: Operation): Operation {
  return {
    ...operation,
    handle: async (call): Promise<Answer<unknown>> => {
      const answer = await operation.handle(call);
      if (answer.value !== undefined) operation.answer?.parse(JSON.parse(JSON.stringify(answer.value)));
      return answer;
    },
  };
}

function lookUp(principals: Principals, key: string): Principal {
  const found = Object.hasOwn(principals, key) ? principals[key] : undefined;
  if (found === undefined)
    throw new GatewayError('bad-secret', 'the API key is none of ours', { cause: 'no such key' });
  return found;
}
