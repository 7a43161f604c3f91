import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueCertificate } from '../../../src/certificates/issue.js';
import { type RenewedKey, renewCertificate } from '../../../src/certificates/renew.js';
import { revokeOne } from '../../../src/certificates/revocations.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { toPem } from '../../../src/x509/pem.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { csrFor, issued, plant, site, startOperatedFleet } from '../../support/operated-fleet.js';
import { operator } from '../../support/operator.js';
import { eventsOf } from '../../support/records.js';
import { daySeconds, type TestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let clock: TestClock;

beforeAll(async () => {
  ({ test, clock } = await startOperatedFleet());
});
afterAll(() => test.close());

const actor = { ...operator('olga'), remoteAddress: '192.0.2.7' };
const methods = ['portal', 'rest'] as const;

async function renew(certificateId: string, key: RenewedKey = { kind: 'same' }) {
  const wanted = { certificateId, key, scope: plant, actor, methods } as const;
  const result = await renewCertificate(wanted, test.gateway.core);
  if (result.outcome === 'pending') throw new Error('the request waits');
  return result;
}

const alternatives = [{ type: 'dns', value: 'pump.example' }] as const;

describe('renewal by an operator', () => {
  it('keeps the key and the names, for the same device', async () => {
    const key = newKey();
    const old = await issued(test, { key, alternatives });
    clock.advance(60);
    const { record, certificate } = await renew(old.id);
    expect(record).toMatchObject({
      subject: old.subject,
      keyFingerprint: old.keyFingerprint,
      deviceId: old.deviceId,
      policy: 'plant',
      replaces: old.id,
      protocol: 'portal',
      requester: 'operator:olga',
    });
    expect(record.id).not.toBe(old.id);
    const read = new X509Certificate(certificate);
    expect([read.subjectAltName, read.checkPrivateKey(key.privateKey)]).toEqual(['DNS:pump.example', true]);
    const [event] = await eventsOf(test, 'certificate.issued');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      subject: record.id,
      operation: 'reenroll',
      remoteAddress: '192.0.2.7',
      requester: { id: 'operator:olga', credentials: [{ kind: 'operator', name: 'olga' }], certificate: old.id },
    });
  });

  it('repeated, gets the same certificate again', async () => {
    const { id } = await issued(test);
    const [first, second] = [await renew(id), await renew(id)];
    expect(second.record.id).toBe(first.record.id);
    const results = await Promise.all(Array.from({ length: 20 }, () => renew(id)));
    expect(new Set(results.map(({ record }) => record.id)).size).toBe(1);
  });

  it('with writes of its own is always a new one, with which they stand or fall', async () => {
    const { id } = await issued(test);
    const results: EnrollmentResult[] = [];
    const accompanying = (result: EnrollmentResult) => {
      results.push(result);
      return [];
    };
    const wanted = { certificateId: id, key: { kind: 'same' }, scope: plant, actor, methods, accompanying } as const;
    const first = await renewCertificate(wanted, test.gateway.core);
    const second = await renewCertificate(wanted, test.gateway.core);
    expect(results.map(({ outcome }) => outcome)).toEqual(['issued', 'issued']);
    expect(first).not.toMatchObject({ serialNumber: second.outcome === 'issued' ? second.serialNumber : '' });
    const guard = test.gateway.core.store.certificates.requireValid({ id: 'nowhere:00' });
    await expect(renewCertificate({ ...wanted, accompanying: () => [guard] }, test.gateway.core)).rejects.toMatchObject(
      { code: 'revoked-requester' },
    );
  });

  it('takes the key of a PKCS #10 request, with its names if it has any', async () => {
    const old = await issued(test, { name: 'pump-7', alternatives });
    const key = newKey();
    const { record } = await renew(old.id, { kind: 'csr', csr: csrFor({ name: 'pump-7', alternatives, key }) });
    expect([record.replaces, record.keyFingerprint === old.keyFingerprint]).toEqual([old.id, false]);
    await expect(renew(old.id, { kind: 'csr', csr: csrFor({ name: 'pump-8', alternatives }) })).rejects.toMatchObject({
      code: 'rejected-name',
      message: expect.stringContaining('(rule same-names)'),
    });
  });

  it('refuses a request whose signature does not fit, and what is none', async () => {
    const { id } = await issued(test, { name: 'pump-9' });
    const [csr, key] = [csrFor({ name: 'pump-9' }), newKey()];
    const forged = makeCsr({ subject: 'CN=pump-9', key, signedBy: newKey() });
    for (const [text, code] of [
      [`${csr}${csr}`, 'malformed-request'],
      ['nonsense', 'malformed-request'],
      [csr.replace('-----END', '*-----END'), 'malformed-request'],
      [toPem('CERTIFICATE REQUEST', Uint8Array.of(0x30, 0)), 'malformed-request'],
      [toPem('CERTIFICATE REQUEST', forged), 'invalid-proof-of-possession'],
    ] as const) {
      await expect(renew(id, { kind: 'csr', csr: text })).rejects.toMatchObject({ code });
    }
  });

  it('gets a key that the gateway makes, another one each time', async () => {
    const { id } = await issued(test);
    const first = await renew(id, { kind: 'gateway', type: 'ec-p384' });
    const { pkcs8 } = first.generatedKey ?? {};
    if (pkcs8 === undefined) throw new Error('there is no key');
    const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    expect(new X509Certificate(first.certificate).checkPrivateKey(privateKey)).toBe(true);
    expect(privateKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'secp384r1' });
    const second = await renew(id, { kind: 'gateway', type: 'ec-p384' });
    expect(second.record.id).not.toBe(first.record.id);
    const before = await test.gateway.core.store.certificates.findById({ id: first.record.id });
    expect(before).toMatchObject({ status: 'revoked', revocationReason: 4 });
  });

  it('keeps to the rules of the profile: revoked, held, expired and too early', async () => {
    const { core } = test.gateway;
    const revoked = await issued(test);
    await revokeOne(revoked.id, plant, { reason: 'superseded', actor }, core);
    await expect(renew(revoked.id)).rejects.toMatchObject({ code: 'revoked-requester' });
    const held = await issued(test);
    await revokeOne(held.id, plant, { reason: 'certificateHold', actor }, core);
    await expect(renew(held.id)).rejects.toMatchObject({ code: 'revoked-requester' });
    const old = await issued(test);
    clock.advance(96 * daySeconds);
    expect((await renew(old.id)).record.replaces).toBe(old.id);
    clock.advance(2 * daySeconds);
    await expect(renew(old.id, { kind: 'gateway' })).rejects.toMatchObject({
      code: 'revoked-requester',
      message: expect.stringContaining('(rule renewal)'),
    });
  });

  it('refuses, and records, what the policy is not open to', async () => {
    const { core } = test.gateway;
    await applyYaml(test, policyLike('plant', 'methods: [est]'));
    const record = await core.store.certificates.search({
      conditions: { policies: ['plant'], status: { is: 'valid', at: clock.now().getTime() } },
      order: { by: 'issuedAt', descending: true },
      limit: 1,
    });
    await expect(renew(record[0]?.id ?? '')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('portal or rest has to be among its methods'),
    });
    const [event] = await eventsOf(test, 'request.refused');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ code: 'forbidden', requester: 'olga', label: 'plant' });
    await applyYaml(test, policyLike('plant', 'methods: [est, portal]'));
  });

  it('does not see what is of another division, and leaves those of the gateway alone', async () => {
    const { core } = test.gateway;
    const { id } = await issued(test);
    const wanted = { certificateId: id, key: { kind: 'same' }, scope: site, actor, methods } as const;
    await expect(renewCertificate(wanted, core)).rejects.toMatchObject({ code: 'not-found' });
    const [own] = await core.store.certificates.search({
      conditions: { usage: 'service' },
      order: { by: 'issuedAt', descending: true },
      limit: 1,
    });
    await expect(
      renewCertificate({ ...wanted, certificateId: own?.id ?? '', scope: 'everywhere' }, core),
    ).rejects.toMatchObject({ code: 'invalid-state' });
  });
});

describe('a first certificate for which an operator asks', () => {
  const wanted = { scope: plant, actor, methods, label: 'plant' } as const;
  const issue = (changes: Partial<Parameters<typeof issueCertificate>[0]>) =>
    issueCertificate({ ...wanted, key: { kind: 'csr', csr: csrFor({}) }, ...changes }, test.gateway.core);

  it('is for the device that is named, and its names have to be', async () => {
    const key = { kind: 'csr', csr: csrFor({ name: 'pump-20' }) } as const;
    expect(await issue({ key, device: 'pump-20' })).toMatchObject({ outcome: 'issued', record: { policy: 'plant' } });
    await expect(issue({ key, device: 'pump-21' })).rejects.toMatchObject({ code: 'rejected-name' });
  });

  it('takes names as text where the gateway makes the key', async () => {
    const names = { subject: 'CN=pump-22', subjectAltNames: { dns: ['pump-22.example'], ip: ['192.0.2.22'] } };
    const result = await issue({ key: { kind: 'gateway', ...names } });
    if (result.outcome === 'pending') throw new Error('the request waits');
    const { subject, subjectAltName } = new X509Certificate(result.certificate);
    expect([subject, subjectAltName]).toEqual(['CN=pump-22', 'DNS:pump-22.example, IP Address:192.0.2.22']);
    for (const bad of [{ subject: 'CN' }, { subject: 'CN=x', subjectAltNames: { ip: ['999.1.1.1'] } }]) {
      await expect(issue({ key: { kind: 'gateway', ...bad } })).rejects.toMatchObject({ code: 'malformed-request' });
    }
  });

  it('refuses policies of other divisions as it does unknown ones', async () => {
    for (const label of ['site', 'nowhere', 'nowhere~pumps']) {
      await expect(issue({ label })).rejects.toMatchObject({ status: 422, code: 'malformed-request' });
    }
  });

  it('repeated, gets the same certificate again', async () => {
    const key = { kind: 'csr', csr: csrFor({}) } as const;
    const [first, second] = [await issue({ key }), await issue({ key })];
    expect(second).toMatchObject({ outcome: 'issued', certificate: first.outcome === 'issued' && first.certificate });
  });
});
