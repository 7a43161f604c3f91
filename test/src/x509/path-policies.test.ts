import { describe, expect, it } from '@jest/globals';
import type { PolicyInputs } from '../../../src/x509/certificate-policies.js';
import { validatePath } from '../../../src/x509/path-validation.js';
import { createTrustAnchors } from '../../../src/x509/trust-anchors.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import {
  authorityKeyId,
  ca,
  inhibitAnyPolicy,
  leaf,
  makeChain,
  policies,
  policyConstraints,
  policyMappings,
  subjectKeyId,
  type TestCertificate,
  type TestExtension,
} from '../../support/make-chain.js';
import { hasOpenssl, opensslAccepts } from '../../support/openssl-verify.js';

const at = new Date('2026-06-01T00:00:00Z');
const gold = '1.3.6.1.4.1.55555.2.1';
const silver = '1.3.6.1.4.1.55555.2.2';
const bronze = '1.3.6.1.4.1.55555.2.3';
const any = '2.5.29.32.0';

const root = ca('CN=Root');
const sub = (...extensions: TestExtension[]) => ca('CN=Sub', subjectKeyId('01'), ...extensions);
const second = (...extensions: TestExtension[]) => ca('CN=Second', ...extensions);
/** A second certificate of the same CA, with another key: self-issued. */
const rolledOver = (...extensions: TestExtension[]): TestCertificate => ({
  ...ca('CN=Sub', subjectKeyId('02'), authorityKeyId('01'), ...extensions),
  key: 'rolled over',
});
const end = (...extensions: TestExtension[]) => leaf('CN=end', ...extensions);
const explicit = policyConstraints({ requireExplicit: 0 });

interface Case {
  readonly name: string;
  readonly chain: readonly TestCertificate[];
  readonly inputs?: PolicyInputs;
  /** The user-constrained-policy-set, or nothing for a refusal. */
  readonly valid: readonly string[] | undefined;
  readonly unlikeOpenssl?: string;
}

const cases: readonly Case[] = [
  { name: 'needs no policies by default', chain: [root, sub(), end()], valid: [] },
  {
    name: 'refuses a path without policies where one is required',
    chain: [root, sub(), end()],
    inputs: { requireExplicitPolicy: true },
    valid: undefined,
  },
  {
    name: 'gives the policy of the whole path',
    chain: [root, sub(policies(gold, silver)), end(policies(gold, bronze))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: 'refuses different policies where one is required',
    chain: [root, sub(policies(gold)), end(policies(silver))],
    inputs: { requireExplicitPolicy: true },
    valid: undefined,
  },
  {
    name: 'tolerates different policies where none is required',
    chain: [root, sub(policies(gold)), end(policies(silver))],
    valid: [],
  },

  // user-initial-policy-set
  {
    name: 'accepts a policy of the initial set',
    chain: [root, sub(policies(gold)), end(policies(gold))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [gold, silver] },
    valid: [gold],
  },
  {
    name: 'refuses a policy outside the initial set',
    chain: [root, sub(policies(gold)), end(policies(gold))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [silver] },
    valid: undefined,
  },
  {
    name: 'accepts all policies for an initial set with anyPolicy',
    chain: [root, sub(policies(gold)), end(policies(gold))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [any] },
    valid: [gold],
  },
  {
    name: 'only reports, where no policy is required',
    chain: [root, sub(policies(gold)), end(policies(gold))],
    inputs: { initialPolicySet: [silver] },
    valid: [],
  },

  // anyPolicy
  {
    name: 'expands anyPolicy of an intermediate',
    chain: [root, sub(policies(any)), end(policies(gold))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [gold] },
    valid: [gold],
  },
  {
    name: 'expands anyPolicy of the leaf',
    chain: [root, sub(policies(gold)), end(policies(any))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: 'turns anyPolicy throughout into the initial set',
    chain: [root, sub(policies(any)), end(policies(any))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [gold] },
    valid: [gold],
  },
  {
    name: 'reports anyPolicy where nothing narrows it',
    chain: [root, sub(policies(any)), end(policies(any))],
    valid: [any],
  },
  {
    name: 'refuses anyPolicy when it is inhibited from the start',
    chain: [root, sub(policies(any)), end(policies(gold))],
    inputs: { requireExplicitPolicy: true, inhibitAnyPolicy: true },
    valid: undefined,
  },
  {
    name: 'refuses anyPolicy of the leaf after inhibitAnyPolicy 0',
    chain: [root, sub(policies(gold), inhibitAnyPolicy(0)), end(policies(any))],
    inputs: { requireExplicitPolicy: true },
    valid: undefined,
  },
  {
    name: 'accepts it after inhibitAnyPolicy 1',
    chain: [root, sub(policies(gold), inhibitAnyPolicy(1)), end(policies(any))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: 'counts inhibitAnyPolicy down',
    chain: [root, sub(policies(gold), inhibitAnyPolicy(1)), second(policies(any)), end(policies(any))],
    inputs: { requireExplicitPolicy: true },
    valid: undefined,
  },
  {
    name: 'accepts anyPolicy of a self-issued intermediate though it is inhibited',
    chain: [
      root,
      sub(policies(gold), inhibitAnyPolicy(0)),
      rolledOver(policies(any)),
      leaf('CN=end', authorityKeyId('02'), policies(gold)),
    ],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },

  // policyConstraints
  {
    name: 'requires a policy after requireExplicitPolicy 0',
    chain: [root, sub(policies(gold), explicit), end()],
    valid: undefined,
  },
  {
    name: 'requires none before requireExplicitPolicy has run down',
    chain: [root, sub(policies(gold), policyConstraints({ requireExplicit: 2 })), end()],
    valid: [],
  },
  {
    name: 'requires one once it has',
    chain: [root, sub(policies(gold), policyConstraints({ requireExplicit: 1 })), end()],
    valid: undefined,
  },
  { name: 'honours requireExplicitPolicy 0 of the leaf', chain: [root, sub(), end(explicit)], valid: undefined },
  {
    name: 'does not count self-issued certificates',
    chain: [root, sub(policyConstraints({ requireExplicit: 2 })), rolledOver(), leaf('CN=end', authorityKeyId('02'))],
    valid: [],
  },
  {
    name: 'is satisfied by a policy that is there',
    chain: [root, sub(policies(gold), explicit), end(policies(gold))],
    valid: [gold],
  },

  // policyMappings
  {
    name: 'maps a policy',
    chain: [root, sub(policies(gold), policyMappings([gold, silver])), end(policies(silver))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: "gives the issuer domain's name of a mapped policy",
    chain: [root, sub(policies(gold), policyMappings([gold, silver])), end(policies(silver))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [silver] },
    valid: undefined,
  },
  {
    name: 'no longer accepts the policy that was mapped away',
    chain: [root, sub(policies(gold), policyMappings([gold, silver])), end(policies(gold))],
    inputs: { requireExplicitPolicy: true },
    valid: undefined,
  },
  {
    name: 'maps one policy to several',
    chain: [root, sub(policies(gold), policyMappings([gold, silver], [gold, bronze])), end(policies(bronze))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: 'maps several policies to one',
    chain: [root, sub(policies(gold, silver), policyMappings([gold, bronze], [silver, bronze])), end(policies(bronze))],
    inputs: { requireExplicitPolicy: true },
    valid: [gold, silver],
  },
  {
    name: 'maps out of anyPolicy',
    chain: [root, sub(policies(any), policyMappings([gold, silver])), end(policies(silver))],
    inputs: { requireExplicitPolicy: true, initialPolicySet: [gold] },
    valid: [gold],
  },
  {
    name: 'maps twice along the path',
    chain: [
      root,
      sub(policies(gold), policyMappings([gold, silver])),
      second(policies(silver), policyMappings([silver, bronze])),
      end(policies(bronze)),
    ],
    inputs: { requireExplicitPolicy: true },
    valid: [gold],
  },
  {
    name: 'refuses a mapping when mapping is inhibited from the start',
    chain: [root, sub(policies(gold), policyMappings([gold, silver])), end(policies(silver))],
    inputs: { requireExplicitPolicy: true, inhibitPolicyMapping: true },
    valid: undefined,
  },
  {
    name: 'refuses a mapping after inhibitPolicyMapping 0',
    chain: [
      root,
      sub(policies(gold), explicit),
      second(policies(gold), policyConstraints({ inhibitMapping: 0 })),
      ca('CN=Third', policies(gold), policyMappings([gold, silver])),
      end(policies(silver)),
    ],
    valid: undefined,
  },
  {
    name: 'accepts it before inhibitPolicyMapping has run down',
    chain: [
      root,
      sub(policies(gold), policyConstraints({ requireExplicit: 0, inhibitMapping: 1 })),
      second(policies(gold), policyMappings([gold, silver])),
      end(policies(silver)),
    ],
    valid: [gold],
  },
  {
    name: 'refuses to map anyPolicy',
    chain: [root, sub(policies(any), policyMappings([any, gold])), end(policies(gold))],
    valid: undefined,
  },
  {
    name: 'refuses to map to anyPolicy',
    chain: [root, sub(policies(gold), policyMappings([gold, any])), end(policies(gold))],
    valid: undefined,
  },
];

async function validPolicies(
  chain: readonly Uint8Array[],
  inputs: PolicyInputs,
): Promise<readonly string[] | undefined> {
  const [anchor = new Uint8Array(), ...rest] = chain;
  const result = await validatePath({
    certificate: rest.at(-1) ?? anchor,
    intermediates: rest.slice(0, -1),
    trustAnchors: createTrustAnchors([anchor]),
    at,
    ...inputs,
  });
  if (!result.ok) expect(result.code).toBe('policy');
  return result.ok ? result.policies : undefined;
}

function opensslArguments(inputs: PolicyInputs): string[] {
  return [
    ...['-attime', String(at.getTime() / 1000), '-policy_check'],
    ...(inputs.requireExplicitPolicy ? ['-explicit_policy'] : []),
    ...(inputs.inhibitPolicyMapping ? ['-inhibit_map'] : []),
    ...(inputs.inhibitAnyPolicy ? ['-inhibit_any'] : []),
    ...(inputs.initialPolicySet ?? [any]).flatMap((policy) => ['-policy', policy]),
  ];
}

describe('certificate policies of a path (RFC 5280 6.1, RFC 9618)', () => {
  for (const { name, chain, inputs = {}, valid, unlikeOpenssl } of cases) {
    it(name, async () => {
      const certificates = makeChain(chain);
      expect(await validPolicies(certificates, inputs)).toEqual(valid);
      if (hasOpenssl && unlikeOpenssl === undefined) {
        expect(opensslAccepts(certificates, opensslArguments(inputs))).toBe(valid !== undefined);
      }
    });
  }

  it('does not grow exponentially (RFC 9618 3.2)', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `1.3.6.1.4.1.55555.3.${i}`);
    const product = ids.flatMap((from) => ids.map((to) => [from, to] as const));
    const chain = makeChain([
      root,
      ...Array.from({ length: 7 }, (_, i) => ca(`CN=CA ${i}`, policies(...ids), policyMappings(...product))),
      end(policies(...ids)),
    ]);
    const cost = await cpuTimeOf(async () => {
      const valid = await validPolicies(chain, { requireExplicitPolicy: true });
      expect(new Set(valid)).toEqual(new Set(ids));
    });
    // A tree would have 20^8 nodes.
    expect(cost).toBeLessThan(1000);
  });
});
