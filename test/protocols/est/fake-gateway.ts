/** The EST handler with a core that notes what it is asked and answers what the test says. */

import { createEstHandler } from '../../../protocols/est/index.js';
import type { EnrollmentRequest, PollRequest, RefusedMessage } from '../../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { GatewayError } from '../../../src/errors.js';
import { policySchema } from '../../../src/model/policy.js';
import type { PolicyView } from '../../../src/policy-view.js';
import type { Exchange, ProtocolServices, Reply } from '../../../src/protocol.js';
import type { ServiceKey } from '../../../src/service-key.js';
import { unusedServices } from '../../support/unused-services.js';

export interface FakeOptions {
  readonly policy?: Partial<PolicyView>;
  /** What `enroll` answers or throws. */
  readonly result?: EnrollmentResult | Error;
  readonly caCertificates?: readonly Uint8Array[];
  readonly serviceKey?: ServiceKey;
}

export interface FakeGateway {
  /** What reached the core. */
  readonly requests: readonly EnrollmentRequest[];
  readonly polls: readonly PollRequest[];
  /** What was refused before it got there. */
  readonly refusals: readonly RefusedMessage[];
  /** Posts a body to an operation as a client would; errors thrown by the handler go through `failure`, as at the edge. */
  post(operation: string, body: Uint8Array | string, more?: Partial<Exchange>): Promise<Reply>;
  get(operation: string, more?: Partial<Exchange>): Promise<Reply>;
}

export const basePolicy: PolicyView = {
  name: 'quickstart',
  methods: ['est'],
  scep: policySchema.shape.scep.parse(undefined),
  cmp: policySchema.shape.cmp.parse(undefined),
  acme: policySchema.shape.acme.parse(undefined),
  profiles: [],
  est: { challengePassword: 'check' },
  acceptsPasswords: true,
  acceptsApiKeys: false,
  needsExternalAccount: false,
  keys: {
    ec: { curves: ['P-256', 'P-384'] },
    rsa: { minimumBits: 2048, maximumBits: 4096 },
    ed25519: false,
    ed448: false,
  },
  requestHashes: ['sha256', 'sha384', 'sha512'],
  subject: [],
  subjectAltNames: [],
  extensions: [],
  keyUsages: [],
  extendedKeyUsages: [],
  ca: false,
  changeSubjectName: false,
};

export const issued: Extract<EnrollmentResult, { outcome: 'issued' }> = {
  outcome: 'issued',
  certificate: Uint8Array.of(0x30, 3, 2, 1, 1),
  serialNumber: '01',
  chain: [Uint8Array.of(0x30, 3, 2, 1, 2), Uint8Array.of(0x30, 3, 2, 1, 3)],
  modified: [],
};

export function createFakeGateway(options: FakeOptions = {}): FakeGateway {
  const requests: EnrollmentRequest[] = [];
  const polls: PollRequest[] = [];
  const refusals: RefusedMessage[] = [];
  const { result = issued, serviceKey } = options;
  const services: ProtocolServices = {
    ...unusedServices,
    async enroll(request) {
      requests.push(request);
      if (result instanceof Error) throw result;
      return result;
    },
    async poll(request) {
      polls.push(request);
      if (result instanceof Error) throw result;
      return result;
    },
    async recordRefusal(refused) {
      refusals.push(refused);
    },
    policy(label) {
      if (label === 'unknown') throw new GatewayError('not-found', 'no policy has this label');
      return { ...basePolicy, ...options.policy };
    },
    caCertificates(label) {
      if (label === 'unknown') throw new GatewayError('not-found', 'no policy has this label');
      return options.caCertificates ?? issued.chain;
    },
    async serviceKey() {
      if (serviceKey === undefined) throw new GatewayError('unavailable', 'no service key');
      return serviceKey;
    },
    clock: { now: () => new Date('2030-01-02T03:04:05Z') },
  };
  const handler = createEstHandler(services);

  async function serve(method: string, operation: string, exchange: Partial<Exchange>): Promise<Reply> {
    const path = exchange.params?.label === undefined ? '/.well-known/est' : '/.well-known/est/:label';
    const route = handler.routes.find((r) => r.method === method && r.path === `${path}/${operation}`);
    if (route === undefined) throw new Error(`no route for ${method} ${operation}`);
    const full: Exchange = { ...baseExchange, method, ...exchange };
    try {
      return await route.handle(full);
    } catch (error) {
      return handler.failure(error, full);
    }
  }

  return {
    requests,
    polls,
    refusals,
    post: (operation, body, more = {}) =>
      serve('POST', operation, {
        ...more,
        headers: { 'content-type': contentTypes[operation], ...more.headers },
        body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
      }),
    get: (operation, more = {}) => serve('GET', operation, more),
  };
}

export function base64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

const contentTypes: Readonly<Record<string, string>> = {
  simpleenroll: 'application/pkcs10',
  simplereenroll: 'application/pkcs10',
  serverkeygen: 'application/pkcs10',
  fullcmc: 'application/pkcs7-mime; smime-type=CMC-request',
};

const baseExchange: Exchange = {
  method: 'GET',
  params: {},
  path: '/',
  query: '',
  headers: {},
  body: new Uint8Array(),
  remoteAddress: '192.0.2.1',
  requestId: 'request-1',
};
