import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { CertificateRevocationList } from 'pkijs';
import { finalReasons } from '../../../src/enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import { expectRevocationsToFollow } from '../../support/crls.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { operator } from '../../support/operator.js';
import { eventsOf, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('replace', 'duplicates: revoke-previous'));
  await applyYaml(
    test,
    'certificateAuthorities: [{ name: devices, parent: root, subject: "CN=Devices,O=Plant", key: ec-p256, validity: 10y, pathLength: 0, crl: { publishWithin: 2s } }]',
  );
  est = createEstClient(test, { label: 'replace', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

let devices = 0;
async function issue(commonName = `revoked-${++devices}`): Promise<X509Certificate> {
  return certificateOf(await est.post('simpleenroll', makeCsr({ key: newKey(), subject: `CN=${commonName}` })));
}

async function name(certificate: X509Certificate) {
  const { issuerId, serialNumber } = await recordOf(test, certificate);
  return { issuerId, serialNumber, actor: operator('test') };
}

/** The URL that a certificate names, as another library reads it. */
function urlIn(certificate: X509Certificate, pattern: RegExp): string {
  return pattern.exec(certificate.raw.toString('latin1'))?.[0] ?? '';
}

/** Serial numbers, lower-case hex, with their reasons, on the CRL that is served now. */
async function served(certificate: X509Certificate): Promise<Map<string, number | undefined>> {
  const answer = await fetch(urlIn(certificate, /http:\/\/localhost:\d+\/crl\/[\w./-]+?\.crl/));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pkix-crl']);
  const crl = new CertificateRevocationList({ schema: fromBER(await answer.arrayBuffer()).result });
  return new Map(
    (crl.revokedCertificates ?? []).map(({ userCertificate, crlEntryExtensions }) => {
      const serial = Buffer.from(userCertificate.valueBlock.valueHexView).toString('hex').replace(/^00/, '');
      const reason = crlEntryExtensions?.extensions.find(({ extnID }) => extnID === '2.5.29.21');
      return [serial, reason && Buffer.from(reason.extnValue.valueBlock.valueHexView).at(-1)];
    }),
  );
}

async function eventually(look: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 80; i++) {
    if (await look()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

const serialOf = ({ serialNumber }: X509Certificate) => serialNumber.toLowerCase();

describe('revocation', () => {
  const codes = {
    unspecified: undefined,
    keyCompromise: 1,
    cACompromise: 2,
    affiliationChanged: 3,
    superseded: 4,
    cessationOfOperation: 5,
    privilegeWithdrawn: 9,
    aACompromise: 10,
  };

  it('is on the CRL of its partition within seconds, for every reason (RFC 5280 5.3.1)', async () => {
    const certificates = await Promise.all(finalReasons.map(() => issue()));
    for (const [i, reason] of finalReasons.entries()) {
      const certificate = certificates[i];
      if (certificate) await revokeCertificate({ ...(await name(certificate)), reason }, test.gateway.core);
    }
    const [first] = certificates;
    if (first === undefined) throw new Error('no certificates');
    expect(await eventually(async () => (await served(first)).size >= finalReasons.length)).toBe(true);
    const entries = await served(first);
    expect(
      Object.fromEntries(finalReasons.map((reason, i) => [reason, entries.get(serialOf(certificates[i] ?? first))])),
    ).toEqual(codes);
  });

  it('by the enrollment of a successor is on the CRL within seconds, too', async () => {
    const first = await issue('superseded');
    await issue('superseded');
    expect(await eventually(async () => (await served(first)).get(serialOf(first)) === 4)).toBe(true);
  });

  it('on hold is on the CRL until it is released', async () => {
    const certificate = await issue('held');
    await revokeCertificate({ ...(await name(certificate)), reason: 'certificateHold' }, test.gateway.core);
    expect(await eventually(async () => (await served(certificate)).get(serialOf(certificate)) === 6)).toBe(true);
    await releaseCertificate(await name(certificate), test.gateway.core);
    expect(await eventually(async () => !(await served(certificate)).has(serialOf(certificate)))).toBe(true);
    const { deviceId } = await recordOf(test, certificate);
    for (const action of ['certificate.held', 'certificate.released']) {
      const events = (await eventsOf(test, action)).map(({ content }) => JSON.parse(content));
      expect(events).toContainEqual(expect.objectContaining({ division: 'plant', device: 'held', deviceId }));
    }
    expect((await eventsOf(test, 'certificate.released')).length).toBe(1);
  });

  it('refuses what is revoked already, not on hold, or not on record', async () => {
    const certificate = await issue();
    const { core } = test.gateway;
    const which = await name(certificate);
    await expect(releaseCertificate(which, core)).rejects.toMatchObject({ code: 'invalid-state' });
    await revokeCertificate({ ...which, reason: 'certificateHold' }, core);
    await expect(revokeCertificate({ ...which, reason: 'certificateHold' }, core)).rejects.toMatchObject({
      code: 'invalid-state',
    });
    await revokeCertificate({ ...which, reason: 'keyCompromise' }, core);
    await expect(revokeCertificate({ ...which, reason: 'superseded' }, core)).rejects.toMatchObject({
      code: 'already-revoked',
    });
    await expect(releaseCertificate(which, core)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(revokeCertificate({ ...which, serialNumber: '01', reason: 'superseded' }, core)).rejects.toMatchObject(
      { code: 'unknown-certificate' },
    );
  });

  it('leaves an event with who, what and why', async () => {
    const certificate = await issue('leaked');
    const record = await recordOf(test, certificate);
    const invalidityDate = new Date('2026-01-02T03:04:05Z');
    await revokeCertificate(
      { ...(await name(certificate)), reason: 'keyCompromise', invalidityDate, actor: operator('alice') },
      test.gateway.core,
    );
    const [event] = await eventsOf(test, 'certificate.revoked');
    expect(event).toMatchObject({ subject: record.id });
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      actor: 'alice',
      reason: 'keyCompromise',
      invalidityDate: invalidityDate.toJSON(),
      device: 'leaked',
      deviceId: record.deviceId,
    });
  });
});

describe('what certificates point to', () => {
  it('is served over plain HTTP: the CRL, and the certificate of the CA (RFC 5280 4.2.2.1)', async () => {
    const certificate = await issue();
    expect(await served(certificate)).toBeInstanceOf(Map);
    const answer = await fetch(urlIn(certificate, /http:\/\/localhost:\d+\/aia\/[\w.-]+?\.cer/));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pkix-cert']);
    const issuer = test.gateway.core.authority.chain('devices-1')[0];
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(issuer ?? []));
  });

  it('is not found for CAs and partitions that there are not', async () => {
    const base = test.settings.publicHttpUrl;
    const statuses = await Promise.all(
      ['/crl/devices-1/7.crl', '/crl/nobody/0.crl', '/crl/devices-1/x.crl', '/aia/nobody.cer'].map(
        async (path) => (await fetch(base + path)).status,
      ),
    );
    expect(statuses).toEqual([404, 404, 404, 404]);
  });
});

describe('what CRLs are made from', () => {
  it('says of every certificate what its record says, after all of this', () => {
    expectRevocationsToFollow(test);
  });
});
