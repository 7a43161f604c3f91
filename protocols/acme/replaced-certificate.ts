/** The certificate that an order replaces (RFC 9773 5). */
import type { AcmeIdentifier } from '../../src/model/acme.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { findRenewal } from './certificate-name.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { describeOrder, refreshed } from './find-order.js';
import { identifierKey } from './identifiers.js';
import { AcmeError } from './problem.js';
import type { OrderWrite } from './store/orders.js';
import { readSubjectNames } from './subject-names.js';

/**
 * Checks that the account may replace the certificate with an order for these identifiers. Returns what makes room for the order,
 * for its commit.
 * @throws AcmeError `malformed`, `unauthorized` or `alreadyReplaced`
 */
export async function requireReplaceable(
  replaces: string,
  identifiers: readonly AcmeIdentifier[],
  request: AccountRequest,
  context: AcmeContext,
): Promise<readonly OrderWrite[]> {
  const { certificate, requester } = await findRenewal(replaces, request, context);
  if (requester !== `acme-account:${request.account.id}`) {
    throw new AcmeError('unauthorized', 'the certificate to be replaced is not one of this account');
  }
  if (!sharesIdentifier(certificate, identifiers)) {
    throw new AcmeError('malformed', 'the certificate to be replaced has none of the identifiers of the order');
  }
  return await makeRoom(replaces, request, context);
}

export function alreadyReplaced(cause?: unknown): AcmeError {
  return new AcmeError('alreadyReplaced', 'another order replaces this certificate; order without "replaces"', {
    cause,
  });
}

/** An order that has come to nothing does not stand in the way, though nobody has looked at it since. */
async function makeRoom(
  replaces: string,
  request: AccountRequest,
  context: AcmeContext,
): Promise<readonly OrderWrite[]> {
  const record = await context.orders.findReplacing({ replaces });
  if (record === undefined) return [];
  const { status, record: now } = await refreshed(await describeOrder(record, context), request, context);
  if (status !== 'invalid') throw alreadyReplaced();
  const { id, error, certificate, requestId, expiresAt } = now;
  if (now.status === 'invalid') return [];
  return [context.orders.proceed({ id, from: now.status, status, error, certificate, requestId, expiresAt })];
}

function sharesIdentifier(certificate: Uint8Array, identifiers: readonly AcmeIdentifier[]): boolean {
  const { identifiers: certified, commonNames } = readSubjectNames(decodeCertificate(certificate));
  const keys = new Set(certified.map(identifierKey));
  // A device may be named in the subject alone.
  return identifiers.some((each) => keys.has(identifierKey(each)) || commonNames.includes(each.value));
}
