/** Certificates over the management API: the inventory, and what becomes of them. */
import { z } from 'zod';
import { certificateSchema } from '../certificates/describe.js';
import { describeCertificate, describeCertificates } from '../certificates/find.js';
import { listCertificates } from '../certificates/list.js';
import { certificateStory, storyEventJson, storyEventSchema } from '../certificates/story.js';
import { requireVisible } from '../certificates/visible.js';
import { encodeCertsOnly } from '../cms/certs-only.js';
import { toPem } from '../x509/pem.js';
import { certificateParams } from './certificate-params.js';
import { certificateListQuery, certificatePosition, readCertificateQuery } from './certificate-query.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortedPage } from './sorted-list.js';

const storySchema = z
  .strictObject({
    certificate: certificateSchema,
    replacedBy: z.array(z.string()).describe('the ids of the certificates that have taken its place, or will'),
    events: z.array(storyEventSchema).describe('oldest first: from the request that it answers to its end'),
  })
  .meta({ id: 'CertificateStory' });

const formats = {
  pem: 'application/x-pem-file',
  der: 'application/pkix-cert',
  chain: 'application/pem-certificate-chain',
  pkcs7: 'application/pkcs7-mime',
} as const;

export function certificateOperations(services: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      id: 'listCertificates',
      method: 'get',
      path: '/certificates',
      tag: 'Certificates',
      summary: 'List certificates, all that fit every condition',
      description:
        'A page looks at 50,000 certificates at most, at 5000 with a dynamic `group`, unless a condition says which few there can be: `serialNumber`, `fingerprint`, `keyFingerprint`, `deviceId` or `device`. So it may have fewer than its limit, or none, and still a `next`.',
      permission: 'certificate:read',
      status: 200,
      query: certificateListQuery,
      answer: pageOf(certificateSchema),
      refusals: { 422: 'there is no such device group' },
      handle: async ({ query, scope }) => {
        const { order, ...page } = askedPage(query, certificatePosition);
        const wanted = await readCertificateQuery(query, scope, services);
        const { certificates, next } = await listCertificates({ ...wanted, order }, page, services);
        return sortedPage(await describeCertificates(certificates, services), query.sort, next);
      },
    }),
    defineOperation({
      id: 'getCertificate',
      method: 'get',
      path: '/certificates/{id}',
      tag: 'Certificates',
      summary: 'Show a certificate',
      permission: 'certificate:read',
      status: 200,
      isTagged: true,
      params: certificateParams,
      answer: certificateSchema,
      handle: async ({ params, scope }) => {
        await requireVisible(params.id, scope, services);
        return { value: await describeCertificate(params.id, services) };
      },
    }),
    defineOperation({
      id: 'getCertificateContent',
      method: 'get',
      path: '/certificates/{id}/content',
      tag: 'Certificates',
      summary: 'Download a certificate',
      permission: 'certificate:read',
      status: 200,
      params: certificateParams,
      query: z.strictObject({
        format: z
          .enum(['pem', 'der', 'chain', 'pkcs7'])
          .default('pem')
          .describe('`chain`: PEM, with what leads up to the root; `pkcs7`: the same as certs-only (RFC 5652)'),
      }),
      contentTypes: Object.values(formats),
      handle: async ({ params, query, scope }) => {
        const { der, issuerId, serialNumber } = await requireVisible(params.id, scope, services);
        const chain = () => [der, ...services.authority.chain(issuerId)];
        const body = {
          pem: () => toPem('CERTIFICATE', der),
          der: () => der,
          chain: () =>
            chain()
              .map((each) => toPem('CERTIFICATE', each))
              .join(''),
          pkcs7: () => encodeCertsOnly(chain()),
        }[query.format]();
        const fileName = `${serialNumber}.${fileEndings[query.format]}`;
        return { content: { type: formats[query.format], body, fileName } };
      },
    }),
    defineOperation({
      id: 'getCertificateStory',
      method: 'get',
      path: '/certificates/{id}/story',
      tag: 'Certificates',
      summary: 'Tell the story of a certificate, from request to revocation',
      description:
        'From the audit log: who has asked, from where, with which credential, every rule that decided, who has approved with which comment, and all that was done to it since.',
      permission: 'certificate:read',
      status: 200,
      params: certificateParams,
      answer: storySchema,
      handle: async ({ params, scope }) => {
        const record = await requireVisible(params.id, scope, services);
        const { id, deviceId, supplantedBy } = record;
        const [certificate, successors, events] = await Promise.all([
          describeCertificate(id, services),
          deviceId === null ? [] : services.store.certificates.successors({ id, deviceId }),
          certificateStory(record, services),
        ]);
        const replacedBy = new Set(successors.map((successor) => successor.id));
        if (supplantedBy !== null) replacedBy.add(supplantedBy);
        return { value: { certificate, replacedBy: [...replacedBy], events: events.map(storyEventJson) } };
      },
    }),
  ];
}

const fileEndings = { pem: 'pem', der: 'cer', chain: 'pem', pkcs7: 'p7c' } as const;
