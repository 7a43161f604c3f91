/** Certificates between CAs here and foreign ones over the management API. */
import { z } from 'zod';
import { crossCertify } from '../authorities/cross-certify.js';
import {
  caLinkSchema,
  crossCertificateSchema,
  crossCertificatesSchema,
  describeCrossCertificate,
  describeCrossCertificates,
  describeLink,
} from '../authorities/describe-cross-certificates.js';
import { linkAuthority, unlinkAuthority } from '../authorities/links.js';
import { crossCertificationFields } from '../model/cross-certification.js';
import { reading } from '../x509/decoding.js';
import { onePemBlock } from '../x509/pem.js';
import { readCsrPem } from '../x509/written-request.js';
import { getObject, nameParams } from './catalog-objects.js';
import { certificates, readPem, requireOperable } from './certificate-authority-actions.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const pem = z.string().max(131_072);

export function crossCertificateOperations(services: ApiServices): readonly Operation[] {
  const ofOne = { tag: 'Certificate authorities', params: nameParams } as const;
  const acting = { ...ofOne, permission: 'authority:operate' } as const;
  const path = '/certificate-authorities/{name}';
  return [
    defineOperation({
      ...ofOne,
      id: 'getCrossCertificates',
      method: 'get',
      path: `${path}/cross-certificates`,
      summary: 'Read what a certificate authority has issued to foreign ones, and what those have issued to it',
      permission: 'configuration:read',
      answer: crossCertificatesSchema,
      status: 200,
      handle: async ({ params: { name }, scope }) => {
        await getObject('certificate-authority', name, scope, services);
        return { value: await describeCrossCertificates(name, services) };
      },
    }),
    defineOperation({
      ...acting,
      id: 'crossCertify',
      method: 'post',
      path: `${path}/cross-certificates`,
      summary: 'Certify the key of a foreign certificate authority',
      description:
        'Who trusts the certificate authority here trusts then what the foreign one issues, within what is set. That one is an unmanaged CA from then on.',
      body: z.strictObject({
        certificate: pem.describe('PEM, of the foreign certificate authority'),
        request: pem
          .optional()
          .describe('PKCS #10 by the same key, PEM: needed where the certificate is not self-signed'),
        ...crossCertificationFields,
      }),
      answer: crossCertificateSchema,
      status: 201,
      refusals: { 409: 'it does not issue' },
      handle: async ({ params: { name }, body: { certificate, request, ...limits }, scope, actor }) => {
        await requireOperable(name, scope, services);
        const foreign = reading('certificate', () => onePemBlock(certificate, 'CERTIFICATE'));
        const proof = request === undefined ? undefined : readCsrPem('request', request);
        const id = await crossCertify({ ca: name, certificate: foreign, request: proof, limits, actor }, services);
        return {
          value: await describeCrossCertificate(name, id, services),
          location: `/certificates/${encodeURIComponent(id)}`,
        };
      },
    }),
    defineOperation({
      ...acting,
      id: 'linkCertificateAuthority',
      method: 'post',
      path: `${path}/links`,
      summary: 'Take the certificate that a foreign certificate authority has issued for this one',
      description:
        'Who trusts the foreign one finds a path over it: it is in the PKCS #7 download of trust anchors, and an alternate chain of ACME.',
      body: z.strictObject({ certificates }),
      answer: caLinkSchema,
      status: 201,
      refusals: {
        409: 'it is here already, or there are too many',
        403: 'its path is not valid, or nothing may be operated here',
      },
      handle: async ({ params: { name }, body, scope, actor }) => {
        await requireOperable(name, scope, services);
        const link = await linkAuthority({ ca: name, certificates: readPem(body.certificates), actor }, services);
        return { value: describeLink(link) };
      },
    }),
    defineOperation({
      ...acting,
      id: 'unlinkCertificateAuthority',
      method: 'delete',
      path: `${path}/links/{fingerprint}`,
      summary: 'Hand out such a certificate no more',
      params: z.strictObject({
        ...nameParams.shape,
        fingerprint: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'SHA-256, lower-case hex')
          .describe('of the certificate'),
      }),
      status: 204,
      handle: async ({ params: { name, fingerprint }, scope, actor }) => {
        await requireOperable(name, scope, services);
        await unlinkAuthority({ ca: name, fingerprint, actor }, services);
        return {};
      },
    }),
  ];
}
