/** Unmanaged CAs over the management API: who holds them, what they have issued, and their end. */
import { z } from 'zod';
import { publishRevocations } from '../devices/revocations.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { nameSchema } from '../model/label.js';
import { cutPage } from '../store/page-in-parts.js';
import {
  describeIssued,
  describeUnmanagedCa,
  describeWithCertificates,
  unmanagedCaSchema,
  unmanagedCaWithCertificatesSchema,
  unmanagedCertificateSchema,
} from '../unmanaged-cas/describe.js';
import { listUnmanagedCas, requireVisibleCa } from '../unmanaged-cas/find.js';
import { revokeUnmanagedCa } from '../unmanaged-cas/revoke.js';
import { crlUrlSchema, watchCrl } from '../unmanaged-cas/watch.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortBy, sortedPage } from './sorted-list.js';

const params = z.strictObject({ id: z.string().max(200) });
const serialNumberPlace = z.string().max(200);
const unmanagedCaPlace = z.strictObject({ createdAt: z.int(), id: z.string().max(200) });
const search = z.string().min(1).max(200).optional();

export function unmanagedCaOperations(services: ApiServices): readonly Operation[] {
  const ofOne = { tag: 'Unmanaged CAs', status: 200, params, isTagged: true } as const;
  return [
    defineOperation({
      id: 'listUnmanagedCas',
      method: 'get',
      path: '/unmanaged-cas',
      tag: 'Unmanaged CAs',
      summary: 'List unmanaged CAs',
      description: 'Those that fit all that is given.',
      permission: 'certificate:read',
      status: 200,
      query: z.strictObject({
        ...pageQuery,
        division: nameSchema.optional(),
        deviceId: z.string().max(100).optional(),
        search: search.describe('part of the subject'),
        sort: sortBy(['createdAt']).default('createdAt'),
      }),
      answer: pageOf(unmanagedCaSchema),
      handle: async ({ query, scope }) => {
        const { division, deviceId, search: text } = query;
        const { order, ...page } = askedPage(query, () => unmanagedCaPlace);
        const wanted = {
          scope,
          descending: order.descending,
          ...(division === undefined ? {} : { division }),
          ...(deviceId === undefined ? {} : { deviceId }),
          ...(text === undefined ? {} : { search: text }),
        };
        const { unmanagedCas, next } = await listUnmanagedCas(wanted, page, services);
        const items = await Promise.all(unmanagedCas.map((record) => describeUnmanagedCa(record, services)));
        return sortedPage(items, query.sort, next);
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'getUnmanagedCa',
      method: 'get',
      path: '/unmanaged-cas/{id}',
      summary: 'Show an unmanaged CA with its certificates',
      permission: 'certificate:read',
      answer: unmanagedCaWithCertificatesSchema,
      handle: async (call) => ({ value: await current(call, services) }),
    }),
    defineOperation({
      id: 'listCertificatesOfUnmanagedCa',
      method: 'get',
      path: '/unmanaged-cas/{id}/certificates',
      tag: 'Unmanaged CAs',
      summary: 'List what an unmanaged CA has reported that it issued',
      description: 'They are inventory: nobody is authenticated by them.',
      permission: 'certificate:read',
      status: 200,
      params,
      query: z.strictObject({
        ...pageQuery,
        search: search.describe('part of the subject or an alternative name'),
        sort: sortBy(['serialNumber']).default('serialNumber'),
      }),
      answer: pageOf(unmanagedCertificateSchema),
      handle: async ({ params: { id }, query, scope }) => {
        const { search: text } = query;
        const { order, limit, ...page } = askedPage(query, () => serialNumberPlace);
        const record = await requireVisibleCa(id, scope, services);
        const found = await services.store.unmanagedCertificates.list({
          unmanagedCaId: id,
          ...(text === undefined ? {} : { search: text }),
          descending: order.descending,
          ...page,
          limit: limit + 1,
        });
        const { items, next } = cutPage(found, limit, ({ serialNumber }) => serialNumber);
        return sortedPage(await describeIssued(record, items, services), query.sort, next);
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'changeUnmanagedCa',
      method: 'patch',
      path: '/unmanaged-cas/{id}',
      summary: 'Say which CRL of an unmanaged CA is watched',
      description:
        'It is fetched within a minute and then every hour; what is on it is revoked in what the CA has reported. Addresses of the gateway itself, link-local and reserved ones are not asked.',
      permission: 'certificate:revoke',
      body: z.strictObject({ crlUrl: crlUrlSchema.nullable().optional() }),
      answer: unmanagedCaWithCertificatesSchema,
      handle: async (call) => {
        call.requireMatch(await current(call, services));
        const {
          params: { id },
          body: { crlUrl: url },
          scope,
          actor,
        } = call;
        if (url !== undefined) await watchCrl(id, scope, { url, actor }, services);
        return { value: await current(call, services) };
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'revokeUnmanagedCa',
      method: 'post',
      path: '/unmanaged-cas/{id}/revoke',
      summary: 'Revoke an unmanaged CA: all its certificates at once',
      description:
        'They are on the CRLs with the answer. All that it has issued counts as `issuer-revoked` from then on.',
      permission: 'certificate:revoke',
      body: z.strictObject({
        reason: z.enum(finalReasons).default('cACompromise').describe('as RFC 5280 5.3.1 has them'),
      }),
      answer: unmanagedCaWithCertificatesSchema,
      refusals: { 409: 'none of its certificates is left to revoke' },
      handle: async (call) => {
        call.requireMatch(await current(call, services));
        const {
          params: { id },
          body: { reason },
          scope,
          actor,
        } = call;
        await publishRevocations(await revokeUnmanagedCa(id, scope, { reason, actor }, services), services);
        return { value: await current(call, services) };
      },
    }),
  ];
}

async function current(
  { params: { id }, scope }: Pick<Call<{ id: string }, unknown, unknown>, 'params' | 'scope'>,
  services: ApiServices,
) {
  return await describeWithCertificates(await requireVisibleCa(id, scope, services), services);
}
