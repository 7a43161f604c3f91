import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { createAccountStore } from '../../../../protocols/acme/store/accounts.js';
import { createAuthorizationStore } from '../../../../protocols/acme/store/authorizations.js';
import { createOrderStore } from '../../../../protocols/acme/store/orders.js';
import type { Statement } from '../../../../src/store/change.js';
import { createDatabase } from '../../../../src/store/database.js';
import { createSqliteDialect } from '../../../../src/store/dialect.js';
import { withStore } from '../../../src/store/temporary-store.js';

const statements: Statement[] = [];
const database = createDatabase(createSqliteDialect(), async (sql, parameters) => {
  statements.push({ sql, parameters });
  return [];
});
const accounts = createAccountStore(database);
const orders = createOrderStore(database);
const authorizations = createAuthorizationStore(database);
const identifier = { identifierType: 'dns', identifierValue: 'a' } as const;

async function read(query: Promise<unknown>): Promise<Statement | undefined> {
  await query;
  return statements.pop();
}

describe("ACME's tables are read and written through an index that fits", () => {
  it.each<[string, () => Promise<Statement | undefined> | Statement, RegExp]>([
    [
      'the valid authorizations of an account',
      () => read(authorizations.findValid({ accountId: 'a', ...identifier, isWildcard: 0, now: 1 })),
      /^SEARCH acme_authorization USING INDEX acme_authorization_account \(account_id=\? AND identifier_value=\?\)/,
    ],
    [
      'the authorizations for an identifier',
      () => read(authorizations.madeFor({ policy: 'p', ...identifier, offset: 1 })),
      /^SEARCH acme_authorization USING (?:COVERING )?INDEX acme_authorization_identifier \([^)]*policy=\?\)$/,
    ],
    [
      'what is to be validated',
      () => read(authorizations.due({ now: 1, limit: 1 })),
      /^SEARCH acme_authorization USING INDEX acme_authorization_validate_at \(validate_at<\?\)$/,
    ],
    [
      'the order that replaces a certificate',
      () => read(orders.findReplacing({ replaces: 'c' })),
      /^SEARCH acme_order USING INDEX acme_order_replaces \(replaces=\?\)$/,
    ],
    [
      'the last orders of an account',
      () => read(orders.madeBy({ accountId: 'a', offset: 1 })),
      /^SEARCH acme_order USING INDEX acme_order_account \(account_id=\?\)$/,
    ],
    [
      'a page of orders',
      () => read(orders.ofAccount({ accountId: 'a', label: 'l', after: '', now: 1, limit: 1 })),
      /^SEARCH acme_order USING INDEX acme_order_account \(account_id=\? AND id>\?\)$/,
    ],
    [
      'the orders of an authorization that fails',
      () => orders.failOfAuthorization({ authorizationId: 'a', error: null }),
      /^SEARCH acme_order .*INDEX acme_order_authorization_authorization \(authorization_id=\?\)/,
    ],
    [
      'the orders of an account that wait',
      () => read(orders.waitingOf({ accountId: 'a' })),
      /^SEARCH acme_order USING INDEX acme_order_account \(account_id=\?\)$/,
    ],
    [
      'the orders that wait of an authorization',
      () => read(orders.waitingFor({ authorizationId: 'a' })),
      /^SEARCH acme_order .*INDEX acme_order_authorization_authorization \(authorization_id=\?\)/,
    ],
    [
      'the account of a key, whatever its policy',
      () => read(accounts.findAnyByKey({ keyThumbprint: 'k' })),
      /^SEARCH acme_account USING (?:COVERING )?INDEX acme_account_key \(key_thumbprint=\?\)$/,
    ],
    [
      'the orders that have expired',
      () => orders.removeExpired({ before: 1, limit: 1 }),
      /^SEARCH acme_order .*SEARCH old USING (?:COVERING )?INDEX acme_order_expires_at \(expires_at<\?\)/,
    ],
    [
      'the authorizations that have expired',
      () => authorizations.removeExpired({ before: 1, limit: 1 }),
      /^SEARCH acme_authorization .*SEARCH old USING (?:COVERING )?INDEX acme_authorization_expires_at \(expires_at<\?\)/,
    ],
  ])('%s', (_, make, plan) =>
    withStore(async (_store, file) => {
      const statement = await make();
      const connection = new SqliteDatabase(file);
      const rows = connection.prepare(`explain query plan ${statement?.sql}`).all(...(statement?.parameters ?? []));
      connection.close();
      expect((rows as { detail: string }[]).map(({ detail }) => detail).join('; ')).toMatch(plan);
    }),
  );
});
