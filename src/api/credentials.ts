/** The credentials of authentication policies. */
import { z } from 'zod';
import type { Scope } from '../access/principal.js';
import { createProofChallenge } from '../catalog/ca-possession.js';
import { credentialState, credentialStates } from '../catalog/credential-state.js';
import { changeCredential, createCredentials, removeCredential, revokeCredential } from '../catalog/credentials.js';
import { getCredential, listCredentialPage } from '../catalog/find-credentials.js';
import type { JsonObject } from '../catalog/objects.js';
import type { AuthenticationPolicy } from '../model/authentication-policy.js';
import { credentialKinds } from '../model/credential.js';
import { nameSchema } from '../model/label.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { getObject, nameParams } from './catalog-objects.js';
import {
  credentialSchema,
  madeCredentialsSchema,
  showConditions,
  showRecord,
  showSecret,
} from './credential-answer.js';
import { conditionsSchema, newCredentialSchema } from './credential-body.js';
import { checkFields, InvalidFieldsError } from './invalid-fields.js';
import { readNewCredentials, translatingProblems } from './make-credentials.js';
import { mergePatch, mergePatchSchema } from './merge-patch.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, namedPosition, sortBy, sortedPage } from './sorted-list.js';

export function credentialOperations(services: ApiServices): readonly Operation[] {
  const { store, clock, holder } = services;
  const show = (record: CredentialRecord) => showRecord(record, clock.now());

  async function policyOf(name: string, scope: Scope): Promise<AuthenticationPolicy> {
    return (await getObject('authentication-policy', name, scope, services)).value as AuthenticationPolicy;
  }

  return [
    defineOperation({
      ...reading,
      isTagged: false,
      id: 'listCredentials',
      path: collection,
      summary: 'List the credentials of an authentication policy',
      params: nameParams,
      query: z.strictObject({
        ...pageQuery,
        kind: z.enum(credentialKinds).optional(),
        state: z.enum(credentialStates).optional(),
        search: z.string().max(200).optional().describe('part of the name, in upper or lower case'),
        sort: sortBy(['name', 'createdAt']).default('name'),
      }),
      answer: pageOf(credentialSchema),
      handle: async ({ params: { name: authenticationPolicy }, query, scope }) => {
        await policyOf(authenticationPolicy, scope);
        const { kind, state, search = '' } = query;
        const page = askedPage(query, namedPosition);
        const wanted = search.toLowerCase();
        const fits = (record: CredentialRecord) =>
          (kind === undefined || record.kind === kind) &&
          (state === undefined || credentialState(record, clock.now()) === state) &&
          record.name.toLowerCase().includes(wanted);
        const { items, next } = await listCredentialPage({ authenticationPolicy, ...page, fits }, store);
        return sortedPage(items.map(show), query.sort, next);
      },
    }),
    defineOperation({
      ...reading,
      id: 'getCredential',
      path: single,
      summary: 'Read a credential',
      params: credentialParams,
      answer: credentialSchema,
      handle: async ({ params, scope }) => {
        await policyOf(params.name, scope);
        return { value: show(await getCredential(whichOf(params), store)) };
      },
    }),
    defineOperation({
      ...writing,
      id: 'createCredentials',
      method: 'post',
      path: collection,
      summary: 'Make a credential, or many',
      description: 'Secrets are answered once, and never again. All credentials are made, or none.',
      params: nameParams,
      body: newCredentialSchema,
      answer: madeCredentialsSchema,
      status: 201,
      handle: async ({ params: { name: authenticationPolicy }, body, scope, actor }) => {
        const policy = await policyOf(authenticationPolicy, scope);
        const configs = readNewCredentials(body, policy, services);
        const made = { authenticationPolicy, configs };
        const records = await translatingProblems(() => createCredentials(made, { ...services, actor }));
        await holder.refresh();
        const items = records.map((record, index) => {
          const config = configs[index];
          return { ...show(record), ...(config === undefined ? {} : showSecret(config)) };
        });
        const [first, ...others] = records;
        const isOne = first !== undefined && others.length === 0;
        return { value: { items }, ...(isOne ? { location: locationOf(first) } : {}) };
      },
    }),
    defineOperation({
      ...writing,
      isTagged: true,
      id: 'changeCredential',
      method: 'patch',
      path: single,
      summary: 'Change when, from where, for whom and how often a credential may be used',
      description: 'Of `usageLimit`, `notBefore`, `notAfter`, `allowedAddresses` and `registeredValues`.',
      params: credentialParams,
      body: mergePatchSchema,
      answer: credentialSchema,
      status: 200,
      handle: async (call) => {
        await policyOf(call.params.name, call.scope);
        const edit = (record: CredentialRecord) => {
          call.requireMatch(show(record));
          return readConditions(record, call.body);
        };
        const dependencies = { ...services, actor: call.actor };
        const record = await translatingProblems(() => changeCredential(whichOf(call.params), edit, dependencies));
        await holder.refresh();
        return { value: show(record) };
      },
    }),
    defineOperation({
      ...writing,
      id: 'revokeCredential',
      method: 'post',
      path: `${single}/revoke`,
      summary: 'Revoke a credential for good',
      description: 'It opens nothing any more. What it has opened stays.',
      params: credentialParams,
      answer: credentialSchema,
      status: 200,
      handle: async ({ params, scope, actor }) => {
        await policyOf(params.name, scope);
        const record = await revokeCredential(whichOf(params), { ...services, actor });
        await holder.refresh();
        return { value: show(record) };
      },
    }),
    defineOperation({
      ...writing,
      isTagged: true,
      id: 'deleteCredential',
      method: 'delete',
      path: single,
      summary: 'Delete a credential that was never used',
      params: credentialParams,
      status: 204,
      handle: async (call) => {
        await policyOf(call.params.name, call.scope);
        const check = (record: CredentialRecord) => call.requireMatch(show(record));
        await removeCredential(whichOf(call.params), check, { ...services, actor: call.actor });
        await holder.refresh();
        return {};
      },
    }),
    defineOperation({
      ...writing,
      id: 'createProofChallenge',
      method: 'post',
      path: `${collection}/proof-challenges`,
      summary: 'Ask for a challenge that an authentication CA has to answer',
      description:
        "Either the CA's key signs its text, or the CA issues a certificate with it as common name; that goes into `proof` of the new credential.",
      params: nameParams,
      answer: z.strictObject({ challenge: z.string(), expiresAt: z.iso.datetime() }).meta({ id: 'ProofChallenge' }),
      status: 201,
      handle: async ({ params: { name }, scope }) => {
        await policyOf(name, scope);
        const { challenge, expiresAt } = createProofChallenge(name, services.deriveKey('ca-possession'), clock.now());
        return { value: { challenge, expiresAt: expiresAt.toISOString() } };
      },
    }),
  ];
}

const collection = '/authentication-policies/{name}/credentials';
const single = `${collection}/{credential}`;
const shared = { tag: 'Credentials' } as const;
const reading = { ...shared, method: 'get', permission: 'credential:read', status: 200, isTagged: true } as const;
const writing = {
  ...shared,
  permission: 'credential:write',
  refusals: { 422: 'it is no such credential, or another one is the same' },
} as const;

const credentialParams = z.strictObject({
  name: nameSchema.describe('the authentication policy'),
  credential: nameSchema.describe('its name'),
});

function whichOf({ name, credential }: z.output<typeof credentialParams>) {
  return { authenticationPolicy: name, name: credential };
}

function locationOf({ authenticationPolicy, name }: CredentialRecord): string {
  return `/authentication-policies/${authenticationPolicy}/credentials/${name}`;
}

/** @throws InvalidFieldsError */
function readConditions(record: CredentialRecord, patch: Readonly<Record<string, unknown>>) {
  const { usageLimit, kind } = record;
  const before: JsonObject = { ...showConditions(record), ...(usageLimit === null ? {} : { usageLimit }) };
  const conditions = checkFields(conditionsSchema, mergePatch(before, patch));
  if (kind === 'authentication-ca' && conditions.usageLimit !== undefined) {
    const message = 'is not for CAs: many devices use one';
    throw new InvalidFieldsError(422, [{ path: ['usageLimit'], message }]);
  }
  return conditions;
}
