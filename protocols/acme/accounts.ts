/** newAccount, and the account itself (RFC 8555 7.3). */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import { originOf } from '../../src/protocol.js';
import { remoteNetwork } from '../../src/x509/remote-network.js';
import { deactivated, requireValid, showAccount } from './account-object.js';
import type { Answer } from './answer.js';
import { requireContacts } from './contacts.js';
import type { AccountRequest, AcmeContext, KeyRequest } from './context.js';
import { type Binding, readBinding } from './external-account.js';
import { requireSoundKey } from './jws/public-jwk.js';
import { readPayload } from './payload.js';
import { AcmeError, problemDocument } from './problem.js';
import { recorded } from './recorded.js';
import type { AccountRecord } from './store/accounts.js';
import { userActionRequired } from './terms.js';
import { withdrawOrders } from './withdraw-orders.js';

/** Opens an account for the key that signs; the one that it has already is shown as it is (RFC 8555 7.3.1). */
export const newAccount = recorded('newAccount', async (request: KeyRequest, context) => {
  const existing = await findByKey(request, context);
  if (existing !== undefined) return existing;
  const wish = readPayload(newAccountSchema, request.payload);
  if (wish.onlyReturnExisting === true) {
    throw new AcmeError(
      'accountDoesNotExist',
      'this key has no account; open one by newAccount without onlyReturnExisting',
    );
  }
  requireSoundKey(request.jwk);
  requireContacts(wish.contact);
  const agreedTerms = requireAgreement(wish.termsOfServiceAgreed, request);
  const binding = bindingOf(wish.externalAccountBinding, request);
  await requireFewAccounts(request, context);
  const record: AccountRecord = {
    id: createIdentifier(),
    policy: request.policy.name,
    keyThumbprint: request.thumbprint,
    jwk: JSON.stringify(request.jwk),
    status: 'valid',
    contacts: JSON.stringify(wish.contact),
    agreedTerms,
    externalAccount: null,
    externalAccountBinding: binding === undefined ? null : JSON.stringify(wish.externalAccountBinding),
    network: remoteNetwork(request.exchange.remoteAddress),
    createdAt: context.services.clock.now().getTime(),
  };
  return await open(record, binding, request, context);
});

/** Shows the account that asks, changes it, or gives it up (RFC 8555 7.3.2, 7.3.3, 7.3.6). */
export const account = recorded('account', async (request: AccountRequest, context) => {
  const { accounts, orders, services } = context;
  const { account: current, exchange, payload, policy } = request;
  if (exchange.params.id !== current.id) {
    throw new AcmeError('unauthorized', 'this is not the account that signs the message');
  }
  if (payload === undefined) return showAccount(current, request);
  const wish = readPayload(updateSchema, payload);
  const updated = update(current, wish, policy.acme.termsOfService);
  if (updated === current) return showAccount(current, request);
  const { id, status, contacts, agreedTerms } = updated;
  const event = {
    action: status === 'deactivated' ? 'account.deactivated' : 'account.updated',
    outcome: 'success',
    subject: id,
    details: { ...describe(updated), ...originOf(exchange) },
  } as const;
  try {
    await services.commit([accounts.update({ id, status, contacts, agreedTerms })], [event]);
  } catch (error) {
    throw error instanceof GatewayError && error.code === 'forbidden' ? deactivated() : error;
  }
  if (status === 'deactivated') {
    await withdrawOrders(await orders.waitingOf({ accountId: id }), problemDocument(deactivated()), request, context);
  }
  return showAccount(updated, request);
});

const contactSchema = z.array(z.string());

const newAccountSchema = z.object({
  contact: contactSchema.default([]),
  termsOfServiceAgreed: z.boolean().default(false),
  onlyReturnExisting: z.boolean().optional(),
  externalAccountBinding: z.unknown().optional(),
});

const updateSchema = z.object({
  contact: contactSchema.optional(),
  termsOfServiceAgreed: z.boolean().optional(),
  status: z.string().optional(),
});

async function findByKey(request: KeyRequest, { accounts }: AcmeContext): Promise<Answer | undefined> {
  const found = await accounts.findByKey({ policy: request.policy.name, keyThumbprint: request.thumbprint });
  if (found === undefined) return undefined;
  requireValid(found);
  return showAccount(found, request);
}

/** Returns the terms that are agreed to. RFC 8555 7.3: without that there is no account. */
function requireAgreement(isAgreed: boolean, { policy }: KeyRequest): string | null {
  const { termsOfService } = policy.acme;
  if (termsOfService === undefined) return null;
  if (isAgreed) return termsOfService;
  throw userActionRequired(`read ${termsOfService} and send termsOfServiceAgreed if you agree`, termsOfService);
}

function bindingOf(value: unknown, request: KeyRequest): Binding | undefined {
  if (value !== undefined) return readBinding(value, request);
  if (!request.policy.needsExternalAccount) return undefined;
  throw new AcmeError('externalAccountRequired', bindingNeeded);
}

const bindingNeeded = 'this server needs an external account binding; ask its operator for a key id and a MAC key';

const hourMilliseconds = 3_600_000;

/** RFC 8555 6.6, 10.2: accounts are cheap to open, and each one may have orders. */
async function requireFewAccounts(
  { exchange, policy }: KeyRequest,
  { accounts, services }: AcmeContext,
): Promise<void> {
  const { accountsPerAddress } = policy.acme.limits;
  const network = remoteNetwork(exchange.remoteAddress);
  const counted = await accounts.openedFrom({ network, offset: accountsPerAddress - 1 });
  const wait = (counted?.createdAt ?? 0) + hourMilliseconds - services.clock.now().getTime();
  if (wait <= 0) return;
  throw new AcmeError(
    'rateLimited',
    `${accountsPerAddress} accounts were opened from your network in the last hour; use one of them, or wait`,
    { retryAfterSeconds: Math.ceil(wait / 1000) },
  );
}

async function open(
  record: AccountRecord,
  binding: Binding | undefined,
  request: KeyRequest,
  context: AcmeContext,
): Promise<Answer> {
  const { accounts, services } = context;
  let opened = record;
  try {
    await services.openAccount({
      ...originOf(request.exchange),
      protocol: 'acme',
      account: record.id,
      ...(binding === undefined ? {} : { binding }),
      details: describe(record),
      accompanying: (externalAccount) => {
        opened = { ...record, externalAccount: externalAccount ?? null };
        return [accounts.insert(opened)];
      },
    });
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === 'bad-secret' && binding === undefined) {
      throw new AcmeError('externalAccountRequired', bindingNeeded, { cause: error });
    }
    // Another message with this key was first: it has its account now.
    const existing = error.code === 'duplicate-request' ? await findByKey(request, context) : undefined;
    if (existing === undefined) throw error;
    return existing;
  }
  return showAccount(opened, request, 201);
}

/** The account as the client wants it; the same one if it wants nothing else, or nothing that it may change. */
function update(
  current: AccountRecord,
  { contact, termsOfServiceAgreed, status }: z.output<typeof updateSchema>,
  termsOfService: string | undefined,
): AccountRecord {
  if (status === 'deactivated') return { ...current, status };
  if (contact !== undefined) requireContacts(contact);
  const contacts = contact === undefined ? current.contacts : JSON.stringify(contact);
  const agreedTerms =
    termsOfServiceAgreed === true && termsOfService !== undefined ? termsOfService : current.agreedTerms;
  if (contacts === current.contacts && agreedTerms === current.agreedTerms) return current;
  return { ...current, contacts, agreedTerms };
}

/** For the audit log. */
function describe({ policy, keyThumbprint, contacts, agreedTerms }: AccountRecord): Record<string, unknown> {
  return {
    policy,
    keyThumbprint,
    contact: JSON.parse(contacts),
    ...(agreedTerms === null ? {} : { agreedTerms }),
  };
}
