/** The CRLs of certificate authorities over the management API. */
import { z } from 'zod';
import { type CrlSummary, listCrls, publishCrls } from '../authorities/crls.js';
import { getObject, nameParams } from './catalog-objects.js';
import { requireOperable } from './certificate-authority-actions.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const crlSchema = z
  .strictObject({
    generation: z.string().describe('the id of the one that has signed it'),
    partition: z.int(),
    kind: z.enum(['full', 'delta']),
    number: z.int().describe('CRLNumber'),
    entries: z.int().describe('how many certificates it lists'),
    thisUpdate: z.iso.datetime(),
    nextUpdate: z.iso.datetime(),
    url: z.url().describe('where certificates that are issued now say that it is'),
  })
  .meta({ id: 'Crl' });

const crls = z.array(crlSchema).describe('the latest ones, without the lists themselves');

export function certificateAuthorityCrlOperations(services: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      tag: 'Certificate authorities',
      id: 'listCrls',
      method: 'get',
      path: '/certificate-authorities/{name}/crls',
      summary: 'List the CRLs of a certificate authority',
      permission: 'configuration:read',
      params: nameParams,
      answer: z.strictObject({ crls }).meta({ id: 'Crls' }),
      status: 200,
      handle: async ({ params: { name }, scope }) => {
        await getObject('certificate-authority', name, scope, services);
        return { value: { crls: (await listCrls(name, services)).map(written) } };
      },
    }),
    defineOperation({
      tag: 'Certificate authorities',
      id: 'publishCrls',
      method: 'post',
      path: '/certificate-authorities/{name}/publish',
      summary: 'Publish the CRLs of a certificate authority now',
      description: 'Those of all generations whose keys are in the gateway, with their deltas.',
      permission: 'authority:operate',
      params: nameParams,
      answer: z
        .strictObject({
          crls,
          skipped: z
            .array(z.strictObject({ generation: z.string(), reason: z.string() }))
            .describe('generations that cannot publish, with the reason and what to do'),
        })
        .meta({ id: 'PublishedCrls' }),
      status: 200,
      refusals: { 409: 'none of its keys is in the gateway' },
      handle: async ({ params: { name }, scope, actor }) => {
        await requireOperable(name, scope, services);
        const { crls: published, skipped } = await publishCrls({ ca: name, actor }, services);
        return { value: { crls: published.map(written), skipped: [...skipped] } };
      },
    }),
  ];
}

function written({ thisUpdate, nextUpdate, ...summary }: CrlSummary): z.input<typeof crlSchema> {
  return { ...summary, thisUpdate: thisUpdate.toISOString(), nextUpdate: nextUpdate.toISOString() };
}
