import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BitString } from 'asn1js';
import { Certificate } from 'pkijs';
import { dropNext } from '../../../src/authorities/stage.js';
import { readSignedMessage } from '../../support/cms-answer.js';
import type { Answer } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { testActor } from '../../support/operator.js';
import { createScepClient, issuedBy, type ScepClient } from '../../support/scep-client.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients: ScepClient[] = [];

const authorities = `
certificateAuthorities:
  - { name: plant-ca, parent: root, subject: "CN=Plant", key: ec-p256, validity: 12y, pathLength: 1 }
  - { name: line-ca, parent: plant-ca, subject: "CN=Line", key: ec-p256, validity: 10y, pathLength: 0 }
  - { name: rsa-ca, subject: "CN=RSA", key: rsa-2048, validity: 10y }
  - { name: ed25519-ca, subject: "CN=Ed25519", key: ed25519, validity: 10y }
`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  const policies: readonly (readonly [name: string, changes: string])[] = [
    ['line', 'issuingCa: line-ca'],
    ['line-issuer', 'issuingCa: line-ca, scep: { chain: issuer }'],
    ['line-without-root', 'issuingCa: line-ca, scep: { chain: withoutRoot }'],
    ['root-without-root', 'issuingCa: rsa-ca, scep: { chain: withoutRoot }'],
    ['line-silent', 'issuingCa: line-ca, scep: { chainInReply: false }'],
    ['rsa', 'issuingCa: rsa-ca'],
    ['ed25519', 'issuingCa: ed25519-ca'],
    ['legacy', 'scep: { legacy: true }'],
    ['est-only', 'methods: [est]'],
  ];
  await applyYaml(test, authorities);
  for (const [name, changes] of policies) await applyYaml(test, policyLike(name, changes));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await test.close();
});

function connect(label?: string, options: { readonly isTls?: boolean; readonly path?: string } = {}): ScepClient {
  const client = createScepClient(test, { ...(label === undefined ? {} : { label }), ...options });
  clients.push(client);
  return client;
}

/** By subject, of the generation that is in use. */
function caCertificate(ca: string): Buffer {
  const found = test.gateway.core.authority.generations().find((one) => one.ca === ca && one.state === 'current');
  return Buffer.from(found?.certificate.der ?? []);
}

const certificatesIn = (answer: Answer) => readSignedMessage(answer.body).certificates;

function expectHttpRefusal(answer: Answer, status: number, says: string): void {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.stringContaining(says) });
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.text).toMatch(/^[^\n\p{Cc}]{10,300}\n$/u);
}

describe('SCEP GetCACaps (RFC 8894 3.5.2)', () => {
  const always = [
    'AES',
    'GetNextCACert',
    'POSTPKIOperation',
    'Renewal',
    'SCEPStandard',
    'SHA-256',
    'SHA-384',
    'SHA-512',
  ];

  it('names what is supported, one keyword a line, as plain text', async () => {
    const answer = await connect('fleet').get('operation=GetCACaps');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text).toBe(`${always.join('\n')}\n`);
  });

  it('names DES3 and SHA-1 where the policy admits old clients', async () => {
    expect(await connect('legacy').getCaCaps()).toEqual([...always, 'DES3', 'SHA-1']);
  });
});

describe('SCEP GetCACert (RFC 8894 4.2)', () => {
  it.each([
    ['line', ['line-ca', 'plant-ca', 'root']],
    ['line-issuer', ['line-ca']],
    ['line-without-root', ['line-ca', 'plant-ca']],
    ['root-without-root', ['rsa-ca']],
    ['rsa', ['rsa-ca']],
    ['ed25519', ['ed25519-ca']],
  ])('of policy %s has the RA certificate, then %j', async (label, authorityNames) => {
    const answer = await connect(label).get('operation=GetCACert');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-x509-ca-ra-cert');
    const { signer, certificates } = readSignedMessage(answer.body);
    expect(signer).toBeUndefined();
    const [ra, issuer, ...above] = certificates;
    if (ra === undefined || issuer === undefined) throw new Error('too few certificates');
    expect([issuer, ...above].map(({ raw }) => raw)).toEqual(authorityNames.map(caCertificate));
    expect(ra.ca).toBe(false);
    expect(ra.checkIssued(issuer) && ra.verify(issuer.publicKey)).toBe(true);
    expect(ra.publicKey.asymmetricKeyType).toBe('rsa');
    expect(ra.publicKey.equals(issuer.publicKey)).toBe(false);
  });

  it('has an RA certificate for digitalSignature and keyEncipherment, which a client can verify', async () => {
    const [ra, issuer, root] = certificatesIn(await connect('fleet').get('operation=GetCACert'));
    if (ra === undefined || issuer === undefined || root === undefined) throw new Error('too few certificates');
    const usage = Certificate.fromBER(ra.raw).extensions?.find(({ extnID }) => extnID === '2.5.29.15');
    if (!(usage?.parsedValue instanceof BitString)) throw new Error('no key usage');
    expect(usage.critical).toBe(true);
    expect([...usage.parsedValue.valueBlock.valueHexView]).toEqual([0x80 | 0x20]);
    // Clients may look for a purpose of their own where there are any.
    expect(ra.keyUsage).toBeUndefined();
    expect(opensslAccepts([root.raw, issuer.raw, ra.raw], [])).toBe(true);
  });

  it('has an RA certificate of each policy’s own, and always the same', async () => {
    const raOf = async (label: string) => (await connect(label).getCaCert()).ra.raw.toString('hex');
    const first = await Promise.all(['line', 'line-issuer', 'line', 'line'].map(raOf));
    expect(new Set(first).size).toBe(2);
    expect(await raOf('line')).toBe(first[0]);
  });

  it.each([
    'operation=getcacert',
    'OPERATION=GetCACert',
    'operation=GetCACert&message=fleet',
    'operation=GetCACert&message=',
  ])('is what %s asks for', async (query) => {
    const client = connect('fleet');
    expect((await client.get(query)).body).toEqual((await client.get('operation=GetCACert')).body);
  });
});

describe('SCEP at a policy whose CA has a key of another kind', () => {
  it.each(['fleet', 'rsa', 'ed25519'])('issues to EC and RSA keys under %s', async (label) => {
    const client = connect(label);
    const { chain } = await client.getCaCert();
    for (const key of [newKey(), rsaKey]) {
      const subject = key === rsaKey ? 'CN=rsa-device' : `CN=ec-device-${label}`;
      const certificate = issuedBy(await client.enroll({ key, subject, challenge: fleetPasscode }));
      expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
      expect(chain[0] && certificate.verify(chain[0].publicKey)).toBe(true);
    }
  });
});

describe('the CA certificates of a CertRep (RFC 8894 3.3.2.1)', () => {
  it.each([
    ['line', ['line-ca', 'plant-ca', 'root']],
    ['line-issuer', ['line-ca']],
    ['line-without-root', ['line-ca', 'plant-ca']],
    ['line-silent', []],
  ])('of policy %s follow the certificate: %j', async (label, authorityNames) => {
    const outcome = await connect(label).enroll({ key: newKey(), subject: `CN=${label}`, challenge: fleetPasscode });
    const [first, ...others] = outcome.reply?.certificates ?? [];
    expect(first?.raw).toEqual(issuedBy(outcome).raw);
    expect(others.map(({ raw }) => raw)).toEqual(authorityNames.map(caCertificate));
  });
});

describe('SCEP GetNextCACert (RFC 8894 4.7)', () => {
  it('is 404 until a next generation is staged', async () => {
    expectHttpRefusal(await connect('line').getNextCaCert(), 404, 'next');
  });

  it.each([
    ['rsa', 'rsa-ca', '{ name: rsa-ca, subject: "CN=RSA", key: rsa-2048, validity: 10y, stageNextGeneration: true }'],
    [
      'ed25519',
      'ed25519-ca',
      '{ name: ed25519-ca, subject: "CN=Ed25519", key: ed25519, validity: 10y, stageNextGeneration: true }',
    ],
    [
      'fleet',
      'devices',
      '{ name: devices, parent: root, subject: "CN=Devices,O=Plant", key: ec-p256, validity: 10y, pathLength: 0, stageNextGeneration: true }',
    ],
  ])('of policy %s then is the next CA certificate, signed by the present CA', async (label, ca, staged) => {
    await applyYaml(test, `certificateAuthorities:\n  - ${staged}\n`);
    const client = connect(label);
    const answer = await client.getNextCaCert();
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-x509-next-ca-cert');
    const { signer, content, certificates } = readSignedMessage(answer.body);
    const { chain } = await client.getCaCert();
    expect(signer?.isValid).toBe(true);
    expect(signer?.certificate.raw).toEqual(caCertificate(ca));
    expect(chain[0]?.raw).toEqual(caCertificate(ca));
    expect(certificates.map(({ raw }) => raw)).toEqual([caCertificate(ca)]);
    const [next, ...above] = readSignedMessage(content ?? Buffer.of()).certificates;
    if (next === undefined) throw new Error('no next CA certificate');
    expect(next.subject).toBe(new X509Certificate(caCertificate(ca)).subject);
    expect(next.ca).toBe(true);
    expect(next.publicKey.equals(new X509Certificate(caCertificate(ca)).publicKey)).toBe(false);
    expect(
      opensslAccepts(
        [...above.toReversed(), next].map(({ raw }) => raw),
        ['-partial_chain'],
      ),
    ).toBe(true);
    const issued = issuedBy(
      await client.enroll({ key: newKey(), subject: `CN=next-${label}`, challenge: fleetPasscode }),
    );
    expect(chain[0] && issued.verify(chain[0].publicKey)).toBe(true);
  });

  it('is the same as long as nothing changes, and 404 again when the next CA is dropped', async () => {
    const client = connect('rsa');
    expect((await client.getNextCaCert()).body).toEqual((await client.getNextCaCert()).body);
    await dropNext('rsa-ca', testActor, test.gateway.core);
    expectHttpRefusal(await client.getNextCaCert(), 404, 'next');
  });
});

describe('SCEP URLs', () => {
  const paths = [
    '/scep/fleet',
    '/scep/fleet/pkiclient.exe',
    '/scep/fleet/cgi-bin/pkiclient.exe',
    '/cgi-bin/pkiclient.exe',
  ];

  it.each(paths.flatMap((path) => [[path, false] as const, [path, true] as const]))(
    '%s is the policy, TLS or not: %s',
    async (path, isTls) => {
      const { ra } = await connect('fleet').getCaCert();
      const client = connect(undefined, { path, isTls });
      expect((await client.getCaCert()).ra.raw).toEqual(ra.raw);
      expect(await client.getCaCaps()).toContain('SCEPStandard');
      const key = newKey();
      const subject = `CN=at-${path.replaceAll('/', ' ').trim()} ${isTls}`.replaceAll('_', '-');
      const certificate = issuedBy(await client.enroll({ key, subject, challenge: fleetPasscode }));
      expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    },
  );

  it('with a group, registers the device in it', async () => {
    const client = connect('fleet~valves');
    issuedBy(await client.enroll({ key: newKey(), subject: 'CN=grouped', challenge: fleetPasscode }));
    const devices = await test.gateway.core.store.devices.list({ limit: 1000 });
    expect(devices.find(({ name }) => name === 'grouped')).toMatchObject({ groupName: 'valves' });
  });

  const operations = ['GetCACaps', 'GetCACert', 'GetNextCACert', 'PKIOperation'];

  it.each(['nobody', 'est-only', 'fleet~nothing', '..%2ffleet', '%00'])('of label %s are 404', async (label) => {
    const message = await connect('fleet').makeRequest({ key: newKey(), challenge: fleetPasscode });
    const client = connect(label);
    for (const operation of operations) expect((await client.get(`operation=${operation}`)).status).toBe(404);
    expect((await client.pkiOperation(message)).status).toBe(404);
    expect((await client.pkiOperation(message, 'GET')).status).toBe(404);
  });

  it('of an unknown policy and of one without SCEP say so in a sentence', async () => {
    expectHttpRefusal(await connect('nobody').get('operation=GetCACert'), 404, 'policy');
    expectHttpRefusal(await connect('est-only').get('operation=GetCACert'), 404, 'not open to SCEP');
  });

  it.each(['', 'operation=', 'operation=Enroll', 'operation=GetCACert%00', 'x=GetCACert'])(
    'with query "%s" are 400, and name the operations',
    async (query) => {
      expectHttpRefusal(await connect('fleet').get(query), 400, 'GetCACaps, GetCACert, GetNextCACert or PKIOperation');
    },
  );
});
