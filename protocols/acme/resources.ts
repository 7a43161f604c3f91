/** The resources of a directory (RFC 8555 7.1, RFC 9773): where each is, who may ask it, and with what. */
import { account, newAccount } from './accounts.js';
import type { Answer } from './answer.js';
import { authorization, newAuthorization } from './authorizations.js';
import { certificate } from './certificates.js';
import { challenge } from './challenges.js';
import type { AccountRequest, AcmeContext, AcmeRequest, KeyRequest } from './context.js';
import { directory, newNonce } from './directory.js';
import { finalizeOrder } from './finalize.js';
import { changeKey } from './key-change.js';
import { listOrders } from './order-list.js';
import { newOrder, showOrder } from './orders.js';
import { renewalInfo } from './renewal-info.js';
import { revokeByAccount, revokeByKey } from './revocation.js';
import type { Urls } from './urls.js';

export interface Resource {
  /** What the audit log calls a message to it. */
  readonly operation: string;
  /** Below `/acme/:label`. */
  readonly path: string;
  /** Its URL, which messages to it are signed for. */
  readonly url: (urls: Urls, params: Readonly<Record<string, string>>) => string;
  /** Without authentication. */
  readonly get?: (request: AcmeRequest, context: AcmeContext) => Answer | Promise<Answer>;
  readonly byAccount?: (request: AccountRequest, context: AcmeContext) => Promise<Answer>;
  readonly byKey?: (request: KeyRequest, context: AcmeContext) => Promise<Answer>;
  /** What messages bring; those to a resource that is only fetched are empty (POST-as-GET, RFC 8555 6.3). */
  readonly payload?: 'required' | 'optional';
  /** Whether the account must have agreed to the present terms of service. */
  readonly needsTerms?: boolean;
}

export const resources: readonly Resource[] = [
  {
    operation: 'directory',
    path: 'directory',
    url: (urls) => urls.directory,
    get: directory,
    byAccount: async (request) => directory(request),
  },
  {
    operation: 'newNonce',
    path: 'new-nonce',
    url: (urls) => urls.newNonce,
    get: newNonce,
    byAccount: async (request) => newNonce(request),
  },
  {
    operation: 'newAccount',
    path: 'new-account',
    url: (urls) => urls.newAccount,
    byKey: newAccount,
    payload: 'required',
  },
  {
    operation: 'newOrder',
    path: 'new-order',
    url: (urls) => urls.newOrder,
    byAccount: newOrder,
    payload: 'required',
    needsTerms: true,
  },
  {
    operation: 'newAuthz',
    path: 'new-authz',
    url: (urls) => urls.newAuthorization,
    byAccount: newAuthorization,
    payload: 'required',
    needsTerms: true,
  },
  {
    operation: 'revokeCert',
    path: 'revoke-cert',
    url: (urls) => urls.revokeCertificate,
    byAccount: revokeByAccount,
    byKey: revokeByKey,
    payload: 'required',
  },
  {
    operation: 'keyChange',
    path: 'key-change',
    url: (urls) => urls.keyChange,
    byAccount: changeKey,
    payload: 'required',
  },
  {
    operation: 'account',
    path: 'account/:id',
    url: (urls, { id = '' }) => urls.account(id),
    byAccount: account,
    payload: 'optional',
  },
  {
    operation: 'orders',
    path: 'account/:id/orders',
    url: (urls, { id = '' }) => urls.orders(id),
    byAccount: listOrders,
  },
  { operation: 'order', path: 'order/:id', url: (urls, { id = '' }) => urls.order(id), byAccount: showOrder },
  {
    operation: 'finalize',
    path: 'order/:id/finalize',
    url: (urls, { id = '' }) => urls.finalize(id),
    byAccount: finalizeOrder,
    payload: 'required',
  },
  {
    operation: 'authorization',
    path: 'authorization/:id',
    url: (urls, { id = '' }) => urls.authorization(id),
    byAccount: authorization,
    payload: 'optional',
  },
  {
    operation: 'challenge',
    path: 'challenge/:id/:type',
    url: (urls, { id = '', type = '' }) => urls.challenge(id, type),
    byAccount: challenge,
    payload: 'optional',
  },
  {
    operation: 'certificate',
    path: 'certificate/:id',
    url: (urls, { id = '' }) => urls.certificate(id),
    byAccount: certificate,
  },
  {
    operation: 'certificate',
    path: 'certificate/:id/:chain',
    url: (urls, { id = '', chain = '' }) => `${urls.certificate(id)}/${chain}`,
    byAccount: certificate,
  },
  {
    operation: 'renewalInfo',
    path: 'renewal-info/:certificate',
    url: (urls, params) => `${urls.renewalInfo}/${params.certificate}`,
    get: renewalInfo,
  },
];
