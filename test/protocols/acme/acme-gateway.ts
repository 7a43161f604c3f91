/** The ACME handler on a real store, with a core that opens accounts, and notes what it is asked and told. */
import { createSecretKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { createAcmeHandler } from '../../../protocols/acme/index.js';
import type { AccountOpening, ProtocolEvent, RefusedMessage } from '../../../src/enrollment/request.js';
import { GatewayError } from '../../../src/errors.js';
import { policySchema } from '../../../src/model/policy.js';
import type { PolicyView } from '../../../src/policy-view.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply } from '../../../src/protocol.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { createTestClock, type TestClock } from '../../support/test-clock.js';
import { unusedServices } from '../../support/unused-services.js';
import { type Jws, makeJws, makeSigner, type Signer } from './signer.js';

export const base = 'https://acme.example/acme/servers';

export interface AcmeOptions {
  readonly acme?: Partial<PolicyView['acme']>;
  readonly profiles?: PolicyView['profiles'];
  readonly methods?: PolicyView['methods'];
  readonly needsExternalAccount?: boolean;
}

export interface Problem {
  readonly type: string;
  readonly detail: string;
  readonly status: number;
  readonly [member: string]: unknown;
}

export interface AcmeGateway {
  readonly handler: ProtocolHandler;
  readonly clock: TestClock;
  readonly store: Store;
  /** Name of the policy whose label is `servers`. */
  readonly policy: string;
  readonly openings: readonly AccountOpening[];
  readonly events: readonly ProtocolEvent[];
  readonly refusals: readonly RefusedMessage[];
  /** MAC keys by key id; each is good for one account. */
  readonly externalAccounts: Map<string, Uint8Array>;
  /** May change between requests. */
  options: AcmeOptions;
  /** As a client would; errors thrown by the handler go through `failure`, as at the edge. */
  send(method: string, path: string, more?: Partial<Exchange>): Promise<Reply>;
  post(path: string, jws: unknown, more?: Partial<Exchange>): Promise<Reply>;
  nonce(): Promise<string>;
  /** Signed with a fresh nonce, for the URL that it is sent to; `more` goes into the protected header. */
  ask(signer: Signer, path: string, payload?: unknown, more?: object): Promise<Reply>;
  openAccount(payload?: object, signer?: Signer): Promise<Account>;
}

export interface Account {
  readonly signer: Signer;
  readonly url: string;
  /** Its path below the base. */
  readonly path: string;
  ask(path: string, payload?: unknown, more?: object): Promise<Reply>;
}

type WithAcme = (work: (acme: AcmeGateway) => Promise<void>, options?: AcmeOptions) => Promise<void>;

/** Returns what runs `work` with a gateway and a policy of its own; all of a test file are on one store. */
export function acmeOnOneStore(): WithAcme {
  let folder = '';
  let store: Store | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-acme-'));
    store = await openStore({ file: join(folder, 'gatehouse.db'), synchronous: 'OFF' });
  });
  afterAll(async () => {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });
  let count = 0;
  return async (work, options = {}) => {
    if (store === undefined) throw new Error('the store is not open');
    await work(createAcmeGateway(store, `servers-${count++}`, options));
  };
}

/** @param policy name of the policy whose label is `servers` */
export function createAcmeGateway(store: Store, policy: string, initial: AcmeOptions = {}): AcmeGateway {
  const openings: AccountOpening[] = [];
  const events: ProtocolEvent[] = [];
  const refusals: RefusedMessage[] = [];
  const externalAccounts = new Map<string, Uint8Array>();
  const clock = createTestClock(new Date('2030-01-02T03:04:05Z'));

  const services: ProtocolServices = {
    ...unusedServices,
    clock,
    database: store.database,
    deriveKey: () => createSecretKey(Buffer.alloc(32, 7)),
    baseUrl: (_, host) => (host === 'other.example' ? 'https://other.example' : 'https://acme.example'),
    async commit(statements, told = []) {
      await store.commit({ statements, audit: [] });
      events.push(...told);
    },
    async recordRefusal(refused) {
      refusals.push(refused);
    },
    async openAccount(opening) {
      openings.push(opening);
      const statements = opening.accompanying(await requireExternalAccount(opening));
      await store.commit({ statements, audit: [] });
    },
    policy(label) {
      if (label !== 'servers' && label !== 'others') throw new GatewayError('not-found', 'no policy has this label');
      return viewOf(label === 'servers' ? policy : label, gateway.options);
    },
  };

  async function requireExternalAccount({ binding }: AccountOpening): Promise<string | undefined> {
    if (binding === undefined) return undefined;
    const keyId = Buffer.from(binding.reference).toString();
    const secret = externalAccounts.get(keyId);
    if (secret === undefined || !(await binding.verify(secret))) {
      throw new GatewayError('bad-secret', 'the external account is unknown, or its key is wrong');
    }
    return `credential of ${keyId}`;
  }

  const handler = createAcmeHandler(services);

  async function send(method: string, path: string, more: Partial<Exchange> = {}): Promise<Reply> {
    const { pathname, search } = new URL(path, `${base}/`);
    const found = findRoute(handler, method, pathname);
    const exchange: Exchange = { ...baseExchange, method, query: search.slice(1), ...found, ...more };
    if (found === undefined) throw new Error(`no route for ${method} ${pathname}`);
    try {
      return await found.route.handle(exchange);
    } catch (error) {
      return handler.failure(error, exchange);
    }
  }

  const gateway: AcmeGateway = {
    handler,
    clock,
    store,
    policy,
    openings,
    events,
    refusals,
    externalAccounts,
    options: initial,
    send,
    post: (path, jws, more = {}) =>
      send('POST', path, {
        body: Buffer.from(typeof jws === 'string' ? jws : JSON.stringify(jws)),
        ...more,
        headers: { 'content-type': 'application/jose+json', ...more.headers },
      }),
    nonce: async () => nonceOf(await send('HEAD', 'new-nonce')),
    ask: async (signer, path, payload, more = {}) => {
      const header = { nonce: await gateway.nonce(), url: new URL(path, `${base}/`).href, ...more };
      return await gateway.post(path, makeJws(signer, header, payload));
    },
    async openAccount(payload = {}, signer = makeSigner()) {
      const reply = await gateway.ask(signer, 'new-account', payload, { jwk: signer.jwk });
      const url = reply.headers.Location;
      if (url === undefined) throw new Error(`no account: ${reply.body}`);
      return {
        signer,
        url,
        path: url.slice(base.length + 1),
        ask: (path, asked, more = {}) => gateway.ask(signer, path, asked, { kid: url, ...more }),
      };
    },
  };
  return gateway;
}

export function nonceOf(reply: Reply): string {
  return reply.headers['Replay-Nonce'] ?? '';
}

export function problemOf(reply: Reply): Problem {
  expectType(reply, 'application/problem+json');
  return JSON.parse(String(reply.body));
}

export function jsonOf(reply: Reply): Record<string, unknown> {
  expectType(reply, 'application/json');
  return JSON.parse(String(reply.body));
}

/** The status and the last word of the type. */
export function refusalOf(reply: Reply): string {
  const { status, type } = problemOf(reply);
  if (status !== reply.status) throw new Error(`status ${reply.status} with a problem of status ${status}`);
  return `${status} ${type.replace('urn:ietf:params:acme:error:', '')}`;
}

/** With another character in place of one in the middle of a part. */
export function flipped(jws: Jws, part: keyof Jws): Jws {
  const text = jws[part];
  const at = Math.floor(text.length / 2);
  return { ...jws, [part]: `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}` };
}

function expectType({ headers, body }: Reply, type: string): void {
  if (headers['Content-Type'] !== type) throw new Error(`not ${type}: ${headers['Content-Type']} ${body}`);
}

function viewOf(name: string, options: AcmeOptions): PolicyView {
  const { acme, profiles = [], methods = ['acme'], needsExternalAccount = false } = options;
  return {
    name,
    methods,
    est: { challengePassword: 'check' },
    scep: policySchema.shape.scep.parse(undefined),
    cmp: policySchema.shape.cmp.parse(undefined),
    acme: { ...policySchema.shape.acme.parse(undefined), ...acme },
    profiles,
    acceptsPasswords: false,
    acceptsApiKeys: false,
    needsExternalAccount,
    keys: { ed25519: false, ed448: false },
    requestHashes: ['sha256'],
    subject: [],
    subjectAltNames: [],
    extensions: [],
    keyUsages: [],
    extendedKeyUsages: [],
    ca: false,
    changeSubjectName: false,
  };
}

function findRoute(handler: ProtocolHandler, method: string, path: string) {
  for (const route of handler.routes) {
    if (route.method !== (method === 'HEAD' ? 'GET' : method)) continue;
    const pattern = route.path.replace(/:([a-z]+)/g, '(?<$1>[^/]+)');
    const params = new RegExp(`^${pattern}$`).exec(path)?.groups;
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

const baseExchange: Exchange = {
  method: 'GET',
  params: {},
  path: '/',
  query: '',
  headers: { host: 'acme.example' },
  body: new Uint8Array(),
  remoteAddress: '192.0.2.1',
  requestId: 'request-1',
};
