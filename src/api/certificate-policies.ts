/** Certificate policies. */
import { policySchema } from '../model/policy.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function certificatePolicyOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

const noun: CatalogNoun = {
  kind: 'policy',
  path: '/certificate-policies',
  tag: 'Certificate policies',
  one: 'CertificatePolicy',
  many: 'CertificatePolicies',
  words: { one: 'a certificate policy', many: 'certificate policies' },
  written: writtenForm(policySchema).meta({ id: 'CertificatePolicy' }),
  isLasting: true,
};
