import { describe, expect, it } from '@jest/globals';
import { type Policy, policySchema } from '../../../src/model/policy.js';
import { approvalOfMessage } from '../../../src/policy/message-approval.js';

function policy(fields: Record<string, unknown>): Policy {
  return policySchema.parse({
    name: 'plant',
    division: 'plant',
    authenticationPolicy: 'plant',
    profiles: [{ usage: 'operational', profile: 'device' }],
    issuingCa: 'devices',
    methods: ['cmp'],
    defaultGroup: 'pumps',
    ...fields,
  });
}

describe('A message that asks for no certificate', () => {
  it.each(['automatic', 'manual', 'two-people'])(
    'waits for nobody unless it is named, with approval %s',
    (approval) => {
      expect(approvalOfMessage(policy({ approval }), 'rr')).toBeUndefined();
      expect(approvalOfMessage(policy({ approval, cmp: { approve: ['genm'] } }), 'rr')).toBeUndefined();
    },
  );

  it.each([
    ['automatic', 'a person'],
    ['manual', 'a person'],
    ['two-people', 'two people'],
  ])('waits where it is named: with approval %s for %s', (approval, people) => {
    expect(approvalOfMessage(policy({ approval, cmp: { approve: ['rr', 'genm'] } }), 'rr')).toEqual({
      rule: 'approval',
      outcome: 'pending',
      said: `policy plant wants the approval of ${people} for rr`,
    });
  });

  it.each(['ir', 'certConf', 'RR'])('is no other one: %s', (message) => {
    expect(() => policy({ cmp: { approve: [message] } })).toThrow();
  });
});
