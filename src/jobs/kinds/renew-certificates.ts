/** Jobs that renew certificates in the place of their holders: those that are named, or all that fit a selection when the job runs. */
import { z } from 'zod';
import type { RenewedKey } from '../../certificates/renew.js';
import { renewCertificate } from '../../certificates/renew.js';
import type { EnrollmentResult } from '../../enrollment/result.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError } from '../../errors.js';
import { nameSchema } from '../../model/label.js';
import type { CertificateRecord } from '../../store/certificate-record.js';
import type { JobKind, RowResult } from '../job-kind.js';
import { certificateSelectionSchema, checkSelection, selectCertificates } from './certificate-selection.js';
import { findNamedCertificate, namedColumns, namedFields } from './named-certificate.js';
import { requireDivision } from './require-division.js';
import { madeKeyOptions, prepareArchive, requireMadeKeysFit, rowResult, wipeKey } from './row-of-certificate.js';

const renewOptionsSchema = z
  .strictObject({
    division: nameSchema.describe('whose certificates they are: their policy is of this division'),
    keys: z
      .enum(['device', 'gateway'])
      .default('device')
      .describe(
        "device: the certificate's own key, or that of the row's CSR; gateway: a new one that the gateway makes",
      ),
    ...madeKeyOptions,
  })
  .meta({ id: 'RenewCertificatesOptions' });
type RenewOptions = z.output<typeof renewOptionsSchema>;

const renewRowSchema = z
  .strictObject({
    certificate: z.string().min(1).max(255).optional(),
    ...namedFields,
    csr: z.string().min(1).max(65_536).optional(),
  })
  .refine((row) => isNamedOnce(row) && (row.issuer === undefined) === (row.serialNumber === undefined), {
    message: 'either certificate is needed, or issuer and serialNumber, or fingerprint',
  });
type RenewRow = z.output<typeof renewRowSchema>;

export function createRenewCertificates(
  services: EnrollmentServices,
): JobKind<typeof renewOptionsSchema, typeof renewRowSchema, typeof certificateSelectionSchema> {
  return {
    name: 'renew-certificates',
    summary: 'renew certificates with their names: for their keys, those of CSRs, or ones that the gateway makes',
    permission: 'certificate:renew',
    options: renewOptionsSchema,
    row: renewRowSchema,
    columns: [
      { name: 'certificate', meaning: 'its id in the inventory: the CA generation, a colon and the serial number' },
      ...namedColumns,
      {
        name: 'csr',
        meaning: 'PKCS #10 request, PEM, whose key the new certificate is for; not where keys is gateway',
      },
    ],
    resultColumns: ['issuedTo', 'issuedSubject', 'issuedSerialNumber', 'validUntil', 'issuedFingerprint'],
    selection: {
      schema: certificateSelectionSchema,
      check: (selection, division) => checkSelection(selection, division, services.catalog()),
      async *rows(selection, division) {
        for await (const record of selectCertificates(selection, division, services)) {
          if (await isToBeRenewed(record, services)) yield { certificate: record.id };
        }
      },
    },
    divisionOf: ({ division }) => requireDivision(division, services.catalog()),
    async prepare(options, { jobId }) {
      requireMadeKeysFit(options.keys, options);
      return await prepareArchive(options, jobId, services);
    },
    async perform(row, { division, options, actor, done }) {
      const key = keyOf(row, options);
      const certificateId = row.certificate ?? (await findNamedCertificate(row, division, services)).id;
      const result = await renewCertificate(
        {
          certificateId,
          key,
          scope: new Set([division]),
          actor,
          methods: ['batch'],
          accompanying: (renewed) => done(renewalResult(renewed)),
        },
        services,
      );
      wipeKey(result);
    },
  };
}

function isNamedOnce({
  certificate,
  serialNumber,
  fingerprint,
}: {
  readonly certificate?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly fingerprint?: string | undefined;
}): boolean {
  return [certificate, serialNumber, fingerprint].filter((way) => way !== undefined).length === 1;
}

function keyOf({ csr }: RenewRow, { keys, keyType }: RenewOptions): RenewedKey {
  if (keys === 'gateway') {
    if (csr === undefined) return { kind: 'gateway', type: keyType };
    throw new GatewayError('malformed-request', 'the row has a csr, and the gateway makes the keys of this job');
  }
  return csr === undefined ? { kind: 'same' } : { kind: 'csr', csr };
}

/** With names that the columns of rows do not have: both are in one file. */
function renewalResult(result: EnrollmentResult): RowResult {
  const { values, ...rest } = rowResult(result);
  const { serialNumber = '', fingerprint = '', ...others } = values;
  return { ...rest, values: { ...others, issuedSerialNumber: serialNumber, issuedFingerprint: fingerprint } };
}

/** Not what is on hold, nor what has a successor: another one would be too many. */
async function isToBeRenewed(
  { id, status, deviceId }: CertificateRecord,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<boolean> {
  if (status !== 'valid') return false;
  if (deviceId === null) return true;
  const at = clock.now().getTime();
  for (let after = ''; ; ) {
    const page = await store.certificates.unrevokedByDevice({ deviceId, at, after, limit: pageSize });
    if (page.some(({ replaces }) => replaces === id)) return false;
    if (page.length < pageSize) return true;
    after = page.at(-1)?.id ?? '';
  }
}

const pageSize = 100;
