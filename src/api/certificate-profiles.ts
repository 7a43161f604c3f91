/** Certificate profiles. */
import { certificateProfileSchema } from '../model/certificate-profile.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function certificateProfileOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

const noun: CatalogNoun = {
  kind: 'profile',
  path: '/certificate-profiles',
  tag: 'Certificate profiles',
  one: 'CertificateProfile',
  many: 'CertificateProfiles',
  words: { one: 'a certificate profile', many: 'certificate profiles' },
  written: writtenForm(certificateProfileSchema).meta({ id: 'CertificateProfile' }),
  isLasting: true,
};
