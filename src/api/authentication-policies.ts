/** Authentication policies; their credentials are resources of their own. */
import { authenticationPolicySchema } from '../model/authentication-policy.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function authenticationPolicyOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

const noun: CatalogNoun = {
  kind: 'authentication-policy',
  path: '/authentication-policies',
  tag: 'Authentication policies',
  one: 'AuthenticationPolicy',
  many: 'AuthenticationPolicies',
  words: { one: 'an authentication policy', many: 'authentication policies' },
  written: writtenForm(authenticationPolicySchema.omit({ credentials: true })).meta({ id: 'AuthenticationPolicy' }),
  isLasting: true,
};
