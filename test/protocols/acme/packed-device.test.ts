/** Devices that keep no TPM but a key and certificate of their maker's: attestation statements `packed`, end to end. */
import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  attestationCa,
  packedAttestation,
  type StatementOptions,
  tpmAttestation,
} from '../../support/acme/attestation.js';
import {
  alternativeNamesOf,
  answerWith,
  attestedBy,
  type DeviceFleet,
  keyOf,
  makersAccount,
  refusedAttestation,
  serial,
  serialName,
  startDeviceFleet,
} from '../../support/acme/device-fleet.js';
import { deviceAltName, permanentIdentifier } from '../../support/acme/device-names.js';
import { type Issued, issue, readyOrder } from '../../support/acme/flow.js';
import { readOrder, readProblem } from '../../support/acme/objects.js';
import { privateKeyOf } from '../../support/make-chain.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { eventsOf } from '../../support/records.js';

let fleet: DeviceFleet;
beforeAll(async () => {
  fleet = await startDeviceFleet();
});
afterAll(() => fleet.close());

const factoryKey = keyPair('factory key');
const attested = (options: StatementOptions = {}) =>
  attestedBy(({ keyAuthorization }) => packedAttestation(keyAuthorization, { signer: 'factory key', ...options }));
const csrBy = (key: KeyPair) => makeCsr({ key, subject: 'CN=SN-4711', alternatives: [serialName] });

function keyPair(name: string): KeyPair {
  const privateKey = privateKeyOf(name);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

async function issueSerial(options: StatementOptions = {}, policy = 'attested'): Promise<Issued> {
  const client = await fleet.account(policy, policy === 'attested-and-bound' ? makersAccount : undefined);
  return await issue(client, { identifiers: [serial], responders: attested(options), csr: csrBy(factoryKey) });
}

describe('ACME with a device that has a factory certificate (device-attest-01, packed)', () => {
  it.each(['attested', 'attested-and-bound'])(
    'certifies the key of the factory certificate (policy %s)',
    async (policy) => {
      const { certificate } = await issueSerial({}, policy);
      expect(certificate.subject).toBe('CN=SN-4711');
      expect(keyOf(certificate)).toEqual(Uint8Array.from(factoryKey.publicKey.export({ type: 'spki', format: 'der' })));
      expect(alternativeNamesOf(certificate)).toEqual(deviceAltName([3, permanentIdentifier('SN-4711')]).value);
    },
  );

  it('says in the audit log which device was attested, and by whose certificate', async () => {
    await issueSerial();
    const [event] = await eventsOf(fleet.test, 'authorization.validated');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ identifier: serial, attestedBy: 'maker' });
  });

  it('certifies no other key, and leaves the order ready for the right one', async () => {
    const client = await fleet.account();
    const { url, order } = await readyOrder(client, { identifiers: [serial], responders: attested() });
    expect(readProblem(await client.finalize(order.finalize, csrBy(newKey()))).type).toMatch(/:badCSR$/);
    expect(readOrder(await client.fetch(url)).status).toBe('ready');
    expect(readOrder(await client.finalize(order.finalize, csrBy(factoryKey))).status).toBe('valid');
  });

  it.each<[string, string, StatementOptions, string]>([
    ['self-attestation', 'attested', { statement: { x5c: undefined } }, 'self-attestation is not taken'],
    [
      'another maker than the policy trusts',
      'elsewhere',
      {},
      'does not chain to a CA that authenticates requests to this policy',
    ],
    [
      'a certificate that its maker has not signed',
      'attested',
      { certificate: { signer: 'nobody' } },
      'does not chain to a CA that authenticates requests to this policy',
    ],
    [
      'a certificate that is over',
      'attested',
      { certificate: { notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' } },
      'expired',
    ],
    [
      'a certificate of another device',
      'attested',
      { certificate: { subject: 'O=Maker,2.5.4.5=SN-9999' } },
      'does not say that the device is SN-4711',
    ],
    ['a signature by another key', 'attested', { certificate: { key: 'other key' } }, 'sig is no signature'],
  ])('refuses %s', async (_, policy, options, detail) => {
    const refused = await answerWith(await fleet.account(policy), serial, ({ keyAuthorization }) =>
      packedAttestation(keyAuthorization, { signer: 'factory key', ...options }),
    );
    expect(refused).toMatchObject(refusedAttestation(detail));
  });

  it('refuses the certificate that it has issued itself: it says nothing of where a key is', async () => {
    const { chain } = await issueSerial();
    const x5c = chain.map(({ raw }) => Uint8Array.from(raw));
    for (const path of [x5c, [...x5c, attestationCa]]) {
      const refused = await answerWith(await fleet.account(), serial, ({ keyAuthorization }) =>
        packedAttestation(keyAuthorization, { signer: 'factory key', statement: { x5c: path } }),
      );
      expect(refused).toMatchObject(refusedAttestation('by no authentication CA of the policy'));
    }
  });

  it('refuses that also as the one of an attestation key that certifies others, whatever its profile has in it', async () => {
    const { chain } = await issueSerial({}, 'careless');
    const x5c = chain.map(({ raw }) => Uint8Array.from(raw));
    const refused = await answerWith(await fleet.account('careless'), serial, ({ keyAuthorization }) =>
      tpmAttestation(keyAuthorization, { signer: 'factory key', statement: { x5c } }),
    );
    expect(refused).toMatchObject(refusedAttestation('by no authentication CA of the policy'));
  });
});
