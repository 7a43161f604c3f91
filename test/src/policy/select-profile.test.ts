import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import type { ProfileUsage } from '../../../src/model/policy.js';
import { selectProfile } from '../../../src/policy/select-profile.js';
import { compile, makePolicy } from './make-case.js';

const profile = compile();

function select(usages: ProfileUsage[], issuedFor?: string) {
  const holder = issuedFor === undefined ? {} : { issuedCertificate: { usage: issuedFor } };
  const profiles = new Map(usages.map((usage) => [usage, profile]));
  return selectProfile(holder, { policy: makePolicy(), profiles }).usage;
}

describe('selectProfile', () => {
  it.each<[ProfileUsage[], string | undefined, ProfileUsage]>([
    [['operational', 'bootstrap'], undefined, 'bootstrap'],
    [['intermediate', 'operational'], undefined, 'operational'],
    [['intermediate'], undefined, 'intermediate'],
    [['bootstrap', 'operational'], 'bootstrap', 'operational'],
    [['bootstrap'], 'bootstrap', 'bootstrap'],
    [['bootstrap', 'operational'], 'operational', 'operational'],
    [['operational', 'intermediate'], 'intermediate', 'intermediate'],
  ])('of %j, for a holder of %s, selects %s', (usages, issuedFor, expected) => {
    expect(select(usages, issuedFor)).toBe(expected);
  });

  it.each<[ProfileUsage[], string]>([
    [['bootstrap', 'intermediate'], 'operational'],
    [['operational'], 'intermediate'],
    [['operational'], 'service'],
    [['operational'], '__proto__'],
  ])('of %j refuses a holder of %s', (usages, issuedFor) => {
    expect(() => select(usages, issuedFor)).toThrow(GatewayError);
    expect(() => select(usages, issuedFor)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it('goes by the usage that the protocol names, where the requester may have it', () => {
    const profiles = new Map<ProfileUsage, typeof profile>([
      ['operational', profile],
      ['intermediate', profile],
    ]);
    const policy = { policy: makePolicy(), profiles };
    expect(selectProfile({}, policy, { usage: 'intermediate' }).usage).toBe('intermediate');
    const refused = () => selectProfile({}, policy, { usage: 'bootstrap' });
    expect(refused).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it('gives ACME no CA certificate, however that is asked for', () => {
    const operational = compile();
    const intermediate = compile({ name: 'ca' });
    const both = new Map([
      ['operational', operational],
      ['intermediate', intermediate],
    ] as const);
    const only = new Map([['intermediate', intermediate]] as const);
    const policy = makePolicy();
    const protocol = 'acme';
    expect(selectProfile({}, { policy, profiles: both }, { protocol }).usage).toBe('operational');
    expect(() => selectProfile({}, { policy, profiles: only }, { protocol })).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(() => selectProfile({}, { policy, profiles: both }, { protocol, usage: 'intermediate' })).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(() => selectProfile({}, { policy, profiles: both }, { protocol, profileHint: 'ca' })).toThrow(
      expect.objectContaining({ code: 'rejected-profile' }),
    );
    const issuedCertificate = { usage: 'intermediate' };
    expect(() => selectProfile({ issuedCertificate }, { policy, profiles: both }, { protocol })).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
  });
});
