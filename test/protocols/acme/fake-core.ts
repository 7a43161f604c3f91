/** The resources of ACME over a real store, with a core that notes what it is asked and answers what the test says. */

import type { AccountRequest, AcmeContext } from '../../../protocols/acme/context.js';
import { type AccountRecord, createAccountStore } from '../../../protocols/acme/store/accounts.js';
import { createAuthorizationStore } from '../../../protocols/acme/store/authorizations.js';
import { createOrderStore } from '../../../protocols/acme/store/orders.js';
import { createUrls } from '../../../protocols/acme/urls.js';
import type { Validate } from '../../../protocols/acme/validation/validate.js';
import { createValidations } from '../../../protocols/acme/validations.js';
import type {
  AuthenticationRequest,
  EnrollmentRequest,
  NamesRequest,
  ProtocolEvent,
  RefusedMessage,
  RevocationMessage,
  Withdrawal,
} from '../../../src/enrollment/request.js';
import type { Requester } from '../../../src/enrollment/requester.js';
import type { EnrollmentResult, Renewal } from '../../../src/enrollment/result.js';
import { GatewayError } from '../../../src/errors.js';
import { createIdentifier } from '../../../src/identifier.js';
import { createLog } from '../../../src/log.js';
import { policySchema } from '../../../src/model/policy.js';
import type { PolicyView } from '../../../src/policy-view.js';
import type { Exchange, ProtocolServices } from '../../../src/protocol.js';
import { encodeAuthorityInfoAccess } from '../../../src/x509/location-extensions.js';
import { idPeAuthorityInfoAccess } from '../../../src/x509/oids.js';
import { withStore } from '../../src/store/temporary-store.js';
import { makeCertificate } from '../../support/make-chain.js';
import { createTestClock, type TestClock } from '../../support/test-clock.js';
import { unusedServices } from '../../support/unused-services.js';
import { basePolicy } from '../est/fake-gateway.js';

export interface FakeAcme {
  readonly context: AcmeContext;
  /** Another process on the same database. */
  startProcess(): AcmeContext;
  readonly clock: TestClock;
  /** What the core is asked. */
  readonly enrollments: EnrollmentRequest[];
  readonly names: NamesRequest[];
  readonly revocations: RevocationMessage[];
  readonly authentications: AuthenticationRequest[];
  readonly refusals: RefusedMessage[];
  readonly withdrawals: Withdrawal[];
  readonly events: ProtocolEvent[];
  /** Lines of the log. */
  readonly logged: string[];
  /** What was to be validated. */
  readonly tasks: Parameters<Validate>[0][];
  /** How many certificates were committed. */
  readonly issued: { count: number };
  /** What the core, the validation and the policy say; tests change them. */
  readonly says: {
    enroll?: 'pending' | GatewayError;
    poll?: EnrollmentResult | GatewayError;
    requireNames?: GatewayError;
    authenticate?: Requester | GatewayError;
    revoke?: GatewayError;
    renewal?: Renewal;
    alternates?: readonly (readonly Uint8Array[])[];
    validate: (task: Parameters<Validate>[0]) => Promise<void>;
    acme: Partial<PolicyView['acme']>;
    profiles: PolicyView['profiles'];
  };
  readonly account: AccountRecord;
  /** A verified message of the account. */
  request(payload: unknown, params?: Record<string, string>, more?: Partial<Exchange>): AccountRequest;
  /** Another account of the same directory. */
  addAccount(changes?: Partial<AccountRecord>): Promise<AccountRecord>;
}

export const start = new Date('2030-01-02T03:04:05Z');
export const label = 'web';
export const urls = createUrls('https://gate.example', label);
export const root = makeCertificate({ subject: 'CN=root' });
export const issuer = makeCertificate({ subject: 'CN=issuer', issuer: 'CN=root', signer: 'CN=root' });
export const issuerUrl = 'http://gate.example/aia/issuer.cer';
export const certificate = makeCertificate({
  subject: 'CN=a.example',
  issuer: 'CN=issuer',
  signer: 'CN=issuer',
  notAfter: '2030-04-01T00:00:00Z',
  extensions: [
    {
      id: idPeAuthorityInfoAccess,
      critical: false,
      value: encodeAuthorityInfoAccess({ caIssuers: [issuerUrl], ocsp: ['http://gate.example/ocsp/issuer'] }),
    },
  ],
});

/** Runs `work` with a new store. */
export async function withAcme(work: (acme: FakeAcme) => Promise<void>, delays?: readonly number[]): Promise<void> {
  await withStore(async (store) => {
    const clock = createTestClock(start);
    const noted = {
      enrollments: [] as EnrollmentRequest[],
      names: [] as NamesRequest[],
      revocations: [] as RevocationMessage[],
      authentications: [] as AuthenticationRequest[],
      refusals: [] as RefusedMessage[],
      withdrawals: [] as Withdrawal[],
      events: [] as ProtocolEvent[],
      logged: [] as string[],
      tasks: [] as Parameters<Validate>[0][],
      issued: { count: 0 },
    };
    const says: FakeAcme['says'] = { validate: async () => {}, acme: {}, profiles: [] };
    const policy = (): PolicyView => ({
      ...basePolicy,
      name: label,
      methods: ['acme'],
      acme: { ...policySchema.shape.acme.parse(undefined), ...says.acme },
      profiles: says.profiles,
    });
    const answers = new Map<string | undefined, EnrollmentResult>();

    async function enroll(request: EnrollmentRequest): Promise<EnrollmentResult> {
      noted.enrollments.push(request);
      if (says.enroll instanceof GatewayError) throw says.enroll;
      const known = answers.get(request.transactionId);
      if (known !== undefined) return known;
      const result = says.enroll === 'pending' ? pending : issued;
      try {
        await store.commit({ statements: request.accompanying?.(result) ?? [], audit: [] });
      } catch (error) {
        // As the core does: what a parallel message has committed is the answer to this one.
        const first = answers.get(request.transactionId);
        if (first !== undefined) return first;
        throw error;
      }
      noted.issued.count += 1;
      answers.set(request.transactionId, result);
      return result;
    }

    const services: ProtocolServices = {
      ...unusedServices,
      log: createLog('info', { write: (line) => noted.logged.push(line) }),
      clock,
      database: store.database,
      policy,
      enroll,
      async commit(statements, events = []) {
        await store.commit({ statements, audit: [] });
        noted.events.push(...events);
      },
      async poll() {
        return answerOf(says.poll ?? pending);
      },
      async requireNames(request) {
        noted.names.push(request);
        if (says.requireNames !== undefined) throw says.requireNames;
      },
      async authenticate(request) {
        noted.authentications.push(request);
        return answerOf(says.authenticate ?? new GatewayError('untrusted-signer', 'not trusted here'));
      },
      async revoke(message) {
        noted.revocations.push(message);
        message.requireDescribed?.(certificate);
        if (says.revoke !== undefined) throw says.revoke;
        return { outcome: 'done' };
      },
      async renewal() {
        if (says.renewal === undefined) throw new GatewayError('unknown-certificate', 'there is none');
        return says.renewal;
      },
      async withdraw(withdrawal) {
        noted.withdrawals.push(withdrawal);
        await store.commit({ statements: withdrawal.accompanying ?? [], audit: [] });
      },
      issuersOf: async () => [issuer, root],
      alternateIssuersOf: async () => says.alternates ?? [],
      async recordRefusal(refused) {
        noted.refusals.push(refused);
      },
    };
    const parts = {
      services,
      accounts: createAccountStore(store.database),
      authorizations: createAuthorizationStore(store.database),
      orders: createOrderStore(store.database),
    };
    const validate: Validate = async (task) => {
      noted.tasks.push(task);
      await says.validate(task);
    };
    const startProcess = (): AcmeContext => ({
      ...parts,
      validations: createValidations({ ...parts, validate }, delays),
    });

    async function addAccount(changes: Partial<AccountRecord> = {}): Promise<AccountRecord> {
      const id = createIdentifier();
      const record: AccountRecord = { ...baseAccount, id, keyThumbprint: `thumbprint-${id}`, ...changes };
      await store.commit({ statements: [parts.accounts.insert(record)], audit: [] });
      return record;
    }

    const account = await addAccount();
    await work({
      ...noted,
      context: startProcess(),
      startProcess,
      clock,
      says,
      account,
      addAccount,
      request: (payload, params = {}, more = {}) => ({
        exchange: { ...baseExchange, params: { label, ...params }, ...more },
        label,
        policy: policy(),
        urls,
        payload,
        account,
        kid: urls.account(account.id),
      }),
    });
  });
}

export const pending = { outcome: 'pending', requestId: 'waiting-1', retryAfterSeconds: 30 } as const;
export const issued: EnrollmentResult = {
  outcome: 'issued',
  certificate,
  serialNumber: '01',
  chain: [issuer, root],
  modified: [],
};

function answerOf<Result>(said: Result | GatewayError): Result {
  if (said instanceof GatewayError) throw said;
  return said;
}

/** Waits for what goes on in the background. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not come to that');
}

const baseAccount: Omit<AccountRecord, 'id' | 'keyThumbprint'> = {
  policy: label,
  jwk: '{}',
  status: 'valid',
  contacts: '[]',
  agreedTerms: null,
  externalAccount: null,
  externalAccountBinding: null,
  network: '192.0.2.1',
  createdAt: start.getTime(),
};

const baseExchange: Exchange = {
  method: 'POST',
  params: {},
  path: '/',
  query: '',
  headers: {},
  body: new Uint8Array(),
  remoteAddress: '192.0.2.1',
  requestId: 'request-1',
};
