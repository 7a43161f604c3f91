/** Accounts (RFC 8555 7.1.2). */
import type { Database } from '../../../src/store/database.js';
import { slotsOf } from '../../../src/store/query.js';
import type { AuthorizationRecord } from './authorizations.js';

export interface AccountRecord {
  readonly id: string;
  /** An account is one of a policy's directory. */
  readonly policy: string;
  /** RFC 7638, base64url. */
  readonly keyThumbprint: string;
  /** JSON. */
  readonly jwk: string;
  /** `revoked`: by the gateway, with its device. */
  readonly status: 'valid' | 'deactivated' | 'revoked';
  /** JSON: a list of URLs. */
  readonly contacts: string;
  /** URL of the terms of service that were agreed to. */
  readonly agreedTerms: string | null;
  /** The id of the credential that it is bound to. */
  readonly externalAccount: string | null;
  /** JSON: the binding, as the client sent it. */
  readonly externalAccountBinding: string | null;
  /** Where it was opened from: an IPv4 address, or an IPv6 network of 64 bits. */
  readonly network: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export type AccountStore = ReturnType<typeof createAccountStore>;

export function createAccountStore(database: Database) {
  const { write, find, list } = database.tables<Tables>();
  return {
    findById: find((db, slot: { id: string; policy: string }) =>
      db.selectFrom('acmeAccount').select(columns).where('id', '=', slot.id).where('policy', '=', slot.policy),
    ),

    findByKey: find((db, slot: { policy: string; keyThumbprint: string }) =>
      db
        .selectFrom('acmeAccount')
        .select(columns)
        .where('policy', '=', slot.policy)
        .where('keyThumbprint', '=', slot.keyThumbprint),
    ),

    /** An account of any policy that has the key. */
    findAnyByKey: find((db, slot: { keyThumbprint: string }) =>
      db.selectFrom('acmeAccount').select('id').where('keyThumbprint', '=', slot.keyThumbprint).limit(1),
    ),

    /** When the last but `offset` account was opened from a network: what tells whether there are too many. */
    openedFrom: find((db, slot: { network: string; offset: number }) =>
      db
        .selectFrom('acmeAccount')
        .select('createdAt')
        .where('network', '=', slot.network)
        .orderBy('createdAt', 'desc')
        .limit(1)
        .offset(slot.offset),
    ),

    /** Refused as `duplicate-request` where the key has an account already. */
    insert: write(
      (db, slot: AccountRecord) =>
        db
          .insertInto('acmeAccount')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    /** Refused as `forbidden` when it is deactivated meanwhile. */
    update: write(
      (db, slot: Pick<AccountRecord, 'id' | 'status' | 'contacts' | 'agreedTerms'>) =>
        db
          .updateTable('acmeAccount')
          .set({ status: slot.status, contacts: slot.contacts, agreedTerms: slot.agreedTerms })
          .where('id', '=', slot.id)
          .where('status', '=', 'valid'),
      { rows: 1, otherwise: 'forbidden' },
    ),

    /**
     * Valid accounts that speak for a device: by their ids, by the ids of the external accounts that they are bound to, and those
     * that have had it attested under one of these policies. At most a hundred.
     */
    ofDevice: ({ ids, externalAccounts, name, policies }: AccountsOfDevice) =>
      list((db) =>
        db
          .selectFrom('acmeAccount')
          .select(columns)
          .where('status', '=', 'valid')
          .where((row) =>
            // No id is empty, and PostgreSQL takes no list that is.
            row.or([
              row('id', 'in', [...ids, '']),
              row('externalAccount', 'in', [...externalAccounts, '']),
              row(
                'id',
                'in',
                row
                  .selectFrom('acmeAuthorization')
                  .select('accountId')
                  .where('identifierValue', '=', name)
                  .where('identifierType', 'in', ['permanent-identifier', 'hardware-module'])
                  .where('policy', 'in', [...policies, '']),
              ),
            ]),
          )
          .orderBy('id')
          .limit(maximumOfDevice),
      ),

    /** Nothing if it is not valid any more. */
    revoke: write((db, slot: { id: string }) =>
      db.updateTable('acmeAccount').set({ status: 'revoked' }).where('id', '=', slot.id).where('status', '=', 'valid'),
    ),

    /** Guard: refused as `forbidden` for an account that is deactivated meanwhile. */
    requireValid: write(
      (db, slot: { id: string }) =>
        db
          .updateTable('acmeAccount')
          .set((row) => ({ status: row.ref('status') }))
          .where('id', '=', slot.id)
          .where('status', '=', 'valid'),
      { rows: 1, otherwise: 'forbidden' },
    ),

    /** Refused as `duplicate-request` where another account has the key, or this one has changed its own meanwhile. */
    changeKey: write(
      (db, slot: Pick<AccountRecord, 'id' | 'policy' | 'keyThumbprint' | 'jwk'> & { readonly oldThumbprint: string }) =>
        db
          .updateTable('acmeAccount')
          .set({ keyThumbprint: slot.keyThumbprint, jwk: slot.jwk })
          .where('id', '=', slot.id)
          .where('status', '=', 'valid')
          .where('keyThumbprint', '=', slot.oldThumbprint)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('acmeAccount as other')
                  .select('other.id')
                  .where('other.policy', '=', slot.policy)
                  .where('other.keyThumbprint', '=', slot.keyThumbprint),
              ),
            ),
          ),
      { rows: 1, otherwise: 'duplicate-request' },
    ),
  };
}

interface AccountsOfDevice {
  readonly ids: readonly string[];
  readonly externalAccounts: readonly string[];
  readonly name: string;
  readonly policies: readonly string[];
}

interface Tables {
  acmeAccount: AccountRecord;
  acmeAuthorization: Pick<AuthorizationRecord, 'accountId' | 'identifierType' | 'identifierValue' | 'policy'>;
}

const maximumOfDevice = 100;

const columns = [
  'id',
  'policy',
  'keyThumbprint',
  'jwk',
  'status',
  'contacts',
  'agreedTerms',
  'externalAccount',
  'externalAccountBinding',
  'network',
  'createdAt',
] as const;
