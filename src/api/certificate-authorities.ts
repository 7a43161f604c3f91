/** Certificate authorities, with the keys and certificates that were made for them. */
import { HierarchyError } from '../ca/plan-hierarchy.js';
import { GatewayError } from '../errors.js';
import { certificateAuthoritySchema } from '../model/certificate-authority.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import { certificateAuthorityActionOperations } from './certificate-authority-actions.js';
import { certificateAuthorityCrlOperations } from './certificate-authority-crls.js';
import { crossCertificateOperations } from './cross-certificates.js';
import { authorityAnswerSchema, describeAuthority } from './describe-authority.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

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
    answer: authorityAnswerSchema,
    present: (object) => describeAuthority(object, services),
    changed: () => makeKeys(services),
  };
  return [
    ...catalogOperations(noun, services),
    usageOperation(noun, services),
    ...certificateAuthorityActionOperations(services),
    ...certificateAuthorityCrlOperations(services),
    ...crossCertificateOperations(services),
  ];
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
