import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDocument } from '../../../src/catalog/document.js';
import { parse, problemsOf, smallFleet } from './configured-store.js';

const problems = (text: string) => problemsOf(() => parse(text));

describe('configuration document', () => {
  it('is read into objects, each after those that it refers to, with its defaults', () => {
    const { objects, credentials } = parse(smallFleet);
    expect(objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'division plant',
      'device-group pumps',
      'profile pump',
      'authentication-policy pumps',
      'certificate-authority root',
      'certificate-authority devices',
      'policy pumps',
    ]);
    expect(objects.at(-1)?.value).toMatchObject({ approval: 'automatic', keyGeneration: ['device'] });
    expect(credentials.map(({ config }) => config.name)).toEqual(['installer', 'cmp']);
  });

  it('keeps credentials out of the authentication policy', () => {
    const policy = parse(smallFleet).objects.find(({ kind }) => kind === 'authentication-policy');
    expect(JSON.stringify(policy)).not.toContain('correct-horse');
    expect(policy?.written).toEqual({ name: 'pumps', division: 'plant' });
  });

  it('may be empty', () => {
    expect(parse('# nothing\n').objects).toEqual([]);
  });

  it('is refused with everything that is wrong, each with line, path and what is allowed', async () => {
    const text = `divisions:
  - name: plant
    colour: red
deviceGroups:
  - division: plant
    name: "a b"
policies:
  - name: cacerts
    division: plant
    authenticationPolicy: x
    profiles: []
    issuingCa: y
    methods: [est, ftp]
    enabled: "yes"
    approvalTimeout: 3 days
    defaultGroup: z
policy: []
`;
    expect(await problems(text)).toEqual([
      expect.stringMatching(/^fleet.yaml:3:5 divisions\[0\].colour: is not known here; allowed are name, description/),
      expect.stringMatching(/^fleet.yaml:6:11 deviceGroups\[0\].name: a name is 1 to 64 of the characters/),
      expect.stringMatching(/^fleet.yaml:8:11 policies\[0\].name: a policy cannot be named like an operation/),
      expect.stringMatching(/^fleet.yaml:14:14 policies\[0\].enabled: must be true or false/),
      expect.stringMatching(/^fleet.yaml:11:15 policies\[0\].profiles: /),
      expect.stringMatching(/^fleet.yaml:13:20 policies\[0\].methods\[1\]: must be one of est, scep, cmp/),
      expect.stringMatching(/^fleet.yaml:15:22 policies\[0\].approvalTimeout: a duration is a whole number and a unit/),
      expect.stringMatching(/^fleet.yaml:17:1 policy: is not known here; allowed are divisions, deviceGroups/),
    ]);
  });

  it('names a missing key at what lacks it', async () => {
    expect(await problems('divisions:\n  - description: x\n')).toEqual([
      'fleet.yaml:2:5 divisions[0].name: is missing; text (in quotes if it looks like a number) is expected',
    ]);
  });

  it('is refused when it is no map', async () => {
    expect(await problems('- a\n')).toEqual(['fleet.yaml:1:1 the document: must be a map of keys and values']);
  });

  it('shows fifty problems at most', async () => {
    const many = await problems(`divisions:\n${'  - { x: 1 }\n'.repeat(100)}`);
    expect(many).toHaveLength(51);
    expect(many.at(-1)).toBe('and 150 more');
  });

  it('refuses a name that is there twice', async () => {
    expect(await problems('divisions:\n  - name: a\n  - name: a\n')).toEqual([
      'fleet.yaml:3:11 divisions[1].name: there are two of the name "a" in this list',
    ]);
  });

  it('never repeats a secret in a problem', async () => {
    const text = `authenticationPolicies:
  - name: a
    division: b
    credentials:
      - { kind: passcode, name: x, secret: hush }
      - { kind: key-wrap-key, name: y, identifier: i, key: hush-hush }
      - { kind: acme-account-key, name: z, keyId: k, hmacKey: "hush hush" }
      - { kind: passcode, name: w, secret: 123456789 }
      - { kind: password, name: v, secret: hush }
`;
    const all = await problems(text);
    expect(all).toHaveLength(5);
    expect(all.join()).not.toMatch(/hush|123456/);
    expect(all.join('\n')).toContain('credentials[4].kind: must be one of passcode, authentication-certificate');
  });

  it('reads certificate files beside it', () => {
    const read: string[] = [];
    const { credentials } = parseDocument({
      file: '/etc/gatehouse/fleet.yaml',
      text: `authenticationPolicies:
  - { name: a, division: b, credentials: [{ kind: authentication-ca, name: c, certificateFile: ca.pem }] }
`,
      environment: {},
      readFile: (path) => {
        read.push(path);
        return 'PEM';
      },
    });
    expect(read).toEqual(['/etc/gatehouse/ca.pem']);
    expect(credentials[0]?.config).toEqual({ kind: 'authentication-ca', name: 'c', certificate: 'PEM' });
  });

  it('wants a certificate as text or as file, not both and not neither', async () => {
    const text = `authenticationPolicies:
  - name: a
    division: b
    credentials:
      - { kind: authentication-ca, name: c }
      - { kind: authentication-ca, name: d, certificate: x, certificateFile: y }
      - { kind: authentication-ca, name: e, certificateFile: missing.pem }
`;
    expect(await problems(text)).toEqual([
      'fleet.yaml:5:9 authenticationPolicies[0].credentials[0]: give either certificate (PEM text) or certificateFile (its path beside this file)',
      'fleet.yaml:6:9 authenticationPolicies[0].credentials[1]: give either certificate (PEM text) or certificateFile (its path beside this file)',
      expect.stringMatching(
        /^fleet.yaml:7:62 authenticationPolicies\[0\].credentials\[2\].certificateFile: cannot be read: no file/,
      ),
    ]);
  });

  it('is read or refused with problems, whatever is in it', async () => {
    const edit = fc.record({
      at: fc.nat(smallFleet.length),
      length: fc.nat(20),
      text: fc.oneof(
        fc.string(),
        fc.constantFrom('- ', ': ', '{', '[', '&a ', '*a', '!!map ', '? ', '"', '|\n', '\t', '---\n'),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const text = edits.reduce((t, e) => t.slice(0, e.at) + e.text + t.slice(e.at + e.length), smallFleet);
        for (const problem of await problems(text)) {
          expect(problem).toMatch(/^fleet\.yaml:\d+:\d+ |^and \d+ more$/);
        }
      }),
      { numRuns: 100 },
    );
  });
});
