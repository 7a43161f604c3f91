/** device-attest-01 on a real gateway (draft-ietf-acme-device-attest): a device by what its maker says of its key. */
import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attestationCa, deviceKey, packedAttestation, tpmAttestation } from '../../support/acme/attestation.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { permanentIdentifier } from '../../support/acme/device-names.js';
import { certificatesIn, proofOf } from '../../support/acme/flow.js';
import { base64url } from '../../support/acme/jws.js';
import { readAuthorization, readChallenge, readOrder } from '../../support/acme/objects.js';
import { createSoftwareTpm, softwareTpmTools } from '../../support/acme/software-tpm.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem } from '../../support/acme-refusals.js';
import { applyYaml, policyLike, yamlPem } from '../../support/fleet.js';
import { describeWith } from '../../support/interop.js';
import { privateKeyOf } from '../../support/make-chain.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { countRecords, eventsOf, recordOf } from '../../support/records.js';

const device = { type: 'permanent-identifier', value: 'SN-4711' };
const badCsr = { status: 400, type: 'badCSR', code: 'unacceptable-key' } as const;

let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  await applyYaml(fleet.test, devices);
  const own = 'authenticationPolicy: makers, profiles: [{ usage: operational, profile: attested }], methods: [acme]';
  const acme = 'acme: { challenges: [device-attest-01] }';
  await applyYaml(fleet.test, policyLike('devices', `${own}, keyGeneration: [device], ${acme}`));
});
afterAll(() => fleet.close());

const devices = `
profiles:
  - name: attested
    template: device
    subject: [{ attribute: commonName, source: device, field: name, required: true }]
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth]
    validity: 30d
authenticationPolicies:
  - name: makers
    division: plant
    credentials: [{ kind: authentication-ca, name: maker, certificate: ${yamlPem(attestationCa)} }]
`;

type Attest = (keyAuthorization: string) => Uint8Array | Promise<Uint8Array>;

/** Orders a certificate for the device, and answers its one challenge. */
async function attested(attest: Attest, identifier = device) {
  client = await fleet.clientWithAccount('devices');
  const made = await client.newOrder({ identifiers: [identifier] });
  const url = made.location ?? '';
  const order = readOrder(made);
  const authorization = readAuthorization(await client.fetch(order.authorizations[0] ?? ''));
  const [challenge, ...others] = authorization.challenges;
  expect({ type: challenge?.type, others }).toEqual({ type: 'device-attest-01', others: [] });
  if (challenge === undefined) throw new Error('there is no challenge');
  const attObj = base64url(await attest(proofOf(client, authorization, challenge).keyAuthorization));
  const answered = readChallenge(await client.respond(challenge.url, { attObj }));
  return { url, order: readOrder(await client.fetch(url)), challenge: answered };
}

/** The certificate for a request, with what is on record of it. */
async function certified(finalize: string, csr: Uint8Array) {
  const { certificate: url = '' } = readOrder(await client.finalize(finalize, csr));
  const [certificate] = certificatesIn(await client.fetch(url));
  if (certificate === undefined) throw new Error('there is no certificate');
  return { certificate, record: await recordOf(fleet.test, certificate) };
}

describe('A device', () => {
  it('gets a certificate for the key that its TPM attests, and for no other one', async () => {
    const { order } = await attested(tpmAttestation);
    expect(order.status).toBe('ready');
    await expectProblem(fleet, () => client.finalize(order.finalize, makeCsr({ key: newKey(), subject: '' })), badCsr);
    const key = { privateKey: deviceKey.privateKey, publicKey: deviceKey.publicKey };
    const { certificate, record } = await certified(order.finalize, makeCsr({ key, subject: '' }));
    expect(certificate.subject).toBe('CN=SN-4711');
    expect(certificate.checkPrivateKey(deviceKey.privateKey)).toBe(true);
    const { store } = fleet.test.gateway.core;
    expect(await store.devices.findById({ id: record.deviceId ?? '' })).toMatchObject({ name: 'SN-4711' });
  });

  it('gets one for the key of its attestation certificate (packed)', async () => {
    const { order } = await attested(packedAttestation);
    const privateKey = privateKeyOf('attestation key');
    const key = { privateKey, publicKey: createPublicKey(privateKey) };
    const { certificate } = await certified(order.finalize, makeCsr({ key, subject: '' }));
    expect(certificate.subject).toBe('CN=SN-4711');
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
  });

  it.each<[string, Attest]>([
    ['a statement for another challenge', () => tpmAttestation('another.thumbprint')],
    ['a statement without certificate', (of) => packedAttestation(of, { statement: { x5c: undefined } })],
    [
      'a certificate of an unknown maker',
      (of) => packedAttestation(of, { certificate: { issuer: 'CN=Nobody', signer: 'CN=Nobody' } }),
    ],
  ])('gets none by %s: the order is invalid', async (_, attest) => {
    const before = await countRecords(fleet.test);
    const { order, challenge } = await attested(attest);
    expect(challenge).toMatchObject({
      status: 'invalid',
      error: { type: 'urn:ietf:params:acme:error:badAttestationStatement' },
    });
    expect(order.status).toBe('invalid');
    expect(await countRecords(fleet.test)).toEqual(before);
    expect((await eventsOf(fleet.test, 'authorization.failed'))[0]?.content).toContain('device-attest-01');
  });

  it('may try again after octets that are no statement', async () => {
    client = await fleet.clientWithAccount('devices');
    const { authorizations } = readOrder(await client.newOrder({ identifiers: [device] }));
    const [challenge] = readAuthorization(await client.fetch(authorizations[0] ?? '')).challenges;
    const url = challenge?.url ?? '';
    const malformed = { status: 400, type: 'malformed', code: 'malformed-request' } as const;
    const attObj = base64url('no statement');
    await expectProblem(fleet, () => client.respond(url, { attObj }), malformed);
    await expectProblem(fleet, () => client.respond(url, {}), malformed);
    expect(readChallenge(await client.fetch(url)).status).toBe('pending');
  });

  it('gets none for the name of another one', async () => {
    const { order, challenge } = await attested(tpmAttestation, { ...device, value: 'SN-4712' });
    expect([order.status, challenge.status]).toEqual(['invalid', 'invalid']);
  });

  it('proves anew for each order: an attestation is of one key', async () => {
    await attested(tpmAttestation);
    expect(readOrder(await client.newOrder({ identifiers: [device] })).status).toBe('pending');
  });
});

describeWith([...softwareTpmTools], 'A device with a TPM (swtpm)', () => {
  it('gets a certificate by ACME for a key that does not leave it', async () => {
    const tpm = await createSoftwareTpm({ names: [[3, permanentIdentifier('SN-4711')]] });
    try {
      const { order } = await attested((keyAuthorization) => tpm.attest(keyAuthorization));
      const { certificate } = await certified(order.finalize, await tpm.csr({ subject: 'CN=SN-4711' }));
      expect(certificate.subject).toBe('CN=SN-4711');
      expect(Buffer.from(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toEqual(
        Buffer.from(tpm.publicKey),
      );
    } finally {
      await tpm.close();
    }
  });
});
