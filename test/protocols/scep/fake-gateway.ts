/** The SCEP handler with a core that notes what it is asked and answers what the test says. */

import { createScepHandler } from '../../../protocols/scep/index.js';
import type {
  CertificateQuery,
  EnrollmentRequest,
  PollRequest,
  RefusedMessage,
} from '../../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { GatewayError } from '../../../src/errors.js';
import { policySchema } from '../../../src/model/policy.js';
import type { PolicyView } from '../../../src/policy-view.js';
import type { Exchange, Reply } from '../../../src/protocol.js';
import type { EncryptionServiceKey } from '../../../src/service-key.js';
import { unusedServices } from '../../support/unused-services.js';
import { makeRaKey } from './scep-messages.js';

export interface FakeOptions {
  readonly scep?: Partial<PolicyView['scep']>;
  readonly methods?: PolicyView['methods'];
  /** What `enroll`, `poll`, `findCertificate` and `findCrl` answer or throw. */
  readonly result?: EnrollmentResult | Error;
  readonly keys?: readonly EncryptionServiceKey[];
  readonly chain?: readonly Uint8Array[];
  readonly nextCaBundle?: Uint8Array;
  readonly crl?: Uint8Array;
  readonly now?: Date;
}

export interface FakeGateway {
  /** What reached the core. */
  readonly requests: readonly EnrollmentRequest[];
  readonly polls: readonly PollRequest[];
  readonly queries: readonly CertificateQuery[];
  /** What was refused before it got there. */
  readonly refusals: readonly RefusedMessage[];
  /** As a client would; errors thrown by the handler go through `failure`, as at the edge. */
  post(body: Uint8Array, more?: Partial<Exchange>): Promise<Reply>;
  get(query: string, more?: Partial<Exchange>): Promise<Reply>;
}

export const now = new Date('2030-01-02T03:04:05Z');
export const ra = makeRaKey({ subject: 'CN=ra', key: 'rsa ra' });
export const earlierRa = makeRaKey({ subject: 'CN=ra', key: 'rsa earlier ra' });
export const issuingCa = Uint8Array.of(0x30, 3, 2, 1, 2);
export const intermediateCa = Uint8Array.of(0x30, 3, 2, 1, 3);
export const rootCa = Uint8Array.of(0x30, 3, 2, 1, 4);
export const crl = Uint8Array.of(0x30, 3, 2, 1, 5);

export const issued: Extract<EnrollmentResult, { outcome: 'issued' }> = {
  outcome: 'issued',
  certificate: Uint8Array.of(0x30, 3, 2, 1, 1),
  serialNumber: '01',
  chain: [issuingCa, intermediateCa, rootCa],
  modified: [],
};

export function createFakeGateway(options: FakeOptions = {}): FakeGateway {
  const requests: EnrollmentRequest[] = [];
  const polls: PollRequest[] = [];
  const queries: CertificateQuery[] = [];
  const refusals: RefusedMessage[] = [];
  const { result = issued, keys = [ra, earlierRa], chain = issued.chain, methods = ['scep'] } = options;

  function answer(): EnrollmentResult {
    if (result instanceof Error) throw result;
    return result;
  }

  const handler = createScepHandler({
    ...unusedServices,
    async enroll(request) {
      requests.push(request);
      return answer();
    },
    async poll(request) {
      polls.push(request);
      return answer();
    },
    async findCertificate(query) {
      queries.push(query);
      const found = answer();
      return found.outcome === 'issued' ? found.certificate : issued.certificate;
    },
    async findCrl(query) {
      queries.push(query);
      answer();
      return options.crl ?? crl;
    },
    async recordRefusal(refused) {
      refusals.push(refused);
    },
    policy(label) {
      if (label === 'unknown') throw new GatewayError('not-found', 'no policy has this label');
      const scep = { chain: 'full', chainInReply: true, legacy: false, clockTolerance: 3600, ...options.scep } as const;
      return {
        name: label ?? 'default',
        methods,
        est: { challengePassword: 'check' },
        scep,
        cmp: policySchema.shape.cmp.parse(undefined),
        acme: policySchema.shape.acme.parse(undefined),
        profiles: [],
        acceptsPasswords: true,
        acceptsApiKeys: false,
        needsExternalAccount: false,
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
    },
    caCertificates: () => chain,
    async nextCaBundle() {
      if (options.nextCaBundle === undefined) throw new GatewayError('not-found', 'no next CA is staged');
      return options.nextCaBundle;
    },
    async encryptionKeys() {
      return keys.map((key) => ({ ...key, chain }));
    },
    clock: { now: () => options.now ?? now },
  });

  async function serve(routeMethod: string, exchange: Partial<Exchange>): Promise<Reply> {
    const path = exchange.params?.label === undefined ? '/cgi-bin/pkiclient.exe' : '/scep/:label';
    const route = handler.routes.find((r) => r.method === routeMethod && r.path === path);
    if (route === undefined) throw new Error(`no route for ${routeMethod} ${path}`);
    const full: Exchange = { ...baseExchange, method: routeMethod, ...exchange };
    try {
      return await route.handle(full);
    } catch (error) {
      return handler.failure(error, full);
    }
  }

  return {
    requests,
    polls,
    queries,
    refusals,
    post: (body, more = {}) => serve('POST', { query: 'operation=PKIOperation', ...more, body }),
    get: (query, more = {}) => serve('GET', { ...more, query }),
  };
}

const baseExchange: Exchange = {
  method: 'GET',
  params: { label: 'routers' },
  path: '/',
  query: '',
  headers: {},
  body: new Uint8Array(),
  remoteAddress: '192.0.2.1',
  requestId: 'request-1',
};
