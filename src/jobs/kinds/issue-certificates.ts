/** Jobs that issue a certificate for each row, by the one enrollment flow. */
import { z } from 'zod';
import { enroll } from '../../enrollment/enroll.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from '../../enrollment/target.js';
import { createIdentifier } from '../../identifier.js';
import { nameSchema } from '../../model/label.js';
import type { JobKind, RowContext } from '../job-kind.js';
import { issueRowSchema, readIssueRow } from './issue-row.js';
import { madeKeyOptions, prepareArchive, requireMadeKeysFit, rowResult, unfit, wipeKey } from './row-of-certificate.js';

const issueOptionsSchema = z
  .strictObject({
    policy: z.string().min(1).max(129).describe('label of the certificate policy: `<policy>` or `<policy>~<group>`'),
    keys: z
      .enum(['csr', 'gateway'])
      .describe('whether each row brings a PKCS #10 request, or the gateway makes its key'),
    profile: nameSchema.optional().describe('the certificate profile, where the policy has several'),
    ...madeKeyOptions,
  })
  .meta({ id: 'IssueCertificatesOptions' });
type IssueOptions = z.output<typeof issueOptionsSchema>;

export function createIssueCertificates(
  services: EnrollmentServices,
): JobKind<typeof issueOptionsSchema, typeof issueRowSchema> {
  return {
    name: 'issue-certificates',
    summary: 'issue a certificate for each row, to the key of its CSR or to one that the gateway makes',
    permission: 'certificate:request',
    options: issueOptionsSchema,
    row: issueRowSchema,
    columns: [
      { name: 'device', meaning: "the device's name; without it, the names that are asked for tell" },
      {
        name: 'csr',
        meaning: 'PKCS #10 request, PEM or DER in base64: needed where keys is csr, not allowed otherwise',
      },
      { name: 'subject', meaning: 'subject as in RFC 4514, such as CN=pump-7,O=Plant' },
      { name: 'dns', isList: true, meaning: 'DNS names' },
      { name: 'ip', isList: true, meaning: 'IP addresses' },
      { name: 'email', isList: true, meaning: 'mail addresses' },
      { name: 'uri', isList: true, meaning: 'URIs' },
      {
        name: 'notAfter',
        meaning: 'the end of the validity, such as 2027-01-31T12:00:00Z, if sooner than the profile says',
      },
    ],
    resultColumns: ['issuedTo', 'issuedSubject', 'serialNumber', 'validUntil', 'fingerprint'],
    divisionOf: ({ policy }) => findTarget(services.catalog(), policy).resolved.policy.division,
    async prepare(options, { jobId }) {
      requireFit(options, findTarget(services.catalog(), options.policy));
      return await prepareArchive(options, jobId, services);
    },
    perform: async (row, context) => {
      const { keys, keyType, profile, policy } = context.options;
      const result = await enroll(
        {
          protocol: 'batch',
          label: policy,
          operation: 'enroll',
          requested: readIssueRow(row, keys),
          credentials: [operatorOf(row.device, context)],
          remoteAddress: context.actor.remoteAddress ?? '',
          requestId: createIdentifier(),
          job: context.jobId,
          ...(profile === undefined ? {} : { profileHint: profile }),
          ...(keys === 'gateway' ? { generateKey: keyType === undefined ? {} : { type: keyType } } : {}),
          accompanying: (result) => context.done(rowResult(result)),
        },
        services,
      );
      wipeKey(result);
    },
  };
}

/** What would make every row fail, the job is refused for. */
function requireFit(options: IssueOptions, { resolved }: EnrollmentTarget): void {
  const { keys } = options;
  const { policy } = resolved;
  requireMethod(resolved, 'batch');
  // A job ends by itself, and hands its keys over at its end: nobody would come back for what waits for people.
  if (policy.approval !== 'automatic') {
    throw unfit(`policy ${policy.name} wants people to approve each request, which rows of a job cannot wait for`);
  }
  const maker = keys === 'csr' ? 'device' : 'gateway';
  if (!policy.keyGeneration.includes(maker)) {
    throw unfit(`policy ${policy.name} does not take keys made by the ${maker}`);
  }
  requireMadeKeysFit(keys, options);
}

function operatorOf(device: string | undefined, { actor }: RowContext<IssueOptions>) {
  const { name, person } = actor;
  return { kind: 'operator', name, person, ...(device === undefined ? {} : { device }) } as const;
}
