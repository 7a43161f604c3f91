import { describe, expect, it } from '@jest/globals';
import { problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

/** The small fleet with a second division, whose policy issues from a CA of the text's choice. */
function twoDivisions({ plant, lab, issuingCa = 'devices', cas = '' }: Marks): string {
  const mark = (production: boolean | undefined) => (production === undefined ? '' : `, production: ${production}`);
  return smallFleet
    .replace('  - name: plant', `  - { name: plant${mark(plant)} }\n  - { name: lab${mark(lab)} }`)
    .replace('policies: [pumps] }', 'policies: [pumps] }\n  - { name: tests, division: lab }')
    .replace('pathLength: 0 }\n', `pathLength: 0 }\n${cas}`)
    .replace(
      '  - name: pumps\n    division: plant\n    cred',
      '  - { name: tests, division: lab }\n  - name: pumps\n    division: plant\n    cred',
    )
    .replace(/policies:\n {2}- name: pumps\n {4}division: plant\n {4}authenticationPolicy/, (text) => text)
    .concat(
      `  - { name: tests, division: lab, authenticationPolicy: tests, profiles: [{ usage: operational, profile: pump }], issuingCa: ${issuingCa}, methods: [est], defaultGroup: tests }\n`,
    );
}

interface Marks {
  readonly plant?: boolean;
  readonly lab?: boolean;
  readonly issuingCa?: string;
  readonly cas?: string;
}

const labCa = '  - { name: lab-ca, subject: "CN=Lab", key: ec-p256, validity: 10y }\n';

describe('production and non-production', () => {
  it.each<[string, Marks]>([
    ['neither is marked', {}],
    ['only one is marked', { plant: true }],
    ['both are the same', { plant: true, lab: true }],
    ['each has CAs of its own', { plant: true, lab: false, issuingCa: 'lab-ca', cas: labCa }],
  ])('may share what they share where %s', async (_what, marks) => {
    await withConfiguredStore(async ({ plan }) => {
      expect(await problemsOf(() => plan(twoDivisions(marks)))).toEqual([]);
    });
  });

  it('issue from no CA together', async () => {
    await withConfiguredStore(async ({ plan }) => {
      expect(await problemsOf(() => plan(twoDivisions({ plant: true, lab: false })))).toEqual([
        expect.stringMatching(
          /policies\[1\].issuingCa: certificate authority "devices" is used by policy "pumps" of the production division "plant", and cannot be used by the non-production division "lab" as well$/,
        ),
      ]);
    });
  });

  it('have no CA above theirs in common', async () => {
    const cas = labCa.replace('name: lab-ca', 'name: lab-ca, parent: root');
    await withConfiguredStore(async ({ plan }) => {
      expect(await problemsOf(() => plan(twoDivisions({ plant: false, lab: true, issuingCa: 'lab-ca', cas })))).toEqual(
        [
          expect.stringMatching(
            /policies\[1\].issuingCa: certificate authority "root" is used by policy "pumps" of the non-production division "plant" by way of certificate authority "devices", and cannot/,
          ),
        ],
      );
    });
  });

  it('have no CA in common that belongs to one of them by way of its parent', async () => {
    const cas = labCa.replace('name: lab-ca', 'name: lab-ca, division: lab, parent: root');
    await withConfiguredStore(async ({ plan }) => {
      const problems = await problemsOf(() =>
        plan(twoDivisions({ plant: true, lab: false, issuingCa: 'lab-ca', cas })),
      );
      expect(problems.join('\n')).toMatch(/certificate authority "root" is used by .*"lab"/);
    });
  });

  it('cannot be marked where they share a CA already', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      await apply(twoDivisions({ plant: true }));
      expect(await problemsOf(() => plan('divisions: [{ name: lab, production: false }]'))).toEqual([
        expect.stringMatching(/^stored policy "tests" would no longer fit: certificate authority "devices" is used by/),
      ]);
      expect(await problemsOf(() => plan('divisions: [{ name: lab, production: true }]'))).toEqual([]);
    });
  });
});
