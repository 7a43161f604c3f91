/** Certificates whose path is not good (RFC 5280 6.1), at every door: what comes back, what is on record, and that nothing is issued. */
import type { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeAuthority } from '../../src/authorities/revoke.js';
import { createReportCertificates } from '../../src/enrollment/report-certificates.js';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import { watchCrl } from '../../src/unmanaged-cas/watch.js';
import { watchCrls } from '../../src/unmanaged-cas/watch-crls.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { packedAttestation } from '../support/acme/attestation.js';
import { answerWith, refusedAttestation, serial } from '../support/acme/device-fleet.js';
import { type AcmeFleet, startAcmeFleet } from '../support/acme-fleet.js';
import type { CmpClient } from '../support/cmp/client.js';
import { createCmpClient } from '../support/cmp-client.js';
import { signedBy } from '../support/cmp-fleet.js';
import { expectRejected } from '../support/cmp-refusals.js';
import {
  type Answer,
  certificateOf,
  createEstClient,
  type EstClient,
  type TlsIdentity,
} from '../support/est-client.js';
import { applyYaml, fleetPasscode, policyLike, yamlPem } from '../support/fleet.js';
import { crlBy, keyOf } from '../support/gateway-fleet.js';
import {
  basicConstraints,
  ca,
  extendedKeyUsage,
  keyUsage,
  makeCertificate,
  makeChain,
  nameConstraints,
  privateKeyOf,
  subjectAltName,
  type TestCertificate,
} from '../support/make-chain.js';
import { type KeyPair, makeCsr, newKey } from '../support/make-csr.js';
import { operator } from '../support/operator.js';
import { countRecords, eventsOf, expectRefused, recordOf } from '../support/records.js';
import { createRestClient, csrPem, expectProblem, issuedOf, type RestClient } from '../support/rest-client.js';
import { createScepClient, issuedBy, type ScepClient } from '../support/scep-client.js';
import { expectFailure } from '../support/scep-refusals.js';
import type { TestGateway } from '../support/test-gateway.js';

const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const deviceKey = 'attestation key';
/** As every door takes it: TLS clients, signers of messages, attestations of the format `packed`. */
const device: TestCertificate = {
  subject: 'O=Maker,2.5.4.5=SN-4711',
  key: deviceKey,
  extensions: [basicConstraints(false), keyUsage('digitalSignature'), extendedKeyUsage(clientAuth)],
};
const deviceWith = (...more: NonNullable<TestCertificate['extensions']>): TestCertificate => {
  const kept = (device.extensions ?? []).filter(({ id }) => more.every((given) => given.id !== id));
  return { ...device, extensions: [...kept, ...more] };
};
const root = ca('O=Maker,CN=Root');
const line = ca('O=Maker,CN=Line', basicConstraints(true, 0));
const [maker = new Uint8Array()] = makeChain([root]);

/** A device of the maker below these CAs. */
function below(...specs: readonly TestCertificate[]): TlsIdentity {
  const [first, ...others] = specs;
  const chain = makeChain([{ ...root, ...first, issuer: root.subject, signer: root.subject }, ...others]);
  return { chain: chain.toReversed(), privateKey: privateKeyOf(deviceKey) };
}

let acme: AcmeFleet;
let test: TestGateway;
const clients: (EstClient | RestClient | CmpClient | ScepClient)[] = [];
const open = <Client extends (typeof clients)[number]>(client: Client): Client => {
  clients.push(client);
  return client;
};

const hierarchy = `
certificateAuthorities:
  - { name: doomed, parent: root, subject: "CN=Doomed,O=Plant", key: ec-p256, validity: 10y, pathLength: 0 }
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
profiles:
  - name: gateway
    template: basic-intermediate-ca
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyCertSign, cRLSign]
    pathLength: 0
    validity: 1y
${policyLike('gateways', 'issuingCa: gateways, keyGeneration: [device], profiles: [{ usage: intermediate, profile: gateway }]')}`;

const doors = (gateways: Uint8Array): string => `
profiles:
  - name: attested
    template: device
    subject: [{ attribute: commonName, source: device, field: name, required: true }]
    keyUsages: [digitalSignature]
    validity: 30d
authenticationPolicies:
  - name: makers
    division: plant
    credentials:
      - { kind: passcode, name: first, secret: ${fleetPasscode} }
      - { kind: authentication-ca, name: maker, certificate: ${yamlPem(maker)} }
      - { kind: authentication-ca, name: gateways, certificate: ${yamlPem(gateways)} }
policies:
  - { name: doors, division: plant, authenticationPolicy: makers, profiles: [{ usage: operational, profile: device }], issuingCa: doomed, methods: [est, scep, cmp, rest], keyGeneration: [device], defaultGroup: pumps }
  - { name: attested, division: plant, authenticationPolicy: makers, profiles: [{ usage: operational, profile: attested }], issuingCa: devices, methods: [acme], keyGeneration: [device], defaultGroup: pumps, acme: { challenges: [device-attest-01] } }
`;

beforeAll(async () => {
  acme = await startAcmeFleet();
  test = acme.test;
  await applyYaml(test, hierarchy);
  const { authority } = test.gateway.core;
  const gateways = authority.generation(authority.issuer('gateways').id)?.certificate.der ?? new Uint8Array();
  await applyYaml(test, doors(gateways));
  const [branch, other] = [await makeBranch('branch', gateways), await makeBranch('other', gateways)];
  identities.set('revoked', branch.identity);
  const { issuerId, serialNumber } = await recordOf(test, branch.certificate);
  const revocation = { issuerId, serialNumber, reason: 'keyCompromise', actor: operator('test') } as const;
  await revokeCertificate(revocation, test.gateway.core);
  identities.set('crl', other.identity);
  await revokeByCrl('other', other.certificate, other.own);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await acme.close();
});

const identities = new Map<string, TlsIdentity>();

/** A gateway's CA that was issued here, and a device below it. */
async function makeBranch(name: string, gateways: Uint8Array) {
  const est = open(createEstClient(test, { label: 'gateways', passcode: fleetPasscode }));
  const certificate = certificateOf(
    await est.post('simpleenroll', makeCsr({ subject: `CN=${name}`, key: keyOf(name) })),
  );
  const own = makeCertificate({ ...device, issuer: `CN=${name}`, signer: name });
  const identity = { chain: [own, certificate.raw, gateways], privateKey: privateKeyOf(deviceKey) };
  return { certificate, own, identity };
}

/** What a gateway's CA has issued, and revoked by a CRL that is watched. */
async function revokeByCrl(issuer: string, certificate: X509Certificate, own: Uint8Array): Promise<void> {
  const { core } = test.gateway;
  const { id: certificateId } = await recordOf(test, certificate);
  const { id = '' } = (await core.store.unmanagedCas.findByCertificate({ certificateId })) ?? {};
  await createReportCertificates(core)({
    unmanagedCa: id,
    clientCertificate: certificate.raw,
    content: () => ({ certificates: [own], revoked: [] }),
    remoteAddress: '192.0.2.1',
    requestId: 'report',
  });
  const thisUpdate = core.clock.now();
  const { serialNumber } = decodeCertificate(own);
  const crl = crlBy(issuer, {
    thisUpdate,
    entries: [{ serialNumber, revokedAt: thisUpdate, reason: 'keyCompromise' }],
  });
  const server = createServer((_, response) => response.end(crl));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  await watchCrl(id, 'everywhere', { url, actor: operator('test') }, core);
  await watchCrls(core, { allowed: ['127.0.0.0/8'], denied: [] });
  server.close();
}

identities.set('good', below(line, device));
identities.set('expired', below({ ...line, notAfter: '2026-02-01T00:00:00Z' }, device));
identities.set('key-purpose', below(line, deviceWith(extendedKeyUsage(serverAuth))));
identities.set('path-length', below(line, ca('O=Maker,CN=Too deep'), device));
identities.set(
  'name-constraints',
  below(
    ca('O=Maker,CN=Line', nameConstraints({ permitted: ['dns:maker.example'] })),
    deviceWith(subjectAltName('dns:other.example')),
  ),
);

const identityOf = (code: string): TlsIdentity => {
  const identity = identities.get(code);
  if (identity === undefined) throw new Error(`no path that is ${code}`);
  return identity;
};

/** What the audit log says of each, beside what the client hears. */
const badPaths: readonly (readonly [what: string, code: string, detail: string, identity?: string])[] = [
  ['an expired CA above it', 'expired', 'CN=Line,O=Maker was valid until'],
  ['another purpose', 'key-purpose', 'is not for the purpose'],
  ['more CAs above it than one of them allows', 'path-length', 'CN=Too deep,O=Maker makes the path too long'],
  ['a name that a CA above it does not permit', 'name-constraints', 'is in no permitted subtree'],
  ['a revoked CA above it', 'revoked', 'CN=branch is revoked'],
  ["an entry on the CRL of the gateway's CA above it", 'revoked', 'serialNumber=SN-4711,O=Maker is revoked', 'crl'],
];
const said = (code: string) => (code === 'expired' ? 'has expired' : 'does not chain to a CA');

interface Door {
  readonly name: string;
  readonly accepts: (identity: TlsIdentity) => Promise<void>;
  /** Expects the door's own form of a refusal, its audit event included. */
  readonly refuses: (identity: TlsIdentity, says: string) => Promise<void>;
}

let names = 0;
const nextName = () => `CN=door-${++names}`;

function enrollByEst(identity: TlsIdentity): Promise<Answer> {
  const est = open(createEstClient(test, { label: 'doors', identity }));
  return est.post('simpleenroll', makeCsr({ subject: nextName(), key: newKey() }));
}

function enrollByRest(identity: TlsIdentity): Promise<Answer> {
  const rest = open(createRestClient(test, { label: 'doors', identity }));
  return rest.post('', { csr: csrPem({ subject: nextName(), key: newKey() }) });
}

const cmp = () => open(createCmpClient(test, { label: 'doors' }));
const scep = () => open(createScepClient(test, { label: 'doors' }));

const attest = async ({ chain }: TlsIdentity) => {
  const client = await acme.clientWithAccount('attested');
  return await answerWith(client, serial, ({ keyAuthorization }) =>
    packedAttestation(keyAuthorization, { statement: { x5c: [...chain] } }),
  );
};

const untrusted = { status: 403, code: 'untrusted-signer' } as const;
const allDoors: readonly Door[] = [
  {
    name: 'EST, as TLS client certificate',
    accepts: async (identity) => void certificateOf(await enrollByEst(identity)),
    refuses: async (identity, says) => expectRefused(test, await enrollByEst(identity), { ...untrusted, says }),
  },
  {
    name: 'REST, as TLS client certificate',
    accepts: async (identity) => void issuedOf(await enrollByRest(identity)),
    refuses: async (identity, says) => expectProblem(test, await enrollByRest(identity), { ...untrusted, says }),
  },
  {
    name: 'CMP, as signer of a message',
    accepts: async (identity) => {
      const outcome = await cmp().ir({ key: newKey(), subject: nextName(), credential: signedBy(identity) });
      expect(outcome.pkiStatus).toBe('accepted');
    },
    refuses: async (identity, says) => {
      const send = () => cmp().ir({ key: newKey(), subject: nextName(), credential: signedBy(identity) });
      await expectRejected(test, send, { failInfo: 'signerNotTrusted', code: 'untrusted-signer', says });
    },
  },
  {
    name: 'SCEP, as signer of a RenewalReq',
    accepts: async (identity) => void issuedBy(await scep().renew({ key: newKey(), subject: nextName(), identity })),
    refuses: async (identity, says) => {
      const outcome = await scep().renew({ key: newKey(), subject: nextName(), identity });
      await expectFailure(test, outcome, { failInfo: 'badMessageCheck', code: 'untrusted-signer', says });
    },
  },
  {
    name: 'ACME, as signer of an attestation',
    accepts: async (identity) => expect((await attest(identity)).order.status).toBe('ready'),
    refuses: async (identity, says) => expect(await attest(identity)).toMatchObject(refusedAttestation(says)),
  },
];

describe.each(allDoors)('$name', ({ accepts, refuses }) => {
  it('a certificate below an intermediate CA is taken', async () => {
    await accepts(identityOf('good'));
  });

  it.each(badPaths)(
    'a certificate with %s is refused (%s), and nothing is issued',
    async (_, code, detail, identity = code) => {
      const before = await countRecords(test);
      await refuses(identityOf(identity), said(code));
      const [latest] = await eventsOf(test, 'request.refused');
      const content = JSON.parse(latest?.content ?? '{}');
      expect(content).toMatchObject({ code: 'untrusted-signer', reason: expect.stringContaining(`(${code}: `) });
      expect(content.reason).toContain(detail);
      expect(await countRecords(test)).toEqual(before);
    },
  );
});

interface IssuedDevice {
  readonly subject: string;
  readonly key: KeyPair;
  readonly identity: TlsIdentity;
}

describe('A certificate that was issued here', () => {
  let known: IssuedDevice;
  /** It has asked for the CA's certificates before that was revoked. */
  let renewing: ScepClient;

  async function enrolled(): Promise<IssuedDevice> {
    const [subject, key] = [nextName(), newKey()];
    const est = open(createEstClient(test, { label: 'doors', passcode: fleetPasscode }));
    const certificate = certificateOf(await est.post('simpleenroll', makeCsr({ subject, key })));
    const { authority } = test.gateway.core;
    const chain = [certificate.raw, ...authority.chain(authority.issuer('doomed').id)];
    return { subject, key, identity: { chain, privateKey: key.privateKey } };
  }

  const reenroll = ({ subject, identity }: IssuedDevice) =>
    open(createEstClient(test, { label: 'doors', identity })).post(
      'simplereenroll',
      makeCsr({ subject, key: newKey() }),
    );
  const renewByRest = ({ subject, identity }: IssuedDevice) =>
    open(createRestClient(test, { label: 'doors', identity })).post('/renew', {
      csr: csrPem({ subject, key: newKey() }),
    });
  const update = ({ subject, identity }: IssuedDevice) =>
    cmp().kur({ key: newKey(), subject, credential: signedBy(identity) });
  const renewByScep = ({ subject, identity }: IssuedDevice) => renewing.renew({ key: newKey(), subject, identity });

  beforeAll(async () => {
    known = await enrolled();
    renewing = scep();
    issuedBy(await renewByScep(await enrolled()));
  });

  it('renews itself at every door', async () => {
    certificateOf(await reenroll(await enrolled()));
    issuedOf(await renewByRest(await enrolled()));
    expect((await update(await enrolled())).pkiStatus).toBe('accepted');
    issuedBy(await renewByScep(await enrolled()));
  });

  it('opens no door once its CA is revoked, and nothing is issued', async () => {
    const { core } = test.gateway;
    await revokeAuthority({ generation: 'doomed', reason: 'cACompromise', actor: operator('test') }, core);
    const before = await countRecords(test);
    const says = 'a CA above the client certificate is revoked';
    const refused = { status: 403, code: 'revoked-requester', says } as const;
    await expectRefused(test, await reenroll(known), refused);
    await expectRefused(test, await enrollByEst(known.identity), refused);
    await expectProblem(test, await renewByRest(known), refused);
    await expectRejected(test, () => update(known), { failInfo: 'certRevoked', code: 'revoked-requester', says });
    const scepOutcome = await renewByScep(known);
    await expectFailure(test, scepOutcome, { failInfo: 'badRequest', code: 'revoked-requester', says });
    for (const { content } of (await eventsOf(test, 'request.refused')).slice(0, 5)) {
      expect(JSON.parse(content)).toMatchObject({ reason: `${says} (revoked: the CA doomed-1 is revoked)` });
    }
    expect(await attest(known.identity)).toMatchObject(refusedAttestation('certificate'));
    expect(await countRecords(test)).toEqual(before);
  });
});
