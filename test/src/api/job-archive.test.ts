/** Who may have the archive of a job over the management API. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Principal } from '../../../src/access/principal.js';
import { jobArchiveOperations } from '../../../src/api/job-archive.js';
import type { Answer } from '../../../src/api/operation.js';
import type { Grant } from '../../../src/model/access.js';
import { callOperation, operationOf } from '../../support/call-operation.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { operator, runIssueJob, submitIssueJob } from '../../support/issue-job.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const archive = { password: 'correct horse battery' };

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('batch', 'methods: [batch]'));
});
afterAll(() => test.close());

function principalOf(person: string, ...grants: Grant[]): Principal {
  return { kind: 'user', id: person, name: person, person, grants };
}

const submitter = principalOf(operator.person, { role: 'device-creator', division: 'plant' });
const otherCreator = principalOf('user:bob', { role: 'device-creator', division: 'plant' });
const administrator = principalOf('user:carol', { role: 'device-administrator', division: 'plant' });
const foreigner = principalOf('user:dave', { role: 'device-administrator', division: 'elsewhere' });

async function call(
  operationId: string,
  id: string,
  principal: Principal,
  query: object = {},
): Promise<Answer<unknown>> {
  const operations = jobArchiveOperations({ ...test.gateway.core, version: '0' });
  const { name, person } = principal;
  return await callOperation(operationOf(operations, operationId), {
    params: { id },
    query,
    principal,
    actor: { name, person },
  });
}

let devices = 0;
async function newJob(): Promise<string> {
  const rows = [{ subject: `CN=api-${++devices}` }];
  return (await runIssueJob(test.gateway.core, { policy: 'batch', keys: 'gateway', archive }, rows)).id;
}

describe('GET /jobs/{id}/archive', () => {
  it.each([
    ['who has submitted the job', submitter],
    ['an administrator of devices in its division', administrator],
  ])('answers %s', async (_, principal) => {
    const { content } = await call('getJobArchive', await newJob(), principal);
    expect(content).toMatchObject({ type: 'application/zip', fileName: expect.stringMatching(/^job-.*\.zip$/) });
    await content?.delivered?.();
  });

  it('refuses others who may submit jobs', async () => {
    await expect(call('getJobArchive', await newJob(), otherCreator)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it("does not know another division's jobs, nor what is none", async () => {
    const unknown = { code: 'not-found', message: 'there is no such job with certificates' };
    await expect(call('getJobArchive', await newJob(), foreigner)).rejects.toMatchObject(unknown);
    await expect(call('getJobArchive', 'nothing', administrator)).rejects.toMatchObject(unknown);
  });

  it('answers 410 once it was delivered, and 409 before the job has ended', async () => {
    const id = await newJob();
    const { content } = await call('getJobArchive', id, submitter);
    await content?.delivered?.();
    await expect(call('getJobArchive', id, submitter)).rejects.toMatchObject({ status: 410 });
    const job = await submitIssueJob(test.gateway.core, { policy: 'batch', keys: 'gateway', archive }, 1);
    await expect(call('getJobArchive', job.id, submitter)).rejects.toMatchObject({ code: 'invalid-state' });
  });
});

describe('GET /jobs/{id}/archive?keep=true', () => {
  it('can be repeated, until the client says that it has the archive', async () => {
    const id = await newJob();
    for (let i = 0; i < 2; i++) {
      const { content } = await call('getJobArchive', id, submitter, { keep: 'true' });
      expect(content).toMatchObject({ type: 'application/zip' });
      expect(content?.delivered).toBeUndefined();
    }
    expect(await call('destroyJobKeys', id, submitter)).toEqual({});
    await expect(call('getJobArchive', id, submitter, { keep: 'true' })).rejects.toMatchObject({ status: 410 });
    const events = await test.gateway.core.store.audit.list({ subject: id, limit: 10 });
    expect(events.map(({ action }) => action)).toEqual([
      'job.keys-destroyed',
      'job.archive-opened',
      'job.archive-opened',
    ]);
  });
});

describe('DELETE /jobs/{id}/archive', () => {
  it('destroys the keys, which cannot be downloaded then', async () => {
    const id = await newJob();
    expect(await call('destroyJobKeys', id, administrator)).toEqual({});
    await expect(call('getJobArchive', id, submitter)).rejects.toMatchObject({ status: 410 });
    await expect(call('destroyJobKeys', id, submitter)).rejects.toMatchObject({ status: 410 });
  });

  it('is for those who may download them', async () => {
    const id = await newJob();
    await expect(call('destroyJobKeys', id, otherCreator)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(call('destroyJobKeys', id, foreigner)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is refused where the rows have brought their keys', async () => {
    const csr = Buffer.from(makeCsr({ subject: 'CN=own', key: newKey() })).toString('base64');
    const { id } = await runIssueJob(test.gateway.core, { policy: 'batch', keys: 'csr' }, [{ csr }]);
    await expect(call('destroyJobKeys', id, submitter)).rejects.toMatchObject({ code: 'invalid-state' });
  });
});
