/** A fleet's device with a TPM gets its certificate by ACME: from the attestation of its key to what openssl says of it. */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { AcmeClient } from '../support/acme/client.js';
import {
  alternativeNamesOf,
  answerWith,
  attestedBy,
  type DeviceFleet,
  hardware,
  hardwareName,
  keyOf,
  makersAccount,
  refusedAttestation,
  serial,
  serialName,
  startDeviceFleet,
} from '../support/acme/device-fleet.js';
import { deviceAltName, hardwareModuleName, permanentIdentifier } from '../support/acme/device-names.js';
import { issue, proofOf, readyOrder } from '../support/acme/flow.js';
import { readOrder, readProblem } from '../support/acme/objects.js';
import { renewalName } from '../support/acme/renewal-name.js';
import { createSoftwareTpm, type SoftwareTpm, softwareTpmTools } from '../support/acme/software-tpm.js';
import { describeWith, openShell } from '../support/interop.js';
import { makeCsr, newKey } from '../support/make-csr.js';
import { clientTimeout } from './acme-shell.js';

jest.setTimeout(clientTimeout);

const names = [
  [3, permanentIdentifier('SN-4711')],
  [4, hardwareModuleName('a1b2')],
] as const;

describeWith([...softwareTpmTools, 'openssl'], 'ACME with a device that has a TPM (device-attest-01)', () => {
  let fleet: DeviceFleet;
  let tpm: SoftwareTpm;
  beforeAll(async () => {
    [fleet, tpm] = await Promise.all([startDeviceFleet(), createSoftwareTpm({ names })]);
  });
  afterAll(async () => {
    await tpm.close();
    await fleet.close();
  });

  let attestations = 0;
  const byTpm = attestedBy(({ keyAuthorization }) => {
    attestations++;
    return tpm.attest(keyAuthorization);
  });

  async function issueSerial(client: AcmeClient, order: Readonly<Record<string, unknown>> = {}) {
    const csr = await tpm.csr({ subject: 'CN=SN-4711', alternatives: [serialName] });
    return await issue(client, { identifiers: [serial], responders: byTpm, csr, order });
  }

  it.each([
    ['for its attestation', 'attested', undefined],
    ['for its attestation and an external account, where the policy wants both', 'attested-and-bound', makersAccount],
  ])('gets a certificate %s', async (_, policy, external) => {
    const { certificate, chain } = await issueSerial(await fleet.account(policy, external));
    expect(certificate.subject).toBe('CN=SN-4711');
    expect(alternativeNamesOf(certificate)).toEqual(deviceAltName(names[0]).value);
    expect(keyOf(certificate)).toEqual(tpm.publicKey);
    const said = await verify(chain);
    expect(said).toMatch(/: OK$/m);
    expect(said).toMatch(/TLS Web Client Authentication$/m);
  });

  it('gets one by the name of its hardware module', async () => {
    // A key is certified for one subject only, so that this device has another.
    const module = await createSoftwareTpm({ names });
    try {
      const csr = await module.csr({ subject: '', alternatives: [hardwareName] });
      const responders = attestedBy(({ keyAuthorization }) => module.attest(keyAuthorization));
      const { certificate } = await issue(await fleet.account(), { identifiers: [hardware], responders, csr });
      expect(alternativeNamesOf(certificate)).toEqual(deviceAltName(names[1]).value);
      expect(keyOf(certificate)).toEqual(module.publicKey);
    } finally {
      await module.close();
    }
  });

  it('gets one by both names, of which each is attested', async () => {
    const csr = await tpm.csr({ subject: '', alternatives: [serialName, hardwareName] });
    const wish = { identifiers: [serial, hardware], responders: byTpm, csr };
    const { certificate } = await issue(await fleet.account(), wish);
    expect(alternativeNamesOf(certificate)).toEqual(deviceAltName(...names).value);
  });

  it('is named in its certificate as the profile says, and in no other way', async () => {
    const client = await fleet.account('nameless');
    const csr = await tpm.csr({ subject: 'CN=SN-4711' });
    const { certificate } = await issue(client, { identifiers: [serial], responders: byTpm, csr });
    expect(certificate.subject).toBe('CN=SN-4711');
    expect(certificate.subjectAltName).toBeUndefined();
    const { url, order } = await readyOrder(client, { identifiers: [serial], responders: byTpm });
    const named = await tpm.csr({ subject: 'CN=SN-4711', alternatives: [serialName] });
    expect(readProblem(await client.finalize(order.finalize, named)).type).toMatch(/:badCSR$/);
    expect(readOrder(await client.fetch(url)).status).toBe('ready');
  });

  it('renews with the same key, for which it attests anew', async () => {
    const client = await fleet.account();
    const first = await issueSerial(client);
    const before = attestations;
    const second = await issueSerial(client, { replaces: renewalName(first.certificate) });
    expect(attestations).toBe(before + 1);
    expect(keyOf(second.certificate)).toEqual(keyOf(first.certificate));
    expect(second.certificate.serialNumber).not.toBe(first.certificate.serialNumber);
  });

  it('gets none for another key than the attested one', async () => {
    const client = await fleet.account();
    const { url, order } = await readyOrder(client, { identifiers: [serial], responders: byTpm });
    const csr = makeCsr({ key: newKey(), subject: 'CN=SN-4711', alternatives: [serialName] });
    expect(readProblem(await client.finalize(order.finalize, csr))).toMatchObject({
      type: 'urn:ietf:params:acme:error:badCSR',
      detail: 'the key of the request is not the one that was attested',
    });
    const { status, certificate } = readOrder(await client.fetch(url));
    expect({ status, certificate }).toEqual({ status: 'ready', certificate: undefined });
  });

  it('is refused for a name that the certificate of its attestation key does not have', async () => {
    const other = { ...serial, value: 'SN-9999' };
    const refused = await answerWith(await fleet.account(), other, ({ keyAuthorization }) =>
      tpm.attest(keyAuthorization),
    );
    expect(refused).toMatchObject(refusedAttestation('does not say that the device is SN-9999'));
  });

  it('is refused with a statement that was made for another account', async () => {
    const [client, other] = [await fleet.account(), await fleet.account()];
    const refused = await answerWith(client, serial, ({ identifier, token }) => {
      const challenge = { type: 'device-attest-01', url: '', status: 'pending', token } as const;
      const { keyAuthorization } = proofOf(
        other,
        { identifier, status: 'pending', challenges: [challenge] },
        challenge,
      );
      return tpm.attest(keyAuthorization);
    });
    expect(refused).toMatchObject(refusedAttestation('extraData in certInfo is not the hash of the key authorization'));
  });

  it('is refused with a statement that it has sent before', async () => {
    const client = await fleet.account();
    let sent: Uint8Array = new Uint8Array();
    await answerWith(client, serial, async ({ keyAuthorization }) => {
      sent = await tpm.attest(keyAuthorization);
      return sent;
    });
    expect(await answerWith(client, serial, () => sent)).toMatchObject(
      refusedAttestation('extraData in certInfo is not the hash'),
    );
  });

  it('is refused where its maker is not trusted', async () => {
    const refused = await answerWith(await fleet.account('elsewhere'), serial, ({ keyAuthorization }) =>
      tpm.attest(keyAuthorization),
    );
    expect(refused).toMatchObject(
      refusedAttestation('does not chain to a CA that authenticates requests to this policy'),
    );
  });

  /** What openssl says of a path. */
  async function verify(chain: readonly X509Certificate[]): Promise<string> {
    const shell = openShell();
    try {
      shell.write('chain.pem', chain.join(''));
      shell.write('root.pem', await fleet.issuingRoot());
      return await shell.succeed(
        'openssl verify -purpose sslclient -CAfile root.pem -untrusted chain.pem chain.pem',
        'openssl x509 -in chain.pem -noout -text',
      );
    } finally {
      shell.remove();
    }
  }
});
