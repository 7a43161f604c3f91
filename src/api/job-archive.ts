/** The archives of jobs that issue certificates: the certificates, and the keys that the gateway has made for them. */
import { z } from 'zod';
import { covers, scopeOf } from '../access/principal.js';
import type { Actor } from '../audit/actor.js';
import { GatewayError } from '../errors.js';
import { destroyKeys } from '../jobs/archive/destroy-keys.js';
import { findArchivedJob, openArchive, requireArchive } from '../jobs/archive/open-archive.js';
import type { ArchivedJob } from '../store/job-archive-repository.js';
import { jobParams } from './job-resource.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const refusals = {
  409: 'the job has not ended yet',
  410: 'its keys were destroyed: after a download, on request, or because nobody has come for them in time',
};

export function jobArchiveOperations(services: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      id: 'getJobArchive',
      method: 'get',
      path: '/jobs/{id}/archive',
      tag: 'Jobs',
      summary: 'Download the certificates of a job and, once, their keys',
      description:
        'A ZIP file with `manifest.csv`, a folder for each row and the chains of the issuers. Where the gateway has made the ' +
        'keys, it is CMS EnvelopedData for the certificate that was given with the job, or each key file is encrypted under ' +
        'its password. **The keys are destroyed when all of it was handed over**: a download that breaks off can be repeated, ' +
        'one that was complete cannot. With `keep=true` they stay until `destroyJobKeys` says that the archive has arrived. ' +
        'For who has submitted the job, and administrators of devices in its division.',
      permission: 'certificate:request',
      params: jobParams,
      query: z.strictObject({
        keep: z
          .enum(['true', 'false'])
          .default('false')
          .describe('whether the keys stay after this download, to be destroyed by `destroyJobKeys`'),
      }),
      status: 200,
      contentTypes: ['application/zip', 'application/pkcs7-mime'],
      refusals,
      handle: async (call) => {
        const job = await findPermitted(call, services);
        requireArchive(job);
        const { delivered, ...archive } = await openArchive(job, call.actor, services);
        return { content: call.query.keep === 'true' ? archive : { ...archive, delivered } };
      },
    }),
    defineOperation({
      id: 'destroyJobKeys',
      method: 'delete',
      path: '/jobs/{id}/archive',
      tag: 'Jobs',
      summary: 'Destroy the keys in the archive of a job',
      description:
        'To be called when the archive has arrived that was downloaded with `keep=true`, or where nobody wants the keys. The ' +
        'certificates stay. Keys that nobody has downloaded are destroyed seven days after the job has ended.',
      permission: 'certificate:request',
      params: jobParams,
      status: 204,
      refusals,
      handle: async (call) => {
        const job = await findPermitted(call, services);
        requireArchive(job);
        if (job.archive === null)
          throw new GatewayError('invalid-state', 'the job has no keys: its rows have brought theirs');
        await destroyKeys(job, 'requested', call.actor, services);
        return {};
      },
    }),
  ];
}

/** Keys are for whoever has asked for them, and for who may do anything with the devices. */
async function findPermitted(
  { params: { id }, scope, principal, actor }: Call<z.output<typeof jobParams>, unknown, unknown>,
  services: ApiServices,
): Promise<ArchivedJob> {
  const job = await findArchivedJob(id, services);
  if (!covers(scope, job.division)) throw new GatewayError('not-found', 'there is no such job with certificates');
  const submitter: Actor = JSON.parse(job.createdBy);
  if (submitter.person !== actor.person && !covers(scopeOf(principal, 'device:write'), job.division)) {
    throw new GatewayError(
      'forbidden',
      'the archive is for who has submitted the job, and for administrators of devices in its division',
    );
  }
  return job;
}
