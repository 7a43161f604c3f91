/** finalize (RFC 8555 7.4). */
import { z } from 'zod';
import type { EnrollmentRequest } from '../../src/enrollment/request.js';
import type { ErrorCode, GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { accountCredential } from './account-credential.js';
import type { Answer } from './answer.js';
import { isProved } from './authorization-state.js';
import { findRenewal } from './certificate-name.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { badCsr, readOrderedRequest } from './csr.js';
import { findCurrentOrder, findOrder, orderProgress } from './find-order.js';
import { type Order, orderAnswer } from './order-state.js';
import { readOctets, readPayload } from './payload.js';
import { AcmeError, type ProblemType } from './problem.js';
import { askingCore, recorded } from './recorded.js';

export const finalizeOrder = recorded(
  'finalize',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    const { csr } = readPayload(finalizeSchema, request.payload);
    const order = await findCurrentOrder(request, context);
    requireReady(order, request);
    const enrollment = await readEnrollment(readOctets(csr, 'csr'), order, request, context);
    const result = await askingCore(() => context.services.enroll(enrollment), renamed);
    // Where a parallel message was first, its certificate is the order's.
    const now = await findOrder(request, context);
    const retryAfter = result.outcome === 'pending' ? { retryAfter: result.retryAfterSeconds } : {};
    return orderAnswer({ ...now, ...retryAfter }, request.urls);
  },
);

const finalizeSchema = z.object({ csr: z.string() });

function requireReady({ status, record, authorizations }: Order, { policy }: AccountRequest): void {
  if (status !== 'ready') {
    throw new AcmeError('orderNotReady', `the order is ${status}; ${whatToDo[status]}`);
  }
  if (record.profile !== null && policy.profiles.every(({ name }) => name !== record.profile)) {
    throw new AcmeError('invalidProfile', 'the policy no longer offers the profile of the order; make a new order');
  }
  // The policy may have been content with an external account when the order was made.
  if (policy.acme.authorization !== 'externalAccount' && !authorizations.every((each) => isProved(each, policy.acme))) {
    throw new AcmeError('unauthorized', 'the policy now wants the identifiers to be proved; make a new order');
  }
}

const whatToDo: Readonly<Record<Exclude<Order['status'], 'ready'>, string>> = {
  pending: 'complete its authorizations first',
  processing: 'fetch it to see when its certificate is there',
  valid: 'fetch it to see where its certificate is',
  invalid: 'make a new one',
};

async function readEnrollment(
  der: Uint8Array,
  { record, authorizations }: Order,
  request: AccountRequest,
  context: AcmeContext,
): Promise<EnrollmentRequest> {
  const { id, identifiers, notBefore, notAfter, profile, replaces } = record;
  const csr = readOrderedRequest(der, {
    identifiers: JSON.parse(identifiers),
    attestedKeys: authorizations.flatMap(({ attestedKey }) => attestedKey ?? []),
  });
  const { subjectPublicKeyInfo, keyThumbprint, subject, extensions, requestHash } = csr;
  // RFC 8555 11.1: what a certificate is used for must be no way to have an account's messages signed.
  if ((await context.accounts.findAnyByKey({ keyThumbprint })) !== undefined) {
    throw badCsr('the key of the request is that of an account; make another one', 'unacceptable-key');
  }
  return {
    ...originOf(request.exchange),
    protocol: 'acme',
    operation: 'enroll',
    // Whatever comes twice, an order has one certificate.
    transactionId: id,
    ...(profile === null ? {} : { profileHint: profile }),
    requested: {
      subjectPublicKeyInfo,
      subject,
      extensions,
      ...(notBefore === null ? {} : { notBefore: new Date(notBefore) }),
      ...(notAfter === null ? {} : { notAfter: new Date(notAfter) }),
      ...(requestHash === undefined ? {} : { requestHash }),
    },
    certificationRequest: der,
    ...(replaces === null ? {} : await findReplaced(replaces, request, context)),
    credentials: [accountCredential(request, authorizations, context)],
    accompanying: (result) => [
      context.accounts.requireValid({ id: request.account.id }),
      orderProgress(record, result, context),
    ],
  };
}

/** What the order replaces was found when it was made; that its CA is gone since is no reason to refuse a certificate. */
async function findReplaced(
  replaces: string,
  request: AccountRequest,
  context: AcmeContext,
): Promise<Pick<EnrollmentRequest, 'renews'>> {
  try {
    return { renews: (await findRenewal(replaces, request, context)).certificate };
  } catch (error) {
    if (error instanceof AcmeError) return {};
    throw error;
  }
}

/** The order stays ready (RFC 8555 7.4): another request may do better. */
function renamed(error: GatewayError): AcmeError | undefined {
  const type = types[error.code];
  return type && new AcmeError(type, error.message, { code: error.code, cause: error });
}

const types: Readonly<Partial<Record<ErrorCode, ProblemType>>> = {
  'malformed-request': 'badCSR',
  'unsupported-algorithm': 'badCSR',
  'invalid-proof-of-possession': 'badCSR',
  'unacceptable-key': 'badCSR',
  'rejected-name': 'badCSR',
  'rejected-profile': 'badCSR',
  'rejected-power': 'badCSR',
  'duplicate-request': 'badCSR',
  'bad-secret': 'unauthorized',
  'untrusted-signer': 'unauthorized',
  'revoked-requester': 'unauthorized',
  forbidden: 'unauthorized',
  'invalid-state': 'orderNotReady',
};
