/** Jobs that issue a certificate for each row, by the one enrollment flow. */
import { z } from 'zod';
import { enroll } from '../../enrollment/enroll.js';
import type { EnrollmentResult } from '../../enrollment/result.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from '../../enrollment/target.js';
import { GatewayError, HttpError } from '../../errors.js';
import { createIdentifier } from '../../identifier.js';
import { generatedKeyTypeSchema } from '../../model/key-constraints.js';
import { nameSchema } from '../../model/label.js';
import { decodeCertificate, fingerprint } from '../../x509/certificate.js';
import { formatName } from '../../x509/names.js';
import { archiveOptionsSchema, prepareProtection } from '../archive/protection.js';
import type { JobKind, PreparedJob, RowContext, RowResult } from '../job-kind.js';
import { issueRowSchema, readIssueRow } from './issue-row.js';

const issueOptionsSchema = z
  .strictObject({
    policy: z.string().min(1).max(129).describe('label of the certificate policy: `<policy>` or `<policy>~<group>`'),
    keys: z
      .enum(['csr', 'gateway'])
      .describe('whether each row brings a PKCS #10 request, or the gateway makes its key'),
    keyType: generatedKeyTypeSchema
      .optional()
      .describe("of the keys that the gateway makes; the policy's where absent"),
    profile: nameSchema.optional().describe('the certificate profile, where the policy has several'),
    archive: archiveOptionsSchema.optional().describe('who can read the keys that the gateway makes: needed for those'),
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
    prepare: (options, { jobId }) => prepare(options, jobId, services),
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
          ...(profile === undefined ? {} : { profileHint: profile }),
          ...(keys === 'gateway' ? { generateKey: keyType === undefined ? {} : { type: keyType } } : {}),
          accompanying: (result) => context.done(rowResult(result)),
        },
        services,
      );
      // It is sealed by now, and nobody else needs it.
      if (result.outcome === 'issued') result.generatedKey?.pkcs8.fill(0);
    },
  };
}

async function prepare(
  options: IssueOptions,
  jobId: string,
  services: EnrollmentServices,
): Promise<PreparedJob<IssueOptions>> {
  const { archive, ...kept } = options;
  requireFit(options, findTarget(services.catalog(), options.policy));
  if (archive === undefined) return { options: kept };
  const { clock, sealing } = services;
  return { options: kept, ...(await prepareProtection(archive, { jobId, now: clock.now(), sealing })) };
}

/** What would make every row fail, the job is refused for. */
function requireFit({ keys, keyType, archive }: IssueOptions, { resolved }: EnrollmentTarget): void {
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
  if (keys === 'gateway' && archive === undefined) {
    throw unfit('keys that the gateway makes need archive, with a recipient or a password that protects them');
  }
  if (keys === 'csr' && (archive !== undefined || keyType !== undefined)) {
    throw unfit('archive and keyType are for keys that the gateway makes; leave them out');
  }
}

function unfit(message: string): HttpError {
  return new HttpError(422, 'malformed-request', message);
}

function operatorOf(device: string | undefined, { actor }: RowContext<IssueOptions>) {
  const { name, person } = actor;
  return { kind: 'operator', name, person, ...(device === undefined ? {} : { device }) } as const;
}

function rowResult(result: EnrollmentResult): RowResult {
  // The policy was changed since the job was submitted. Thrown before the commit, so that nothing waits.
  if (result.outcome === 'pending') {
    throw new GatewayError(
      'invalid-state',
      'the policy now wants people to approve requests, which rows cannot wait for',
    );
  }
  const { certificate, serialNumber, device, generatedKey } = result;
  const { subject, notAfter } = decodeCertificate(certificate);
  return {
    values: {
      issuedTo: device ?? '',
      issuedSubject: formatName(subject),
      serialNumber,
      validUntil: notAfter.toISOString().replace(/\.\d+Z$/, 'Z'),
      fingerprint: fingerprint(certificate),
    },
    certificate,
    ...(generatedKey === undefined ? {} : { privateKey: generatedKey.pkcs8 }),
  };
}
