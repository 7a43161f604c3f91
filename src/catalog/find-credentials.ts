/** Reads the credentials of an authentication policy that operators have made. */
import { GatewayError } from '../errors.js';
import type { ConfiguredKind } from '../model/credential.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { type NamedOrder, type NamedPlace, namedPlaceOf } from '../store/named-order.js';
import type { Store } from '../store/store.js';
import { batchSize, type FilledPage, fillPage, type PageWish } from './fill-page.js';

export interface CredentialName {
  readonly authenticationPolicy: string;
  readonly name: string;
}

/** Those of a kind, revoked ones too. */
export async function listCredentials(
  kind: ConfiguredKind,
  authenticationPolicy: string,
  store: Pick<Store, 'credentials'>,
): Promise<CredentialRecord[]> {
  const records = await store.credentials.listByPolicy({ authenticationPolicy });
  return records.filter((record) => record.kind === kind);
}

export interface CredentialsWish extends PageWish<CredentialRecord, NamedPlace> {
  readonly authenticationPolicy: string;
  readonly order: NamedOrder<'createdAt'>;
}

/** A page, revoked ones too. It may be short where many do not fit. */
export async function listCredentialPage(
  { authenticationPolicy, order, after, limit, fits }: CredentialsWish,
  { credentials }: Pick<Store, 'credentials'>,
): Promise<FilledPage<CredentialRecord, NamedPlace>> {
  const placeOf = (record: CredentialRecord) => namedPlaceOf(record, order);
  return await fillPage({ after, limit, fits, placeOf }, async (last) => {
    const items = await credentials.page({
      authenticationPolicy,
      order,
      ...(last ? { after: last } : {}),
      limit: batchSize,
    });
    return { items, isEnd: items.length < batchSize };
  });
}

/** @throws GatewayError `not-found`, also for what a device has set by a message */
export async function getCredential(
  { authenticationPolicy, name }: CredentialName,
  { credentials }: Pick<Store, 'credentials'>,
  kind?: ConfiguredKind,
): Promise<CredentialRecord> {
  const record = await credentials.findByName({ authenticationPolicy, name });
  if (record === undefined || record.source === 'message' || (kind !== undefined && record.kind !== kind)) {
    throw new GatewayError(
      'not-found',
      `authentication policy ${authenticationPolicy} has no ${kind ?? 'credential'} ${name}`,
    );
  }
  return record;
}
