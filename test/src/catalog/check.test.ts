import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { caPem } from './certificates.js';
import { openConfiguredStore, problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

let empty: Awaited<ReturnType<typeof openConfiguredStore>>;
beforeAll(async () => {
  empty = await openConfiguredStore();
});
afterAll(() => empty.close());

/** The problems of the small fleet after one change of its text. */
function problemsWith(from: string, to: string): Promise<readonly string[]> {
  expect(smallFleet).toContain(from);
  return problemsOf(() => empty.plan(smallFleet.replace(from, to)));
}

describe('credentials that a policy names', () => {
  const named = (list: string) => problemsWith('methods: [est]', `methods: [est]\n    cmp: { ${list} }`);

  it('are in its authentication policy', async () => {
    expect(await named('registrationAuthorities: [ra]')).toEqual([
      expect.stringMatching(
        /policies\[0\].cmp.registrationAuthorities\[0\]: authentication policy "pumps" has no credential "ra"$/,
      ),
    ]);
  });

  it.each(['registrationAuthorities', 'crossCertify'])('are certificates or CAs: %s', async (list) => {
    expect(await named(`${list}: [installer, cmp]`)).toEqual([
      expect.stringMatching(/\[0\]: credential "installer" is a passcode; name an authentication-certificate or/),
      expect.stringMatching(/\[1\]: credential "cmp" is a cmp-secret; name/),
    ]);
  });

  it('may come with the same document, or be there already', async () => {
    const kind = 'authentication-ca';
    const ca = `{ kind: ${kind}, name: ra, certificate: ${JSON.stringify(caPem)} }`;
    const text = smallFleet.replace('methods: [est]', 'methods: [est]\n    cmp: { registrationAuthorities: [ra] }');
    await withConfiguredStore(async ({ apply }) => {
      const whole = text.replace('    credentials:\n', `    credentials:\n      - ${ca}\n`);
      expect(await apply(whole)).toBe(true);
      expect(await apply(text)).toBe(false);
    });
  });
});

describe('configuration as a whole', () => {
  it('fits together in the small fleet', async () => {
    expect(await problemsWith('name: plant', 'name: plant')).toEqual([]);
  });

  it.each([
    [
      'an unknown template',
      'template: basic-device',
      'template: basic',
      /^fleet.yaml:10:15 profiles\[0\].template: there is no template "basic"; there are tls-server, tls-client, basic-device/,
    ],
    [
      'a profile that leaves its template',
      'validity: 90d',
      'validity: 9y',
      /^fleet.yaml:15:15 profiles\[0\].validity: /,
    ],
    [
      'an unknown profile',
      'profile: pump }',
      'profile: pumpe }',
      /^fleet.yaml:26:47 policies\[0\].profiles\[0\].profile: there is no profile "pumpe"; there are pump$/,
    ],
    [
      'an unknown division',
      'name: pumps, division: plant',
      'name: pumps, division: plan',
      /^fleet.yaml:4:30 deviceGroups\[0\].division: there is no division "plan"; there are plant$/,
    ],
    [
      'an unknown policy of a group',
      'policies: [pumps]',
      'policies: [pumps, pump]',
      /deviceGroups\[0\].policies\[1\]: there is no policy "pump"/,
    ],
    [
      'an unknown authentication policy',
      'authenticationPolicy: pumps',
      'authenticationPolicy: pump',
      /policies\[0\].authenticationPolicy: there is no authentication policy "pump"/,
    ],
    ['an unknown group', 'defaultGroup: pumps', 'defaultGroup: pump', /defaultGroup: there is no device group "pump"/],
    ['an unknown CA', 'issuingCa: devices', 'issuingCa: device', /issuingCa: there is no certificate authority/],
    [
      'an unknown parent',
      'parent: root',
      'parent: roots',
      /certificateAuthorities\[1\].parent: there is no certificate auth/,
    ],
    [
      'a CA that is its own parent',
      'parent: root',
      'parent: devices',
      /certificateAuthorities\[1\].parent: leads back to this certificate authority itself/,
    ],
    [
      'a CRL that is to be there sooner than the gateway looks',
      'parent: root',
      'parent: root, crl: { publishWithin: 1s }',
      /certificateAuthorities\[1\].crl.publishWithin: must be 2s at least/,
    ],
    [
      'deltas that end before the next one comes',
      'parent: root',
      'parent: root, crl: { delta: { interval: 1h, validity: 1h } }',
      /crl.delta.validity: must be longer than crl.delta.interval/,
    ],
    [
      'deltas that are rarer than CRLs',
      'parent: root',
      'parent: root, crl: { interval: 1h, validity: 3h, delta: { interval: 1h, validity: 2h } }',
      /crl.delta.interval: must be shorter than crl.interval/,
    ],
    [
      'name constraints that cannot be read',
      'parent: root',
      'parent: root, nameConstraints: { permitted: [{ dns: .plant.example }] }',
      /certificateAuthorities\[1\].nameConstraints.permitted\[0\].dns: ".plant.example" is no domain/,
    ],
    [
      'a CA below one whose name constraints exclude its subject',
      'key: ec-p384',
      'key: ec-p384, nameConstraints: { excluded: [{ directoryName: CN=Devices }] }',
      /certificateAuthorities\[1\].subject: is not for a CA below "root": .* by its nameConstraints/,
    ],
    [
      "name constraints that forbid the gateway's own certificates",
      'parent: root',
      'parent: root, nameConstraints: { permitted: [{ directoryName: O=Plant }] }',
      /certificateAuthorities\[1\].subject: leaves the gateway's own certificates by it no name/,
    ],
    [
      'a CA below one with path length 0',
      'key: ec-p384',
      'key: ec-p384, pathLength: 0',
      /certificateAuthorities\[1\].pathLength: the path length of a CA above leaves no room/,
    ],
    [
      'a CA for intermediates without room for them',
      'pathLength: 0',
      'pathLength: 0, issueIntermediates: true',
      /certificateAuthorities\[1\].issueIntermediates: needs a pathLength of at least 1/,
    ],
    [
      'a subject that is no name',
      'subject: "CN=Root"',
      'subject: "Root"',
      /\[0\].subject: is no distinguished name such as/,
    ],
    [
      'a device profile as intermediate',
      'usage: operational',
      'usage: intermediate',
      /policies\[0\].profiles\[0\]: an intermediate profile needs a template with basicConstraints.ca: true/,
    ],
    [
      'a method that the authentication policy does not have',
      '    credentials:',
      '    methods: [scep]\n    credentials:',
      /policies\[0\].methods\[0\]: authentication policy "pumps" does not allow est/,
    ],
    [
      'keys of the gateway only, over a protocol that cannot hand them over',
      'methods: [est]',
      'methods: [est, scep]\n    keyGeneration: [gateway]',
      /policies\[0\].methods\[1\]: scep cannot hand over keys/,
    ],
    [
      'an unknown attribute in a template',
      'profiles:',
      'templates: [{ name: t, keys: { ed25519: true }, subjectAttributes: [commonNam], maximumValidity: 1d }]\nprofiles:',
      /templates\[0\].subjectAttributes\[0\]: "commonNam" is no known subject attribute/,
    ],
    [
      'a template without keys',
      'profiles:',
      'templates: [{ name: t, keys: {}, maximumValidity: 1d }]\nprofiles:',
      /templates\[0\].keys: allows no key at all/,
    ],
    [
      'a built-in template',
      'profiles:',
      'templates: [{ name: tls-server, keys: { ed25519: true }, maximumValidity: 1d }]\nprofiles:',
      /templates\[0\].name: "tls-server" is a built-in template, which cannot be changed/,
    ],
    ['a generated key that the template forbids', 'template: basic-device', 'template: code-signing', /profiles\[0\]/],
    [
      'registered values of an unknown attribute',
      'username: bob',
      'registeredValues: { subject: { nam: x } }',
      /credentials\[0\].registeredValues.subject.nam: "nam" is no known subject attribute/,
    ],
    [
      'an authentication CA that is no certificate',
      '{ kind: passcode, name: installer, username: bob, secret: correct-horse }',
      '{ kind: authentication-ca, name: x, certificate: "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n" }',
      /credentials\[0\].certificate: is no certificate in PEM/,
    ],
    [
      'two secrets with one reference',
      'username: bob, secret: correct-horse }',
      'secret: correct-horse }\n      - { kind: cmp-secret, name: cmp2, reference: pump-1, secret: other-staple }',
      /credentials\[2\]: credential "cmp2" of this authentication policy is the same cmp-secret/,
    ],
  ])('refuses %s', async (_name, from, to, expected) => {
    const problems = await problemsWith(from, to);
    expect(problems.join('\n')).toMatch(new RegExp(expected.source, `${expected.flags}m`));
  });

  it.each([
    ['certificate', 'acme', 1],
    ['certificate-and-secret', 'acme', 1],
    ['secret', 'acme', 0],
    ['any', 'acme', 0],
    ['certificate', 'est', 0],
  ])('knows that ACME presents no certificates: require %s with %s', async (require, method, count) => {
    const text = smallFleet
      .replace('methods: [est]', `methods: [est, ${method}]`)
      .replace('    credentials:', `    require: ${require}\n    credentials:`);
    const problems = await problemsOf(() => empty.plan(text));
    expect(problems).toEqual(
      Array.from({ length: count }, () =>
        expect.stringMatching(/policies\[0\].methods\[1\]: authentication policy "pumps" has require: certificate/),
      ),
    );
  });

  it('knows that ACME issues no CA certificates', async () => {
    const text = smallFleet
      .replace('template: basic-device', 'template: basic-intermediate-ca\n    pathLength: 0')
      .replace('extendedKeyUsages: [clientAuth]', 'extendedKeyUsages: []')
      .replace('keyUsages: [digitalSignature]', 'keyUsages: [keyCertSign]')
      .replace('pathLength: 0 }', 'pathLength: 1, issueIntermediates: true }')
      .replace('usage: operational', 'usage: intermediate');
    expect(await problemsOf(() => empty.plan(text))).toEqual([]);
    expect(await problemsOf(() => empty.plan(text.replace('methods: [est]', 'methods: [est, acme]')))).toEqual([
      expect.stringMatching(/methods\[1\]: acme needs a profile of the usage bootstrap or operational/),
    ]);
  });

  it('refuses objects of different divisions under one policy', async () => {
    const elsewhere = smallFleet
      .replace('- name: plant', '- name: plant\n  - name: office')
      .replace('name: pumps, division: plant', 'name: pumps, division: office');
    await withConfiguredStore(async ({ plan }) => {
      expect(await problemsOf(() => plan(elsewhere))).toEqual([
        expect.stringMatching(
          /deviceGroups\[0\].policies\[0\]: policy "pumps" is in division "plant", this group in "office"/,
        ),
        expect.stringMatching(
          /policies\[0\].defaultGroup: device group "pumps" is in division "office", this policy in "plant"/,
        ),
      ]);
    });
  });

  it('refuses a second default policy, also when the first is stored', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      const withDefault = smallFleet.replace('methods: [est]', 'methods: [est]\n    default: true');
      await apply(withDefault);
      const policies = withDefault.slice(withDefault.indexOf('policies:\n'));
      expect(await problemsOf(() => plan(policies.replace('name: pumps', 'name: valves')))).toEqual([
        expect.stringMatching(/policies\[0\].default: policy "pumps" is the default policy already/),
      ]);
      expect(
        await problemsOf(() => plan(policies.replace('name: pumps', 'name: valves').replace('default: true', ''))),
      ).toEqual([]);
    });
  });

  it('has no more CAs one above the other than leave room for one of a gateway and what that issues', async () => {
    const tiers = (deepest: number) =>
      Array.from({ length: deepest - 1 }, (_, i) => i + 2).map((depth) => {
        const parent = depth === 2 ? 'root' : `tier-${depth - 1}`;
        return `  - { name: tier-${depth}, parent: ${parent}, subject: "CN=Tier ${depth}", key: ec-p256, validity: 5y }\n`;
      });
    const withTiers = (deepest: number) =>
      problemsWith('certificateAuthorities:\n', `certificateAuthorities:\n${tiers(deepest).join('')}`);
    expect(await withTiers(8)).toEqual([]);
    expect(await withTiers(9)).toEqual([
      expect.stringMatching(
        /certificateAuthorities\[7\].parent: has 8 certificate authorities above it: 7 are the most that everybody validates$/,
      ),
    ]);
  });

  it('refuses a change that stored objects do not fit', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      const own = `templates: [{ name: own, keys: { ec: { curves: [P-256] } }, keyUsages: [digitalSignature], extendedKeyUsages: [clientAuth], subjectAttributes: [commonName], maximumValidity: 90d }]\n`;
      await apply(own + smallFleet.replace('template: basic-device', 'template: own'));
      expect(await problemsOf(() => plan(own.replace('90d', '30d')))).toEqual([
        expect.stringMatching(/^stored profile "pump" would no longer fit: /),
      ]);
    });
  });

  it('is no reason to refuse a document that stored objects have not fitted before, by an older version', async () => {
    await withConfiguredStore(async ({ apply, plan, store }) => {
      await apply(smallFleet);
      const stored = (await store.catalog.items()).find(({ kind, name }) => kind === 'policy' && name === 'pumps');
      const document = JSON.stringify({
        ...JSON.parse(stored?.document ?? '{}'),
        keyGeneration: ['gateway'],
        methods: ['acme'],
      });
      const put = store.catalog.put({ kind: 'policy', name: 'pumps', document, updatedAt: 0 });
      await store.commit({ statements: [put], audit: [] });
      expect(await problemsOf(() => plan('divisions: [{ name: other }]'))).toEqual([]);
      const policies = smallFleet.slice(smallFleet.indexOf('policies:\n'));
      expect(
        await problemsOf(() => plan(policies.replace('[est]', '[acme]\n    keyGeneration: [gateway]'))),
      ).not.toEqual([]);
    });
  });
});
