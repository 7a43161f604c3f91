/** A certificate authority as the management API shows it: as written, with its generations. */
import { z } from 'zod';
import type { CatalogObject, JsonObject } from '../catalog/objects.js';
import { certificateAuthoritySchema } from '../model/certificate-authority.js';
import { fingerprint } from '../x509/certificate.js';
import { formatName } from '../x509/names.js';
import { toPem } from '../x509/pem.js';
import { keyFingerprint } from '../x509/public-key.js';
import type { ApiServices } from './services.js';
import { writtenShape } from './written-form.js';

const generationSchema = z
  .strictObject({
    id: z.string().describe('part of the URLs that are in certificates'),
    number: z.int(),
    state: z
      .enum(['previous', 'current', 'next'])
      .describe('`current` issues; `previous` still signs CRLs; `next` is announced'),
    online: z.boolean().describe('whether its key is in the gateway'),
    revoked: z.boolean().describe('it issues nothing more; its CRLs go on'),
    activateAt: z.iso.datetime().optional().describe('when it becomes `current`, where that is settled'),
    replaceBy: z.iso
      .datetime()
      .optional()
      .describe('until when what earlier ones have issued is to be replaced, as far as that is not planned yet'),
    subject: z.string().describe('RFC 4514 text'),
    issuer: z.string().describe('RFC 4514 text'),
    parent: z.string().optional().describe('the generation that has certified it; absent for a root'),
    serialNumber: z.string().describe('lower-case hex'),
    notBefore: z.iso.datetime(),
    notAfter: z.iso.datetime(),
    fingerprint: z.string().describe('SHA-256 of the certificate, hex'),
    keyFingerprint: z.string().describe('SHA-256 of the SubjectPublicKeyInfo, hex'),
    certificate: z.string().describe('PEM'),
  })
  .meta({ id: 'CaGeneration' });

export const authorityAnswerSchema = z
  .strictObject({
    ...writtenShape(certificateAuthoritySchema),
    generations: z.array(generationSchema).describe('its keys and certificates, the first one first; read-only'),
  })
  .meta({ id: 'CertificateAuthority' }) as z.ZodType<JsonObject, JsonObject>;

export function describeAuthority(
  { name, written }: CatalogObject,
  { authority }: Pick<ApiServices, 'authority'>,
): JsonObject {
  const generations = authority.generations().filter(({ ca }) => ca === name);
  return {
    ...written,
    generations: generations.map(
      ({ id, number, state, online, revoked, activateAt, replaceBy, parent, certificate }) => ({
        id,
        number,
        state,
        online,
        revoked,
        ...(activateAt === undefined ? {} : { activateAt: activateAt.toISOString() }),
        ...(replaceBy === undefined ? {} : { replaceBy: replaceBy.toISOString() }),
        subject: formatName(certificate.subject),
        issuer: formatName(certificate.issuer),
        ...(parent === null ? {} : { parent }),
        serialNumber: certificate.serialNumber,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
        fingerprint: fingerprint(certificate.der),
        keyFingerprint: keyFingerprint(certificate.subjectPublicKeyInfo),
        certificate: toPem('CERTIFICATE', certificate.der),
      }),
    ),
  };
}
