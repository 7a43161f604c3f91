import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Answer,
  certificateOf,
  createEstClient,
  type EstClient,
  type TlsIdentity,
} from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { extendedKeyUsage } from '../../support/make-chain.js';
import { type CsrOptions, makeCsr, newKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { expectRefused, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const serverAuth = '1.3.6.1.5.5.7.3.1';
const proxy = '127.0.0.2';
const factory = createManufacturer('Factory');
const foreign = createManufacturer('Foreign');
const registered = foreign.device('CN=registered');

let test: TestGateway;

const authenticationPolicies = `authenticationPolicies:
  - name: factory
    division: plant
    require: certificate
    credentials:
      - { kind: authentication-ca, name: factory, certificate: ${yamlPem(factory.certificate)} }
      - { kind: authentication-certificate, name: registered, usageLimit: 1, certificate: ${yamlPem(registered.chain[0] ?? new Uint8Array())} }
  - name: both
    division: plant
    require: certificate-and-secret
    credentials:
      - { kind: authentication-ca, name: factory, certificate: ${yamlPem(factory.certificate)} }
      - { kind: passcode, name: both, username: installer, secret: both-passcode }
  - name: secret
    division: plant
    require: secret
    acceptIssuedCertificates: false
    credentials:
      - { kind: passcode, name: named, username: alice, secret: alices-passcode }
      - { kind: passcode, name: elsewhere, secret: elsewhere-passcode, allowedAddresses: [192.0.2.0/24, 127.0.0.3] }
      - { kind: passcode, name: past, secret: past-passcode, notAfter: "2020-01-01T00:00:00Z" }
      - { kind: passcode, name: future, secret: future-passcode, notBefore: "2090-01-01T00:00:00Z" }
      - kind: passcode
        name: bound
        secret: bound-passcode
        registeredValues: { device: pump-1, subject: { commonName: pump-1 }, subjectAltNames: { dns: [pump-1.example, p1.example] } }
  - { name: nobody, division: plant, require: any }
`;

const profiles = `profiles:
  - name: bootstrap
    template: device
    subject:
      - { attribute: organizationName, source: fixed, value: Plant }
      - { attribute: commonName, source: credential, field: subject.commonName, required: true }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth]
    validity: 7d
`;

beforeAll(async () => {
  const settings = { failedAuthenticationsPerMinute: '10000', trustedProxies: proxy };
  test = await startTestGateway({ configuration: fleet, settings });
  await applyYaml(test, authenticationPolicies);
  await applyYaml(test, profiles);
  for (const name of ['factory', 'both', 'secret', 'nobody'])
    await applyYaml(test, policyLike(name, `authenticationPolicy: ${name}`));
  await applyYaml(
    test,
    policyLike(
      'born',
      'authenticationPolicy: factory, profiles: [{ usage: bootstrap, profile: bootstrap }, { usage: operational, profile: device }]',
    ),
  );
  for (const rule of ['require', 'ignore'])
    await applyYaml(test, policyLike(`bound-${rule}`, `est: { challengePassword: ${rule} }`));
});
afterAll(() => test.close());

type Options = NonNullable<Parameters<typeof createEstClient>[1]>;

/** Asks once, over a connection of its own. */
async function enroll(options: Options, request: CsrOptions = {}, operation = 'simpleenroll'): Promise<Answer> {
  const est = createEstClient(test, options);
  const answer = await est.post(operation, makeCsr({ key: newKey(), ...request }));
  est.close();
  return answer;
}

const bad = { status: 401, code: 'bad-secret' } as const;
const untrusted = { status: 403, code: 'untrusted-signer' } as const;

describe('EST over HTTP Basic (RFC 7030 3.2.3)', () => {
  it('asks with 401 and WWW-Authenticate where the policy takes passcodes', async () => {
    const answer = await enroll({ label: 'fleet' });
    await expectRefused(test, answer, bad);
    expect(answer.headers['www-authenticate']).toBe('Basic realm="estrealm", charset="UTF-8"');
  });

  it('refuses with 403, and asks for nothing, where the policy has no passcodes', async () => {
    const answer = await enroll({ label: 'nobody', passcode: 'whatever' });
    await expectRefused(test, answer, { status: 403, code: 'bad-secret' });
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it('needs no credential for cacerts and csrattrs', async () => {
    const est = createEstClient(test, { label: 'secret' });
    expect([(await est.get('cacerts')).status, (await est.get('csrattrs')).status]).toEqual([200, 200]);
    est.close();
  });

  it.each([
    ['a wrong passcode', { passcode: 'fleet-passcodE' }],
    ['an empty passcode', { passcode: '' }],
    ['the passcode of another policy', { passcode: 'alices-passcode', username: 'alice' }],
    ['the passcode in the place of the user name', { username: fleetPasscode, passcode: '' }],
  ])('refuses %s', async (_, credentials) => {
    await expectRefused(test, await enroll({ label: 'fleet', ...credentials }), bad);
  });

  it('takes any user name where the passcode has none', async () => {
    certificateOf(await enroll({ label: 'fleet', username: 'whoever', passcode: fleetPasscode }));
  });

  it('demands the user name that the passcode has', async () => {
    certificateOf(await enroll({ label: 'secret', username: 'alice', passcode: 'alices-passcode' }));
    for (const username of ['', 'bob', 'Alice'])
      await expectRefused(test, await enroll({ label: 'secret', username, passcode: 'alices-passcode' }), bad);
  });

  it.each(['past-passcode', 'future-passcode', 'elsewhere-passcode'])(
    'refuses %s outside of its time and place, without saying which',
    async (passcode) => {
      await expectRefused(test, await enroll({ label: 'secret', passcode }), {
        ...bad,
        says: 'wrong, used up, expired or not allowed from this address',
      });
    },
  );

  it('takes a passcode from an address that it is for', async () => {
    certificateOf(await enroll({ label: 'secret', passcode: 'elsewhere-passcode', localAddress: '127.0.0.3' }));
  });

  it('takes a passcode that was made a moment ago', async () => {
    certificateOf(await enroll({ label: 'fleet', passcode: await makePasscode(test, {}) }));
  });

  it('holds a passcode to its registered values', async () => {
    const bound = { label: 'secret', passcode: 'bound-passcode' };
    const names = (value: string) => ({ subject: 'CN=pump-1', alternatives: [{ type: 'dns', value }] }) as const;
    certificateOf(await enroll(bound, names('p1.example')));
    await expectRefused(test, await enroll(bound, { ...names('p1.example'), subject: 'CN=pump-2' }), {
      status: 400,
      code: 'rejected-name',
      says: 'registered with credential bound',
    });
    await expectRefused(test, await enroll(bound, names('p2.example')), {
      status: 400,
      code: 'rejected-name',
      says: 'p2.example',
    });
    await expectRefused(test, await enroll(bound, { subject: 'CN=pump-1' }), {
      status: 400,
      code: 'rejected-name',
      says: 'must be one of those',
    });
  });
});

describe('EST over TLS client certificates (RFC 7030 3.3.2)', () => {
  it('takes a certificate that chains to an authentication CA', async () => {
    certificateOf(await enroll({ label: 'factory', identity: factory.device('CN=f-1') }, { subject: 'CN=f-1' }));
  });

  it('takes a certificate that is registered itself, as often as its limit', async () => {
    const options = { label: 'factory', identity: registered };
    const key = newKey();
    const first = certificateOf(await enroll(options, { key, subject: 'CN=registered' }));
    expect(certificateOf(await enroll(options, { key, subject: 'CN=registered' })).raw).toEqual(first.raw);
    await expectRefused(test, await enroll(options, { subject: 'CN=registered' }), {
      status: 403,
      code: 'bad-secret',
      says: 'used up',
    });
  });

  it.each<[string, () => TlsIdentity]>([
    ['a foreign one', () => foreign.device('CN=foreign')],
    [
      'one by a CA of the same name and another key',
      () => createManufacturer('Factory').device('CN=impostor', { signer: 'another key' }),
    ],
    ['an expired one', () => factory.device('CN=expired', { notAfter: '2026-02-01T00:00:00Z' })],
    ['one that is not valid yet', () => factory.device('CN=early', { notBefore: '2035-01-01T00:00:00Z' })],
    ['one with a broken signature', () => factory.device('CN=broken', { isTampered: true })],
    ['one for servers', () => factory.device('CN=server', { extensions: [extendedKeyUsage(serverAuth)] })],
    ['a self-signed one', () => foreign.device('CN=self', { issuer: 'CN=self', signer: 'Foreign CN=self' })],
  ])('refuses %s with 403', async (_, identity) => {
    const answer = await enroll({ label: 'factory', identity: identity() }, { subject: 'CN=x' });
    await expectRefused(test, answer, untrusted);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it('refuses who has none with 403', async () => {
    await expectRefused(test, await enroll({ label: 'factory' }), untrusted);
  });

  it('overlooks one that means nothing here beside a good passcode', async () => {
    certificateOf(await enroll({ label: 'fleet', passcode: fleetPasscode, identity: foreign.device('CN=whoever') }));
  });

  it('demands certificate and passcode together where the policy does', async () => {
    const identity = factory.device('CN=f-2');
    const secret = { username: 'installer', passcode: 'both-passcode' };
    await expectRefused(test, await enroll({ label: 'both', identity }, { subject: 'CN=f-2' }), {
      ...bad,
      says: 'passcode is missing',
    });
    await expectRefused(test, await enroll({ label: 'both', ...secret }, { subject: 'CN=f-2' }), {
      ...untrusted,
      says: 'certificate is missing',
    });
    await expectRefused(
      test,
      await enroll({ label: 'both', ...secret, identity: foreign.device('CN=f-2') }, { subject: 'CN=f-2' }),
      untrusted,
    );
    await expectRefused(
      test,
      await enroll({ label: 'both', ...secret, passcode: 'wrong', identity }, { subject: 'CN=f-2' }),
      bad,
    );
    certificateOf(await enroll({ label: 'both', ...secret, identity }, { subject: 'CN=f-2' }));
  });

  it('does not take certificates issued here where the policy does not', async () => {
    const key = newKey();
    const own = certificateOf(
      await enroll({ label: 'secret', username: 'alice', passcode: 'alices-passcode' }, { key }),
    );
    const identity = { chain: [own.raw], privateKey: key.privateKey };
    await expectRefused(test, await enroll({ label: 'secret', identity }, { key }, 'simplereenroll'), untrusted);
  });
});

describe('from the factory to operation', () => {
  it('a factory certificate gets a bootstrap certificate, that gets an operational one, and that its successors', async () => {
    const keys = [newKey(), newKey(), newKey()] as const;
    const bootstrap = certificateOf(
      await enroll({ label: 'born', identity: factory.device('CN=born-1') }, { key: keys[0], subject: 'CN=born-1' }),
    );
    expect(bootstrap.subject).toBe('O=Plant\nCN=born-1');
    const device = await recordOf(test, bootstrap);
    expect(device).toMatchObject({ usage: 'bootstrap', profile: 'bootstrap' });
    expect(await test.gateway.core.store.devices.findById({ id: device.deviceId ?? '' })).toMatchObject({
      name: 'born-1',
      state: 'provisioned',
      groupName: 'pumps',
    });

    const first = { chain: [bootstrap.raw], privateKey: keys[0].privateKey };
    const operational = certificateOf(
      await enroll({ label: 'born', identity: first }, { key: keys[1], subject: 'CN=born-1' }),
    );
    expect(await recordOf(test, operational)).toMatchObject({
      usage: 'operational',
      profile: 'device',
      deviceId: device.deviceId,
    });
    expect(await test.gateway.core.store.devices.findById({ id: device.deviceId ?? '' })).toMatchObject({
      state: 'operational',
    });

    const second = { chain: [operational.raw], privateKey: keys[1].privateKey };
    const renewed = certificateOf(
      await enroll({ label: 'born', identity: second }, { key: keys[2], subject: 'CN=born-1' }, 'simplereenroll'),
    );
    expect(await recordOf(test, renewed)).toMatchObject({ usage: 'operational', deviceId: device.deviceId });
  });

  it('serves several requests of a bootstrapped device at once', async () => {
    const key = newKey();
    const bootstrap = certificateOf(
      await enroll({ label: 'born', identity: factory.device('CN=born-5') }, { key, subject: 'CN=born-5' }),
    );
    const identity = { chain: [bootstrap.raw], privateKey: key.privateKey };
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => enroll({ label: 'born', identity }, { subject: 'CN=born-5' })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('cannot take the name of another device', async () => {
    const answer = await enroll({ label: 'born', identity: factory.device('CN=born-2') }, { subject: 'CN=born-3' });
    await expectRefused(test, answer, { status: 400, code: 'rejected-name', says: 'born-3' });
  });

  it('gets operational certificates at once where there is no bootstrap profile', async () => {
    const issued = certificateOf(
      await enroll({ label: 'factory', identity: factory.device('CN=born-4') }, { subject: 'CN=born-4' }),
    );
    expect(await recordOf(test, issued)).toMatchObject({ usage: 'operational' });
  });

  it('registers a device in the group of the label, and then takes only that', async () => {
    const identity = factory.device('CN=grouped');
    await applyYaml(
      test,
      'deviceGroups:\n  - { name: pumps, division: plant, policies: [fleet, factory] }\n  - { name: valves, division: plant, policies: [fleet, factory] }\n',
    );
    certificateOf(await enroll({ label: 'factory~valves', identity }, { subject: 'CN=grouped' }));
    const found = await test.gateway.core.store.devices.findByName({ division: 'plant', name: 'grouped' });
    expect(found?.groupName).toBe('valves');
    await expectRefused(test, await enroll({ label: 'factory~pumps', identity }, { subject: 'CN=grouped' }), {
      status: 403,
      code: 'forbidden',
      says: 'not in group pumps',
    });
  });
});

describe('EST with the Client-Cert header (RFC 9440)', () => {
  const identity = factory.device('CN=proxied');
  const [leaf, issuer] = identity.chain.map((der) => `:${Buffer.from(der).toString('base64')}:`);
  const headers = { 'client-cert': leaf ?? '', 'client-cert-chain': issuer ?? '' };
  const request = { subject: 'CN=proxied' };

  it('believes a listed proxy', async () => {
    certificateOf(await enroll({ label: 'factory', localAddress: proxy, headers }, request));
  });

  it('does not believe anybody else', async () => {
    await expectRefused(test, await enroll({ label: 'factory', headers }, request), untrusted);
    await expectRefused(
      test,
      await enroll({ label: 'factory', headers, localAddress: '127.0.0.4' }, request),
      untrusted,
    );
    await expectRefused(
      test,
      await enroll({ label: 'factory', headers, identity: foreign.device('CN=proxied') }, request),
      untrusted,
    );
  });

  it("does not take the proxy's own certificate for the client's", async () => {
    await expectRefused(test, await enroll({ label: 'factory', localAddress: proxy, identity }, request), untrusted);
  });

  it('takes the client address that the proxy added last', async () => {
    const forwarded = (addresses: string) => ({
      label: 'secret',
      passcode: 'elsewhere-passcode',
      localAddress: proxy,
      headers: { 'x-forwarded-for': addresses },
    });
    certificateOf(await enroll(forwarded('203.0.113.9, 192.0.2.7')));
    await expectRefused(test, await enroll(forwarded('192.0.2.7, 203.0.113.9')), bad);
    await expectRefused(test, await enroll({ ...forwarded('192.0.2.7'), localAddress: '127.0.0.4' }), bad);
  });

  it.each(['nonsense', ':AAAA', ':####:', '::', leaf?.slice(0, -1) ?? ''])(
    'refuses the malformed header %.12s with 400',
    async (value) => {
      const answer = await enroll(
        { label: 'factory', localAddress: proxy, headers: { 'client-cert': value } },
        request,
      );
      await expectRefused(test, answer, { status: 400, code: 'malformed-request' });
    },
  );

  it('refuses a header with what is no certificate with 403', async () => {
    await expectRefused(
      test,
      await enroll({ label: 'factory', localAddress: proxy, headers: { 'client-cert': ':AAAA:' } }, request),
      untrusted,
    );
  });

  it('cannot compare a challengePassword behind a proxy, unless the policy ignores it', async () => {
    const options = (label: string) => ({ label, passcode: fleetPasscode, localAddress: proxy });
    await expectRefused(test, await enroll(options('fleet'), { challengePassword: 'x' }), {
      status: 400,
      code: 'invalid-proof-of-possession',
      says: 'TLS ends before the gateway',
    });
    certificateOf(await enroll(options('bound-ignore'), { challengePassword: 'x' }));
  });
});

describe('EST linking of identity and possession (RFC 7030 3.5, RFC 9266)', () => {
  const refused = { status: 400, code: 'invalid-proof-of-possession' } as const;
  const open = (label: string, tlsVersion: 'TLSv1.2' | 'TLSv1.3'): EstClient =>
    createEstClient(test, { label, passcode: fleetPasscode, tlsVersion, isSingleConnection: true });

  it.each([
    ['TLSv1.2', 'tls-unique'],
    ['TLSv1.2', 'tls-exporter'],
    ['TLSv1.3', 'tls-exporter'],
  ] as const)('%s takes the %s value of its connection, and no other', async (version, type) => {
    for (const label of ['fleet', 'bound-require']) {
      const est = open(label, version);
      const challengePassword = await est.binding(type);
      certificateOf(await est.post('simpleenroll', makeCsr({ key: newKey(), challengePassword })));
      const spoilt = `${challengePassword.startsWith('A') ? 'B' : 'A'}${challengePassword.slice(1)}`;
      for (const wrong of ['', 'password', spoilt]) {
        await expectRefused(
          test,
          await est.post('simpleenroll', makeCsr({ key: newKey(), challengePassword: wrong })),
          refused,
        );
      }
      est.close();
    }
  });

  it("refuses another connection's value", async () => {
    const [one, other] = [open('fleet', 'TLSv1.3'), open('fleet', 'TLSv1.3')];
    const challengePassword = await one.binding('tls-exporter');
    await other.binding('tls-exporter');
    await expectRefused(test, await other.post('simpleenroll', makeCsr({ key: newKey(), challengePassword })), refused);
    one.close();
    other.close();
  });

  it('TLS 1.3 has no tls-unique', async () => {
    const est = open('fleet', 'TLSv1.3');
    const challengePassword = await est.binding('tls-unique');
    await expectRefused(test, await est.post('simpleenroll', makeCsr({ key: newKey(), challengePassword })), refused);
    est.close();
  });

  it.each(['simpleenroll', 'serverkeygen'])('demands it in %s where the policy does', async (operation) => {
    await expectRefused(test, await enroll({ label: 'bound-require', passcode: fleetPasscode }, {}, operation), {
      ...refused,
      says: 'must have a challengePassword',
    });
  });

  it('names challengePassword in csrattrs where it is demanded', async () => {
    const oid = Buffer.from('06092a864886f70d010907', 'hex');
    const attributes = async (label: string) => {
      const est = createEstClient(test, { label });
      const { text } = await est.get('csrattrs');
      est.close();
      return Buffer.from(text, 'base64');
    };
    expect((await attributes('bound-require')).includes(oid)).toBe(true);
    expect((await attributes('fleet')).includes(oid)).toBe(false);
  });

  it('does not look at it where the policy ignores it', async () => {
    certificateOf(await enroll({ label: 'bound-ignore', passcode: fleetPasscode }, { challengePassword: 'anything' }));
  });
});

describe('TLS of the device listener', () => {
  const handshake = (options: object): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({
        port: test.gateway.listeners.deviceTlsPort,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...options,
      });
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
    });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s sessions are not resumed', async (version) => {
    const versions = { minVersion: version, maxVersion: version } as const;
    const first = await handshake(versions);
    const sessions: Buffer[] = [];
    first.on('session', (session: Buffer) => sessions.push(session));
    first.write('GET /.well-known/est/cacerts HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => first.once('data', resolve));
    const session = sessions[0] ?? first.getSession();
    first.destroy();
    const second = await handshake({ ...versions, session });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is not spoken', async (version) => {
    await expect(
      handshake({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
    ).rejects.toThrow();
  });
});

describe('an address that fails again and again', () => {
  it('has to wait, with 429 and Retry-After', async () => {
    const limited = await startTestGateway({ configuration: fleet, settings: { failedAuthenticationsPerMinute: '3' } });
    const est = createEstClient(limited, { label: 'fleet', passcode: 'wrong-passcode' });
    const answers: Answer[] = [];
    for (let i = 0; i < 4; i++) answers.push(await est.post('simpleenroll', makeCsr({ key: newKey() })));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429]);
    const last = answers[3];
    if (last === undefined) throw new Error('no answer');
    await expectRefused(limited, last, { status: 429, code: 'rate-limited', says: 'wait' });
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    est.close();
    await limited.close();
  });
});
