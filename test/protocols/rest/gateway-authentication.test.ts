/** Who may enroll over REST, by policies that want a passcode, a client certificate, or both together. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TlsIdentity } from '../../support/est-client.js';
import { applyYaml, fleet, policyLike, yamlPem } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { recordOf } from '../../support/records.js';
import { createRestClient, csrPem, expectProblem, issuedOf } from '../../support/rest-client.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const factory = createManufacturer('Factory');
const foreign = createManufacturer('Foreign');
const registered = foreign.device('CN=registered');
const secret = { username: 'installer', passcode: 'both-passcode' };
let test: TestGateway;

const both = `authenticationPolicies:
  - name: both
    division: plant
    require: certificate-and-secret
    credentials:
      - { kind: authentication-ca, name: factory, certificate: ${yamlPem(factory.certificate)} }
      - { kind: authentication-certificate, name: registered, certificate: ${yamlPem(registered.chain[0] ?? new Uint8Array())} }
      - { kind: passcode, name: both, username: installer, secret: both-passcode }
`;

beforeAll(async () => {
  test = await startTestGateway({
    configuration: fleet.replace('methods: [est, scep, cmp]', 'methods: [est, rest]'),
    settings: { failedAuthenticationsPerMinute: '10000' },
  });
  await applyYaml(test, both);
  await applyYaml(test, policyLike('both', 'methods: [rest], authenticationPolicy: both'));
});
afterAll(() => test.close());

interface Shown {
  readonly username?: string;
  readonly passcode?: string;
  readonly identity?: TlsIdentity;
}

/** Asks once, over a connection of its own. */
async function ask(shown: Shown, subject: string, { path = '', key = newKey() } = {}) {
  const client = createRestClient(test, { label: 'both', ...shown });
  try {
    return await client.post(path, { csr: csrPem({ key, subject }) });
  } finally {
    client.close();
  }
}

const bad = { status: 401, code: 'bad-secret' } as const;
const untrusted = { status: 403, code: 'untrusted-signer' } as const;

describe('REST where the policy wants certificate and passcode together', () => {
  it.each([
    ['by the CA of the device’s manufacturer', 'CN=f-1', factory.device('CN=f-1')],
    ['that is registered', 'CN=r-1', registered],
  ])('issues for the passcode over TLS with a certificate %s', async (_, subject, identity) => {
    const { certificate } = issuedOf(await ask({ ...secret, identity }, subject));
    expect(new X509Certificate(certificate).subject).toBe(subject);
  });

  const identity = factory.device('CN=f-2');
  it.each<[string, Shown, typeof bad | typeof untrusted, string]>([
    ['the certificate alone', { identity }, bad, 'the passcode is missing'],
    ['the passcode alone', secret, untrusted, 'the certificate is missing'],
    ['nothing', {}, untrusted, 'the certificate is missing'],
    ['a wrong passcode with the certificate', { ...secret, passcode: 'wrong', identity }, bad, 'wrong'],
    ['the passcode of another user name with it', { ...secret, username: 'eve', identity }, bad, 'wrong'],
    ['a certificate of another CA with the passcode', { ...secret, identity: foreign.device('CN=f-2') }, untrusted, ''],
    [
      'a certificate that has expired with the passcode',
      { ...secret, identity: factory.device('CN=f-2', { notAfter: '2026-02-01T00:00:00Z' }) },
      untrusted,
      'expired',
    ],
  ])('refuses %s', async (_, shown, refusal, says) => {
    await expectProblem(test, await ask(shown, 'CN=f-2'), { ...refusal, says });
    expect(await test.gateway.core.store.devices.findByName({ division: 'plant', name: 'f-2' })).toBeUndefined();
  });

  it('wants both for a renewal as well', async () => {
    const key = newKey();
    const first = new X509Certificate(
      issuedOf(await ask({ ...secret, identity: factory.device('CN=f-3') }, 'CN=f-3', { key })).certificate,
    );
    const own = { chain: [first.raw], privateKey: key.privateKey };
    const renewal = { path: '/renew', key };
    await expectProblem(test, await ask({ identity: own }, 'CN=f-3', renewal), { ...bad, says: 'is missing' });
    await expectProblem(test, await ask(secret, 'CN=f-3', renewal), untrusted);
    const { certificate } = issuedOf(await ask({ ...secret, identity: own }, 'CN=f-3', renewal));
    expect(await recordOf(test, new X509Certificate(certificate))).toMatchObject({
      replaces: (await recordOf(test, first)).id,
    });
  });
});
