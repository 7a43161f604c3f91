/** Rows of jobs that renew certificates, in a gateway that runs them. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueCertificate } from '../../../../src/certificates/issue.js';
import { revocationStatements } from '../../../../src/enrollment/revoke.js';
import { changeJob, deleteJob } from '../../../../src/jobs/change-job.js';
import type { CertificateRecord } from '../../../../src/store/certificate-record.js';
import { applyYaml, fleet, policyLike } from '../../../support/fleet.js';
import { newKey } from '../../../support/make-csr.js';
import { csrFor } from '../../../support/operated-fleet.js';
import { startTestGateway, type TestGateway } from '../../../support/test-gateway.js';
import { actor, finished, rowsOf, submit } from '../job-store.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('batch', 'methods: [batch]'));
  await applyYaml(test, policyLike('by-rest', 'methods: [rest]'));
  await applyYaml(test, policyLike('slow', 'methods: [batch]'));
  await applyYaml(
    test,
    `
divisions: [{ name: site }]
deviceGroups: [{ name: gates, division: site }]
authenticationPolicies: [{ name: site, division: site }]
policies:
  - name: site
    division: site
    authenticationPolicy: site
    profiles: [{ usage: operational, profile: device }]
    issuingCa: devices
    methods: [batch]
    defaultGroup: gates
`,
  );
});
afterAll(() => test.close());

async function issued(name: string, policy = 'batch'): Promise<CertificateRecord> {
  const result = await issueCertificate(
    {
      label: policy,
      key: { kind: 'csr', csr: csrFor({ name }) },
      scope: 'everywhere',
      actor,
      methods: ['batch', 'rest'],
    },
    test.gateway.core,
  );
  if (result.outcome === 'pending') throw new Error('the request waits');
  return result.record;
}

const wanted = { kind: 'renew-certificates', options: { division: 'plant' } };

async function run(rows: readonly object[], options: object = {}) {
  const { core } = test.gateway;
  const content = `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
  const changes = { ...wanted, options: { ...wanted.options, ...options } };
  const { id } = await submit(core, { ...changes, content, format: 'jsonl' });
  await finished(core, id);
  return { id, rows: await rowsOf(core, id) };
}

async function renewalsOf({ deviceId, id }: CertificateRecord): Promise<readonly CertificateRecord[]> {
  const found = await test.gateway.core.store.certificates.list({ deviceId: deviceId ?? '', limit: 10 });
  return found.filter(({ replaces }) => replaces === id);
}

async function eventsOf(action: string, subject: string) {
  const events = await test.gateway.core.store.audit.list({ action, subject, limit: 10 });
  return events.map(({ content }) => JSON.parse(content));
}

describe('a batch renewal', () => {
  it('renews by id, by issuer and serial number, and by fingerprint, for the same key and names', async () => {
    const records = [await issued('pump-1'), await issued('pump-2'), await issued('pump-3')];
    const [first, second, third] = records;
    const { id, rows } = await run([
      { certificate: first?.id },
      { issuer: second?.issuerId, serialNumber: second?.serialNumber },
      { fingerprint: third?.certificateFingerprint },
    ]);
    expect(rows.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    for (const [index, record] of records.entries()) {
      const [renewal] = await renewalsOf(record);
      expect(renewal).toMatchObject({
        keyFingerprint: record.keyFingerprint,
        subject: record.subject,
        protocol: 'batch',
        requester: 'operator:user:alice',
      });
      expect(JSON.parse(rows[index]?.result ?? '')).toMatchObject({
        issuedTo: `pump-${index + 1}`,
        issuedSerialNumber: renewal?.serialNumber,
        issuedFingerprint: renewal?.certificateFingerprint,
      });
      expect(await eventsOf('certificate.issued', renewal?.id ?? '')).toMatchObject([
        { job: id, operation: 'reenroll' },
      ]);
    }
  });

  it('renews for the key of a CSR', async () => {
    const record = await issued('pump-4');
    const key = newKey();
    await run([{ certificate: record.id, csr: csrFor({ name: 'pump-4', key }) }]);
    const [renewal] = await renewalsOf(record);
    expect(new X509Certificate(renewal?.der ?? '').publicKey.equals(key.publicKey)).toBe(true);
  });

  it('renews for keys that the gateway makes, which are in its archive once', async () => {
    const record = await issued('pump-5');
    const archive = { password: 'correct horse battery' };
    const { id } = await run([{ certificate: record.id }], { keys: 'gateway', keyType: 'ec-p384', archive });
    const { core } = test.gateway;
    const [row] = await core.store.jobArchives.archiveRows({ jobId: id, after: 0, limit: 10 });
    expect(row?.sealedKey).toBeInstanceOf(Uint8Array);
    const { publicKey } = new X509Certificate(row?.certificate ?? '');
    expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
    const job = await core.store.jobs.findById({ id });
    expect(job?.options).toBe('{"division":"plant","keys":"gateway","keyType":"ec-p384"}');

    await deleteJob({ id, actor }, core);
    expect(await eventsOf('job.keys-destroyed', id)).toMatchObject([{ reason: 'job-deleted', actor: 'user alice' }]);
    expect(await core.store.jobArchives.findById({ id })).toBeUndefined();
  });

  it('refuses rows one by one, each with its code', async () => {
    const { core } = test.gateway;
    const [foreign, closed, revoked, slow] = [
      await issued('gate-1', 'site'),
      await issued('pump-6', 'by-rest'),
      await issued('pump-7'),
      await issued('pump-8', 'slow'),
    ];
    await applyYaml(test, policyLike('slow', 'methods: [batch], approval: manual'));
    const statements = revocationStatements(revoked, { at: new Date(), reason: 'superseded' }, core.store);
    await core.store.commit({ statements, audit: [] });
    const { rows } = await run([
      { certificate: foreign.id },
      { fingerprint: foreign.certificateFingerprint },
      { certificate: 'devices-1:00' },
      { certificate: closed.id },
      { certificate: revoked.id },
      { certificate: slow.id },
      { certificate: slow.id, csr: 'certainly' },
      { certificate: slow.id, fingerprint: slow.certificateFingerprint },
      { issuer: slow.issuerId },
    ]);
    expect(rows.map(({ errorCode }) => errorCode)).toEqual([
      'not-found',
      'unknown-certificate',
      'not-found',
      'forbidden',
      'revoked-requester',
      'invalid-state',
      'malformed-request',
      'malformed-request',
      'malformed-request',
    ]);
    expect(rows[3]?.reason).toContain('batch has to be among its methods');
    expect(rows[5]?.reason).toContain('wants people to approve');
    expect(await core.store.enrollmentTransactions.list({ policy: 'slow', state: 'pending', limit: 10 })).toEqual([]);
  });

  it('renews all that fit a selection and have no successor, and does so once', async () => {
    const { core } = test.gateway;
    await applyYaml(test, policyLike('selected', 'methods: [batch]'));
    const records = [await issued('pump-11', 'selected'), await issued('pump-12', 'selected')];
    await run([{ certificate: records[0]?.id }]);
    const selection = { policy: 'selected', issuedBefore: new Date(Date.now() + 1000).toISOString() };
    const first = await submit(core, { ...wanted, selection, start: false });
    await changeJob({ id: first.id, change: 'start', actor }, core);
    await finished(core, first.id);
    // The successor of the first, and the second: neither has one itself.
    const [successor] = records[0] ? await renewalsOf(records[0]) : [];
    const inputs = (await rowsOf(core, first.id)).map(({ input }) => JSON.parse(input).certificate);
    expect(inputs.toSorted()).toEqual([successor?.id, records[1]?.id].toSorted());
    expect((await rowsOf(core, first.id)).map(({ state }) => state)).toEqual(['done', 'done']);
  });

  it.each([
    ['keys of the gateway without protection', { keys: 'gateway' }, 'need archive'],
    ['protection where there is nothing to protect', { archive: { password: 'correct horse battery' } }, 'leave them'],
    ['a type of keys that are there already', { keyType: 'ec-p256' }, 'leave them out'],
    ['a division that is not there', { division: 'nowhere' }, 'there is no division'],
  ])('refuses %s when it is submitted', async (_, options, message) => {
    await expect(run([], options)).rejects.toThrow(message);
  });
});
