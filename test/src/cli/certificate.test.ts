import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateCommand } from '../../../src/cli/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { eventsOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function run(...words: string[]): Promise<string> {
  return runCommand(certificateCommand, test, words);
}

async function issue(name: string): Promise<X509Certificate> {
  return certificateOf(await est.post('simpleenroll', makeCsr({ subject: `CN=${name}`, key: newKey() })));
}

/** The certificate's entry on the CRL that is published now. */
async function entryOf({ serialNumber }: X509Certificate) {
  const crl = await test.gateway.core.store.crls.find({ issuerId: 'devices-1', partition: 0 });
  if (crl === undefined) throw new Error('there is no CRL');
  return decodeCertificateList(crl.der).revokedCertificates.find(
    (entry) => entry.serialNumber === serialNumber.toLowerCase(),
  );
}

async function statusOf({ serialNumber }: X509Certificate): Promise<string | undefined> {
  const { certificates } = test.gateway.core.store;
  return (await certificates.findByIssuerAndSerial('devices-1', serialNumber.toLowerCase()))?.status;
}

describe('gatehouse certificate', () => {
  it('revokes for a reason; the CRL has it when the command ends', async () => {
    const certificate = await issue('pump-1');
    const serial = certificate.serialNumber.toLowerCase();
    expect(await run('revoke', serial, '--reason', 'keyCompromise', '--invalid-since', '2026-01-31T12:00:00Z')).toBe(
      `revoked devices-1:${serial} (CN=pump-1), reason keyCompromise; it is on the CRL now`,
    );
    expect(await statusOf(certificate)).toBe('revoked');
    expect(await entryOf(certificate)).toMatchObject({
      reason: 'keyCompromise',
      invalidityDate: new Date('2026-01-31T12:00:00Z'),
    });
    const [event] = await eventsOf(test, 'certificate.revoked');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      subject: `devices-1:${serial}`,
      reason: 'keyCompromise',
      actor: expect.stringMatching(/^command line \(/),
    });
  });

  it('knows all reasons of RFC 5280 5.3.1 that end a certificate, and no other', async () => {
    const reasons = [
      'unspecified',
      'cACompromise',
      'affiliationChanged',
      'superseded',
      'cessationOfOperation',
      'privilegeWithdrawn',
      'aACompromise',
    ];
    for (const reason of reasons) {
      const certificate = await issue(`reason-${reason}`);
      await run('revoke', certificate.serialNumber, '--reason', reason);
      // RFC 5280 5.3.1: "unspecified" is said by saying nothing.
      expect((await entryOf(certificate))?.reason ?? 'unspecified').toBe(reason);
    }
    for (const reason of ['removeFromCRL', 'certificateHold', 'whatever']) {
      await expect(run('revoke', '01', '--reason', reason)).rejects.toThrow(/--reason/);
    }
  });

  it('holds and releases (certificateHold)', async () => {
    const certificate = await issue('pump-2');
    expect(await run('hold', certificate.serialNumber)).toContain('is on hold');
    expect(await statusOf(certificate)).toBe('held');
    expect(await entryOf(certificate)).toMatchObject({ reason: 'certificateHold' });
    expect(await run('release', certificate.serialNumber)).toContain('is valid again');
    expect(await statusOf(certificate)).toBe('valid');
    expect(await entryOf(certificate)).toBeUndefined();
    await expect(run('release', certificate.serialNumber)).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('takes serial numbers as tools print them', async () => {
    const certificate = await issue('pump-3');
    const pairs = certificate.serialNumber.match(/../g) ?? [];
    expect(await run('hold', `00:${pairs.join(':')}`)).toContain('(CN=pump-3)');
    expect(await run('revoke', `0x${certificate.serialNumber}`)).toContain('(CN=pump-3)');
  });

  it('takes the id that it prints for the serial number', async () => {
    const certificate = await issue('pump-6');
    const id = `devices-1:${certificate.serialNumber.toLowerCase()}`;
    expect(await run('hold', id)).toContain(`${id} (CN=pump-6) is on hold`);
    expect(await run('release', id, '--issuer', 'devices-1')).toContain(`${id} (CN=pump-6) is valid again`);
    await expect(run('revoke', id, '--issuer', 'root-1')).rejects.toThrow('is on record for devices-1');
    await expect(run('revoke', id.replace('devices-1', 'devices-2'))).rejects.toThrow('is on record for devices-2');
    expect(await statusOf(certificate)).toBe('valid');
  });

  it('refuses what is revoked already, unknown, or no serial number', async () => {
    const certificate = await issue('pump-4');
    await run('revoke', certificate.serialNumber);
    await expect(run('revoke', certificate.serialNumber)).rejects.toMatchObject({ code: 'already-revoked' });
    await expect(run('hold', certificate.serialNumber)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(run('revoke', '0badcafe')).rejects.toThrow(
      'no certificate with the serial number 0badcafe is on record',
    );
    await expect(run('revoke', 'pump-4')).rejects.toThrow('pump-4 is not a serial number in hex');
    await expect(run('revoke', certificate.serialNumber, '--invalid-since', 'soon')).rejects.toThrow(
      'soon is not a time',
    );
  });

  it('asks for the issuer where two CAs have the same serial number', async () => {
    const { store } = test.gateway.core;
    const { serialNumber } = await issue('pump-5');
    const record = await store.certificates.findByIssuerAndSerial('devices-1', serialNumber.toLowerCase());
    if (record === undefined) throw new Error('the certificate is not on record');
    const twin = store.certificates.insert({ ...record, issuerId: 'root-1', certificateFingerprint: 'another' });
    await store.commit({ statements: [twin], audit: [] });
    await expect(run('hold', serialNumber)).rejects.toThrow('add --issuer with one of devices-1, root-1');
    expect(await run('hold', serialNumber, '--issuer', 'devices-1')).toContain('devices-1:');
  });
});
