/** What the tests of validation share: a task on loopback, and what it comes to. */

import { AcmeError } from '../../../../protocols/acme/problem.js';
import { createValidate, type ValidationTask } from '../../../../protocols/acme/validation/validate.js';
import { type Policy, policySchema } from '../../../../src/model/policy.js';
import { createOutboundClient } from '../../../../src/outbound/outbound-client.js';

export const token = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0';
export const keyAuthorization = `${token}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI`;
export const accountUrl = 'https://gatehouse.example/acme/quickstart/account/1';

/** The ACME settings of a policy that allows loopback. */
export function settingsWith(settings: Partial<Policy['acme']>): Policy['acme'] {
  return { ...policySchema.shape.acme.parse({}), allowedNetworks: ['127.0.0.0/8', '::1'], ...settings };
}

interface TestTask extends Partial<Omit<ValidationTask, 'settings' | 'identifier'>> {
  /** A name, or an address as `ip:…`. */
  readonly of: string;
  readonly settings: Partial<Policy['acme']>;
  /** The usual ones, if absent. */
  readonly limits?: Parameters<typeof createValidate>[1] | undefined;
}

/** For those who are not going to answer. */
export const impatient = { attemptMilliseconds: 1200, connectionMilliseconds: 400, queryMilliseconds: 150 };

/** Makes one attempt, and tells what it came to. */
export async function outcomeOf(
  challenge: ValidationTask['challenge'],
  { of, settings, limits, ...more }: TestTask,
): Promise<'valid' | { type: string; message: string }> {
  const identifier = of.startsWith('ip:')
    ? ({ type: 'ip', value: of.slice(3) } as const)
    : ({ type: 'dns', value: of } as const);
  const task = { challenge, identifier, isWildcard: false, token, keyAuthorization, accountUrl, ...more };
  try {
    await createValidate(createOutboundClient(), limits)({ ...task, settings: settingsWith(settings) });
    return 'valid';
  } catch (error) {
    if (error instanceof AcmeError) return { type: error.type, message: error.message };
    throw error;
  }
}
