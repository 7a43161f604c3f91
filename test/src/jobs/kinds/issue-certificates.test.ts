/** Rows of jobs that issue certificates, against a real gateway's core. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createIssueCertificates } from '../../../../src/jobs/kinds/issue-certificates.js';
import { toPem } from '../../../../src/x509/pem.js';
import { applyYaml, fleet, policyLike } from '../../../support/fleet.js';
import { type IssueOptions, operator, type Row, runIssueJob, submitIssueJob } from '../../../support/issue-job.js';
import { makeCsr, newKey } from '../../../support/make-csr.js';
import { startTestGateway, type TestGateway } from '../../../support/test-gateway.js';

let test: TestGateway;
const batch = 'methods: [batch]';

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('batch', batch));
  await applyYaml(test, policyLike('manual', `${batch}, approval: manual`));
  await applyYaml(test, policyLike('device-keys', `${batch}, keyGeneration: [device]`));
  await applyYaml(test, policyLike('gateway-keys', `${batch}, keyGeneration: [gateway]`));
  await applyYaml(test, policyLike('registered', `${batch}, devices: registered`));
  await applyYaml(test, policyLike('changing', batch));
});
afterAll(() => test.close());

const password = 'correct horse battery';
const gateway: IssueOptions = { policy: 'batch', keys: 'gateway', archive: { password } };
const csr: IssueOptions = { policy: 'batch', keys: 'csr' };

function csrOf(subject: string, key = newKey()): string {
  return toPem('CERTIFICATE REQUEST', makeCsr({ subject, key }));
}

async function rowsOf(id: string) {
  const rows = await test.gateway.core.store.jobArchives.archiveRows({ jobId: id, after: 0, limit: 1000 });
  return rows.map(({ row, result, certificate, sealedKey }) => ({
    row,
    values: JSON.parse(result),
    certificate: new X509Certificate(certificate),
    hasKey: sealedKey !== null,
  }));
}

async function runOne(options: IssueOptions, row: Row) {
  const { id, outcomes } = await runIssueJob(test.gateway.core, options, [row]);
  return { id, outcome: outcomes[0] };
}

describe('a job that issues certificates', () => {
  it('issues to the key of each CSR, PEM or DER in base64', async () => {
    const keys = [newKey(), newKey()];
    const der = Buffer.from(makeCsr({ subject: 'CN=csr-2', key: keys[1] ?? newKey() })).toString('base64');
    const rows = [{ csr: csrOf('CN=csr-1', keys[0]) }, { csr: der, device: 'csr-2' }];
    const { id, outcomes } = await runIssueJob(test.gateway.core, csr, rows);
    expect(outcomes).toEqual([{}, {}]);
    const issued = await rowsOf(id);
    for (const [index, { certificate, hasKey }] of issued.entries()) {
      expect(certificate.publicKey.equals(keys[index]?.publicKey ?? newKey().publicKey)).toBe(true);
      expect(hasKey).toBe(false);
    }
    expect(issued.map(({ values }) => values.issuedTo)).toEqual(['csr-1', 'csr-2']);
    const [{ certificate } = { certificate: undefined }] = issued;
    expect(issued[0]?.values).toEqual({
      issuedTo: 'csr-1',
      issuedSubject: 'CN=csr-1',
      serialNumber: certificate?.serialNumber.toLowerCase(),
      validUntil: new Date(certificate?.validTo ?? '').toISOString().replace('.000', ''),
      fingerprint: certificate?.fingerprint256.replaceAll(':', '').toLowerCase(),
    });
  });

  it('makes keys, for the names of each row, no longer than the row says', async () => {
    const notAfter = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, '');
    const rows: Row[] = [
      { subject: 'CN=made-1,O=Plant', dns: ['made-1.example', 'made-1'], ip: ['192.0.2.1'], notAfter },
      { device: 'made-2', subject: 'CN=made-2' },
    ];
    const { id, outcomes } = await runIssueJob(test.gateway.core, { ...gateway, keyType: 'ec-p384' }, rows);
    expect(outcomes).toEqual([{}, {}]);
    const [first, second] = await rowsOf(id);
    expect(first?.certificate.subjectAltName).toBe('DNS:made-1.example, DNS:made-1, IP Address:192.0.2.1');
    expect(first?.certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
    expect(first?.values).toMatchObject({ issuedSubject: 'CN=made-1,O=Plant', validUntil: notAfter });
    expect(second?.values.issuedTo).toBe('made-2');
    expect([first?.hasKey, second?.hasKey]).toEqual([true, true]);
  });

  it('is on record with who has submitted it', async () => {
    const { id } = await runOne(csr, { csr: csrOf('CN=recorded') });
    const [row] = await rowsOf(id);
    const { core } = test.gateway;
    const [certificate] = await core.store.certificates.findBySerial({ serialNumber: row?.values.serialNumber });
    expect(certificate).toMatchObject({ protocol: 'batch', requester: 'operator:user:alice' });
    const event = await core.store.audit.findById({ id: certificate?.requestId ?? '' });
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      remoteAddress: operator.remoteAddress,
      policy: 'batch',
    });
  });

  it.each<[string, IssueOptions, Row, string, RegExp]>([
    [
      'a CSR that another key has signed',
      csr,
      { csr: toPem('CERTIFICATE REQUEST', makeCsr({ subject: 'CN=x', key: newKey(), signedBy: newKey() })) },
      'invalid-proof-of-possession',
      /^the signature of the csr does not fit its public key$/,
    ],
    ['what is no CSR', csr, { csr: 'certainly' }, 'malformed-request', /^the csr is neither PEM nor DER in base64$/],
    [
      'PEM of something else',
      csr,
      { csr: toPem('CERTIFICATE', makeCsr()) },
      'malformed-request',
      /^csr cannot be read: not one PEM block/,
    ],
    [
      'a cut CSR',
      csr,
      { csr: Buffer.from(makeCsr()).subarray(0, 60).toString('base64') },
      'malformed-request',
      /^the csr is malformed: /,
    ],
    ['no CSR', csr, { subject: 'CN=x' }, 'malformed-request', /^the row has no csr/],
    ['names beside a CSR', csr, { csr: csrOf('CN=x'), dns: ['y'] }, 'malformed-request', /^the row has a dns beside/],
    ['a CSR where the gateway makes keys', gateway, { csr: csrOf('CN=x') }, 'malformed-request', /^the row has a csr/],
    ['no names at all', gateway, { notAfter: '2027-01-01T00:00:00Z' }, 'malformed-request', /^the row has neither/],
    ['a subject that is none', gateway, { subject: 'pump' }, 'malformed-request', /^subject cannot be read: /],
    [
      'an address that is none',
      gateway,
      { subject: 'CN=x', ip: ['pump'] },
      'malformed-request',
      /^subjectAltNames cannot be read: no IP address: pump$/,
    ],
    ['names that the profile refuses', gateway, { subject: 'CN=pump_7' }, 'rejected-name', /\(rule [a-z-]+\)$/],
    [
      "another device's name",
      gateway,
      { device: 'pump-1', subject: 'CN=pump-2' },
      'rejected-name',
      /\(rule [a-z-]+\)$/,
    ],
    [
      'a device that is not registered',
      { ...gateway, policy: 'registered' },
      { subject: 'CN=stranger' },
      'forbidden',
      /^device "?stranger"? is not registered \(rule device\)$/,
    ],
    [
      'a key of a kind that the template refuses',
      csr,
      { csr: csrOf('CN=curve', generateKeyPairSync('ec', { namedCurve: 'P-521' })) },
      'unacceptable-key',
      /^curve P-521 is not one of/,
    ],
  ])('fails a row for %s, with code and reason, and issues nothing for it', async (_, options, row, code, reason) => {
    const { id, outcome } = await runOne(options, row);
    expect(outcome?.code).toBe(code);
    expect(outcome?.reason).toMatch(reason);
    expect(await rowsOf(id)).toEqual([]);
  });

  it('goes on after a row that failed', async () => {
    const { outcomes } = await runIssueJob(test.gateway.core, gateway, [{ subject: 'CN=_' }, { subject: 'CN=good' }]);
    expect(outcomes.map(({ code }) => code)).toEqual(['rejected-name', undefined]);
  });

  it('does a row once, whoever performs it again at the same time', async () => {
    const { core } = test.gateway;
    const job = await submitIssueJob(core, gateway, 1);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => job.perform(1, { subject: 'CN=once' })));
    outcomes.push(await job.perform(1, { subject: 'CN=once' }));
    expect(outcomes.filter(({ code }) => code === undefined)).toHaveLength(1);
    const device = await core.store.devices.findByName({ division: 'plant', name: 'once' });
    expect(await core.store.certificates.list({ deviceId: device?.id ?? '', limit: 10 })).toHaveLength(1);
  });

  it('fails its rows where the policy came to want people to approve, and leaves nothing waiting', async () => {
    const { core } = test.gateway;
    const job = await submitIssueJob(core, { ...csr, policy: 'changing' }, 1);
    await applyYaml(test, policyLike('changing', `${batch}, approval: manual`));
    expect(await job.perform(1, { csr: csrOf('CN=late') })).toMatchObject({ code: 'invalid-state' });
    expect(await core.store.enrollmentTransactions.list({ policy: 'changing', state: 'pending', limit: 10 })).toEqual(
      [],
    );
  });
});

describe('a job that could do none of its rows', () => {
  it.each<[string, IssueOptions, string, RegExp]>([
    ['a policy that is unknown', { ...csr, policy: 'nowhere' }, 'not-found', /^no policy has this label$/],
    ['a group that is unknown', { ...csr, policy: 'batch~x' }, 'not-found', /^no device group with this policy/],
    ['a policy that is not open to jobs', { ...csr, policy: 'fleet' }, 'forbidden', /is not open to batch$/],
    ['a policy that needs people', { ...csr, policy: 'manual' }, 'malformed-request', /wants people to approve/],
    [
      'keys of devices where only the gateway makes them',
      { ...csr, policy: 'gateway-keys' },
      'malformed-request',
      /made by the device$/,
    ],
    [
      'keys of the gateway where only devices make them',
      { ...gateway, policy: 'device-keys' },
      'malformed-request',
      /made by the gateway$/,
    ],
    ['keys without protection', { policy: 'batch', keys: 'gateway' }, 'malformed-request', /need archive/],
    ['protection without keys', { ...csr, archive: { password } }, 'malformed-request', /leave them out$/],
    [
      'a recipient that is none',
      { ...gateway, archive: { recipient: 'x' } },
      'unacceptable-key',
      /not one PEM certificate$/,
    ],
  ])('is refused for %s', async (_, options, code, message) => {
    const submitted = submitIssueJob(test.gateway.core, options, 1);
    await expect(submitted).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    ['a short password', { archive: { password: 'eleven char' } }],
    ['a password that readers take for different ones', { archive: { password: 'twelve chars\0' } }],
    ['both protections', { archive: { password, recipient: 'x' } }],
    ['unknown fields', { format: 'zip' }],
    ['an unknown type of key', { keyType: 'dsa' }],
  ])('is refused for %s', (_, changes) => {
    const { options } = createIssueCertificates(test.gateway.core);
    expect(options.safeParse({ ...gateway, ...changes }).success).toBe(false);
  });

  it('keeps no password, and works in the division of its policy', async () => {
    const kind = createIssueCertificates(test.gateway.core);
    const options = kind.options.parse(gateway);
    expect(kind.divisionOf(options)).toBe('plant');
    const prepared = await kind.prepare?.(options, { jobId: 'job-1' });
    expect(prepared?.options).toEqual({ policy: 'batch', keys: 'gateway' });
    expect(kind.options.parse(prepared?.options)).toEqual(prepared?.options);
    expect(JSON.stringify(prepared)).not.toContain(password);
  });
});
