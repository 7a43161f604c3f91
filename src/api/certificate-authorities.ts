/** Certificate authorities, with the keys and certificates that were made for them. */
import { z } from 'zod';
import { HierarchyError } from '../ca/plan-hierarchy.js';
import type { CatalogObject, JsonObject } from '../catalog/objects.js';
import { GatewayError } from '../errors.js';
import { certificateAuthoritySchema } from '../model/certificate-authority.js';
import { fingerprint } from '../x509/certificate.js';
import { formatName } from '../x509/names.js';
import { toPem } from '../x509/pem.js';
import { keyFingerprint } from '../x509/public-key.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm, writtenShape } from './written-form.js';

/** A CA that has issued stays: it can be neither replaced nor deleted. */
export function certificateAuthorityOperations(services: ApiServices): readonly Operation[] {
  const noun: CatalogNoun = {
    kind: 'certificate-authority',
    path: '/certificate-authorities',
    tag: 'Certificate authorities',
    one: 'CertificateAuthority',
    many: 'CertificateAuthorities',
    words: { one: 'a certificate authority', many: 'certificate authorities' },
    written: writtenForm(certificateAuthoritySchema).meta({ id: 'NewCertificateAuthority' }),
    answer: answerSchema,
    present: (object) => describe(object, services),
    changed: () => makeKeys(services),
  };
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

/** @throws HttpError where they cannot be made as configured */
async function makeKeys({ ensureCas }: Pick<ApiServices, 'ensureCas'>): Promise<void> {
  try {
    await ensureCas();
  } catch (error) {
    if (!(error instanceof HierarchyError)) throw error;
    throw new GatewayError('invalid-state', `it is configured so, but ${error.message}`, { cause: error });
  }
}

const generationSchema = z
  .strictObject({
    id: z.string().describe('part of the URLs that are in certificates'),
    number: z.int(),
    state: z
      .enum(['previous', 'current', 'next'])
      .describe('`current` issues; `previous` still signs CRLs; `next` is announced'),
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

const answerSchema = z
  .strictObject({
    ...writtenShape(certificateAuthoritySchema),
    generations: z.array(generationSchema).describe('its keys and certificates, the first one first; read-only'),
  })
  .meta({ id: 'CertificateAuthority' }) as z.ZodType<JsonObject, JsonObject>;

function describe({ name, written }: CatalogObject, { authority }: Pick<ApiServices, 'authority'>): JsonObject {
  const generations = authority.generations().filter(({ ca }) => ca === name);
  return {
    ...written,
    generations: generations.map(({ id, number, state, parent, certificate }) => ({
      id,
      number,
      state,
      subject: formatName(certificate.subject),
      issuer: formatName(certificate.issuer),
      ...(parent === null ? {} : { parent }),
      serialNumber: certificate.serialNumber,
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
      fingerprint: fingerprint(certificate.der),
      keyFingerprint: keyFingerprint(certificate.subjectPublicKeyInfo),
      certificate: toPem('CERTIFICATE', certificate.der),
    })),
  };
}
