/** What an order is at a moment, and how it is shown (RFC 8555 7.1.3, 7.1.6). */
import type { Answer } from './answer.js';
import { authorizationStatus, type LinkedAuthorization } from './authorization-state.js';
import type { OrderRecord } from './store/orders.js';
import type { Urls } from './urls.js';

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';

/** An order with what it depends on. */
export interface Order {
  readonly record: OrderRecord;
  /** In the order of its identifiers. */
  readonly authorizations: readonly LinkedAuthorization[];
  readonly status: OrderStatus;
  /** While people decide about it: in how many seconds to look again. */
  readonly retryAfter?: number;
}

export function orderStatus(
  { status, expiresAt }: Pick<OrderRecord, 'status' | 'expiresAt'>,
  authorizations: readonly LinkedAuthorization[],
  now: number,
): OrderStatus {
  if (status !== 'open') return status;
  if (expiresAt <= now) return 'invalid';
  const statuses = authorizations.map((each) => authorizationStatus(each, now));
  if (statuses.every((each) => each === 'valid')) return 'ready';
  return statuses.every((each) => each === 'valid' || each === 'pending') ? 'pending' : 'invalid';
}

export function orderAnswer({ record, authorizations, status, retryAfter }: Order, urls: Urls): Answer {
  const { id, notBefore, notAfter, profile, replaces, error } = record;
  return {
    status: 200,
    location: urls.order(id),
    json: {
      status,
      expires: dateText(expiryOf(record, authorizations)),
      identifiers: JSON.parse(record.identifiers),
      ...(notBefore === null ? {} : { notBefore: dateText(notBefore) }),
      ...(notAfter === null ? {} : { notAfter: dateText(notAfter) }),
      ...(profile === null ? {} : { profile }),
      ...(replaces === null ? {} : { replaces }),
      ...(error === null ? {} : { error: JSON.parse(error) }),
      authorizations: authorizations.map((each) => urls.authorization(each.id)),
      finalize: urls.finalize(id),
      ...(status === 'valid' ? { certificate: urls.certificate(id) } : {}),
    },
    ...(status === 'processing' && retryAfter !== undefined ? { retryAfter } : {}),
  };
}

/** An open order ends with the first of its authorizations: a later time would be a promise that is not kept. */
function expiryOf({ status, expiresAt }: OrderRecord, authorizations: readonly LinkedAuthorization[]): number {
  if (status !== 'open') return expiresAt;
  return Math.min(expiresAt, ...authorizations.map((each) => each.expiresAt ?? expiresAt));
}

function dateText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
