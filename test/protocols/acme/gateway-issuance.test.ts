/** From newOrder to the certificate on a real gateway, with every challenge that the network answers. */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AcmeClient, identifierOf } from '../../support/acme/client.js';
import { csrFor, type IssueWish, issue, type Responders, readyOrder, txtRecord } from '../../support/acme/flow.js';
import { startHttpResponder } from '../../support/acme/http-responder.js';
import { readDirectory, readOrder } from '../../support/acme/objects.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import { makeTlsAlpnCertificate, startTlsAlpnResponder } from '../../support/acme/tls-alpn-responder.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem } from '../../support/acme-refusals.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { eventOf, eventsOf, recordOf } from '../../support/records.js';

const name = 'pump-1.plant.example';
const other = 'pump-2.plant.example';

let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  await placeNames(fleet, hostAddress, [name, other]);
});
afterAll(() => fleet.close());

/** Proves by one kind of challenge only, for an account of its own. */
async function issueBy(type: string, wish: Omit<IssueWish, 'responders'>, policy = 'web') {
  client = await fleet.clientWithAccount(policy);
  const responder = respondersOf(fleet)[type];
  return await issue(client, { ...wish, ...(responder && { responders: { [type]: responder } }) });
}

describe('An order is fulfilled (RFC 8555 7.4) when its identifier is proved', () => {
  it.each(['http-01', 'tls-alpn-01', 'dns-01'])('by %s', async (type) => {
    const { certificate, chain, key, url } = await issueBy(type, { identifiers: [name] });
    expect(certificate.subjectAltName).toBe(`DNS:${name}`);
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    const record = await recordOf(fleet.test, certificate);
    const account = client.account?.split('/').at(-1);
    expect(record).toMatchObject({
      protocol: 'acme',
      policy: 'web',
      profile: 'host',
      usage: 'operational',
      status: 'valid',
      requester: `acme-account:${account}`,
    });
    expect(await eventOf(fleet.test, record)).toMatchObject({ action: 'certificate.issued', subject: record.id });
    const [validated] = await eventsOf(fleet.test, 'authorization.validated');
    expect(validated?.content).toContain(`"challenge":"${type}"`);
    expect(validated?.content).toContain(`"account":"${account}"`);
    expect(readOrder(await client.fetch(url))).toMatchObject({ status: 'valid', identifiers: [identifierOf(name)] });
    expect(verifies(chain)).toBe(true);
  });

  it.each(['http-01', 'tls-alpn-01'])('an address by %s (RFC 8738)', async (type) => {
    const { certificate } = await issueBy(type, { identifiers: [{ type: 'ip', value: hostAddress }] });
    expect(certificate.subjectAltName).toBe(`IP Address:${hostAddress}`);
  });

  it('a wildcard and the name below it by dns-01, each with a record of its own (8.4)', async () => {
    const identifiers = ['*.plant.example', 'plant.example'];
    const { certificate, order } = await issueBy('dns-01', { identifiers });
    expect(certificate.subjectAltName).toBe('DNS:*.plant.example, DNS:plant.example');
    const [wildcard, plain] = await Promise.all(
      order.authorizations.map(async (url) => (await client.fetch(url)).json),
    );
    expect(wildcard).toMatchObject({ identifier: { type: 'dns', value: 'plant.example' }, wildcard: true });
    expect(plain).not.toHaveProperty('wildcard');
  });

  it('by dns-01 where an alias leads to (8.4)', async () => {
    client = await fleet.clientWithAccount();
    fleet.dns.set('_acme-challenge.alias.plant.example', [{ type: 'CNAME', target: 'proofs.example' }]);
    const responders: Responders = {
      'dns-01': (proof) => fleet.dns.set('proofs.example', [{ type: 'TXT', strings: [txtRecord(proof).value] }]),
    };
    const { certificate } = await issue(client, { identifiers: ['alias.plant.example'], responders });
    expect(certificate.subjectAltName).toBe('DNS:alias.plant.example');
  });

  it('of several kinds together, in whatever way each is proved', async () => {
    client = await fleet.clientWithAccount();
    const identifiers = [name, other, '*.valves.plant.example', { type: 'ip', value: hostAddress }];
    const { certificate } = await issue(client, { identifiers, responders: respondersOf(fleet), key: rsaKey });
    expect(certificate.subjectAltName).toBe(
      `DNS:${name}, DNS:${other}, DNS:*.valves.plant.example, IP Address:${hostAddress}`,
    );
    expect(certificate.publicKey.asymmetricKeyType).toBe('rsa');
  });
});

describe('Over IPv6', () => {
  it.each(['http-01', 'tls-alpn-01'])('addresses and names are proved by %s (RFC 8738)', async (type) => {
    const http = await startHttpResponder('::1');
    const tls = await startTlsAlpnResponder({ host: '::1' });
    const ports = `httpPort: ${http.port}, tlsPort: ${tls.port}`;
    const policy = `six-${type.slice(0, 3)}`;
    await applyYaml(
      fleet.test,
      acmePolicy(policy, [ports, `resolvers: ["${fleet.dns.resolver}"]`, 'allowedNetworks: ["::1"]']),
    );
    fleet.dns.set('six.plant.example', [{ type: 'AAAA', address: '::1' }]);
    client = await fleet.clientWithAccount(policy);
    const responders: Responders = {
      [type]: ({ identifier, token, keyAuthorization }) => {
        http.put(token, keyAuthorization);
        const isName = identifier.type === 'dns';
        const subject = isName ? 'dns:six.plant.example' : `ip:${'0'.repeat(31)}1`;
        const serverName = isName ? identifier.value : `1.${'0.'.repeat(31)}ip6.arpa`;
        tls.put(serverName, makeTlsAlpnCertificate([subject], keyAuthorization));
      },
    };
    const identifiers = ['six.plant.example', { type: 'ip', value: '::1' }];
    const { certificate } = await issue(client, { identifiers, responders });
    expect(certificate.subjectAltName).toBe('DNS:six.plant.example, IP Address:0:0:0:0:0:0:0:1');
    if (type === 'http-01') expect(http.requests().map(hostOf)).toEqual(['six.plant.example', '[::1]']);
    await Promise.all([http.close(), tls.close()]);
  });
});

describe('An order may say', () => {
  it('from when until when its certificate is to be valid (RFC 8555 7.1.3), as far as the profile goes along', async () => {
    const day = 86_400_000;
    const [notBefore, notAfter] = [1, 30].map((days) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * day));
    const times = { notBefore: notBefore?.toISOString(), notAfter: notAfter?.toISOString() };
    const { certificate, order } = await issueBy('http-01', { identifiers: [name], order: times });
    expect(order).toMatchObject(times);
    expect(new Date(certificate.validFrom)).toEqual(notBefore);
    expect(new Date(certificate.validTo)).toEqual(notAfter);
  });

  it('of which profile it is to be (draft-ietf-acme-profiles), and no other one', async () => {
    await applyYaml(fleet.test, profiles);
    const { meta } = readDirectory(await fleet.client('choice').send(fleet.directoryOf('choice')));
    expect(meta?.profiles).toEqual({ host: 'Hosts and devices that serve TLS', short: 'For a week' });
    const short = await issueBy('http-01', { identifiers: [name], order: { profile: 'short' } }, 'choice');
    expect(short.order.profile).toBe('short');
    expect(await recordOf(fleet.test, short.certificate)).toMatchObject({ profile: 'short', policy: 'choice' });
    expect(daysOf(short.certificate)).toBe(7);
    const usual = await issueBy('http-01', { identifiers: [name] }, 'choice');
    // The server tells what it has chosen for who does not choose.
    expect(usual.order.profile).toBe('host');
    expect(await recordOf(fleet.test, usual.certificate)).toMatchObject({ profile: 'host' });
    const refusal = { status: 400, type: 'invalidProfile', code: 'rejected-profile' } as const;
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name], profile: 'device' }), refusal);
  });

  const profiles = `
profiles:
  - name: short
    description: For a week
    template: host
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames: [{ type: dns, source: request, maximum: 10 }]
    otherExtensions: ignore
    keyUsages: [digitalSignature]
    extendedKeyUsages: [serverAuth]
    validity: 7d
    renewal: { grace: 1d }
`;
  beforeAll(async () => {
    const two = 'profiles: [{ usage: bootstrap, profile: host }, { usage: operational, profile: short }]';
    await applyYaml(fleet.test, profiles);
    const own = `authenticationPolicy: hosts, ${two}, methods: [acme], keyGeneration: [device]`;
    await applyYaml(fleet.test, policyLike('choice', `${own}, acme: { ${fleet.validation} }`));
  });
});

describe('A certificate (RFC 8555 7.4.2)', () => {
  it('is that of the order however often it is finalized', async () => {
    client = await fleet.clientWithAccount();
    const { url, order } = await readyOrder(client, { identifiers: [name], responders: respondersOf(fleet) });
    const csr = csrFor([name], newKey());
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.finalize(order.finalize, csr)));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    const account = `acme-account:${client.account?.split('/').at(-1)}`;
    const issued = await fleet.test.gateway.core.store.certificates.list({ policy: 'web', limit: 10_000 });
    expect(issued.filter(({ requester }) => requester === account)).toHaveLength(1);
    expect(readOrder(await client.fetch(url)).status).toBe('valid');
  });

  it('is for nobody but its account, and found by POST-as-GET only (6.3)', async () => {
    const { order } = await issueBy('http-01', { identifiers: [name] });
    const url = order.certificate ?? '';
    const stranger = await fleet.clientWithAccount();
    const unknown = { status: 404, type: 'malformed', code: 'not-found' } as const;
    await expectProblem(fleet, () => stranger.fetch(url), unknown);
    expect((await client.send(url)).status).toBe(405);
  });
});

function hostOf(request: string): string {
  return request.replace(/(?::\d+)?\/.*$/, '');
}

function daysOf({ validFrom, validTo }: X509Certificate): number {
  return Math.round((Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000);
}

/** By openssl, with the root that the gateway has. */
function verifies(chain: readonly X509Certificate[]): boolean {
  const [root] = fleet.test.gateway.core.authority.chain('root-1');
  const ders = chain.map(({ raw }) => new Uint8Array(raw));
  return opensslAccepts([root ?? new Uint8Array(), ...ders.toReversed()], ['-x509_strict']);
}
