/** Jobs that revoke certificates: those that are named, or all that fit a selection when the job runs. */
import { z } from 'zod';
import { byActor } from '../../audit/actor.js';
import { certificateEvent } from '../../enrollment/certificate-event.js';
import { type CertificateHolder, holderOf } from '../../enrollment/certificate-holder.js';
import { finalReasons } from '../../enrollment/revocation-reason.js';
import { revocationStatements } from '../../enrollment/revoke.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError, OvertakenError } from '../../errors.js';
import { nameSchema } from '../../model/label.js';
import { quote } from '../../policy/safe-text.js';
import type { CertificateRecord } from '../../store/certificate-record.js';
import type { AuditRecord } from '../../store/change.js';
import type { JobKind, RowContext } from '../job-kind.js';
import { certificateSelectionSchema, checkSelection, selectCertificates } from './certificate-selection.js';
import { findNamedCertificate, namedColumns, namedFields } from './named-certificate.js';
import { requireDivision } from './require-division.js';

const reasonSchema = z.enum(finalReasons);

const revokeOptionsSchema = z
  .strictObject({
    division: nameSchema.describe('whose certificates they are: their policy is of this division'),
    reason: reasonSchema.default('unspecified').describe('of the rows that give none (RFC 5280 5.3.1)'),
  })
  .meta({ id: 'RevokeCertificatesOptions' });

const revokeRowSchema = z
  .strictObject({
    ...namedFields,
    device: z.string().optional(),
    reason: reasonSchema.optional(),
  })
  .refine((row) => waysToName(row) === 1 && (row.issuer === undefined) === (row.serialNumber === undefined), {
    message: 'either issuer and serialNumber are needed, or fingerprint, or device',
  });
type RevokeRow = z.output<typeof revokeRowSchema>;

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

export function createRevokeCertificates(
  services: Services,
): JobKind<typeof revokeOptionsSchema, typeof revokeRowSchema, typeof certificateSelectionSchema> {
  const { store, clock, catalog } = services;
  return {
    name: 'revoke-certificates',
    summary: 'revoke certificates for good, or all of a device',
    permission: 'certificate:revoke',
    options: revokeOptionsSchema,
    row: revokeRowSchema,
    columns: [
      ...namedColumns,
      { name: 'device', meaning: 'the name of a device, in place of these: all its valid certificates' },
      { name: 'reason', meaning: `${finalReasons.join(', ')}; that of the job where empty` },
    ],
    resultColumns: ['revoked'],
    selection: {
      schema: certificateSelectionSchema,
      check: (selection, division) => checkSelection(selection, division, catalog()),
      async *rows(selection, division) {
        for await (const { issuerId, serialNumber } of selectCertificates(selection, division, services)) {
          yield { issuer: issuerId, serialNumber };
        }
      },
    },
    divisionOf: ({ division }) => requireDivision(division, catalog()),
    async perform(row, context) {
      const certificates = await findCertificates(row, context.division, services);
      const [first] = certificates;
      const holder = first ? await holderOf(first, store) : {};
      const at = clock.now();
      const reason = row.reason ?? context.options.reason;
      const done = context.done({ values: { revoked: String(certificates.length) } });
      try {
        await store.commit({
          statements: [
            ...certificates.flatMap((record) => revocationStatements(record, { at, reason }, store)),
            ...done,
          ],
          audit: certificates.map((record) => revocationEvent(record, { at, reason, holder }, context)),
        });
      } catch (error) {
        // Somebody else has revoked one of them; the device's others are still to be.
        if (row.device === undefined || !(error instanceof GatewayError) || error.code !== 'already-revoked')
          throw error;
        throw new OvertakenError({ cause: error });
      }
    },
  };
}

/** One commit has no more. */
const mostOfDevice = 100;

function waysToName({
  serialNumber,
  fingerprint,
  device,
}: {
  readonly serialNumber?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly device?: string | undefined;
}): number {
  return [serialNumber, fingerprint, device].filter((way) => way !== undefined).length;
}

async function findCertificates(
  row: RevokeRow,
  division: string,
  services: Services,
): Promise<readonly CertificateRecord[]> {
  if (row.device !== undefined) return await certificatesOfDevice(row.device, division, services);
  const record = await findNamedCertificate(row, division, services);
  if (record.status === 'revoked') throw new GatewayError('already-revoked', 'the certificate is already revoked');
  return [record];
}

async function certificatesOfDevice(
  name: string,
  division: string,
  { store, clock }: Services,
): Promise<readonly CertificateRecord[]> {
  const device = await store.devices.findByName({ division, name });
  if (device === undefined) throw new GatewayError('not-found', `division ${division} has no device ${quote(name)}`);
  const found = await store.certificates.unrevokedByDevice({
    deviceId: device.id,
    at: clock.now().getTime(),
    after: '',
    limit: mostOfDevice + 1,
  });
  if (found.length === 0) throw new GatewayError('already-revoked', 'the device has no valid certificate');
  if (found.length <= mostOfDevice) return found;
  throw new GatewayError(
    'invalid-state',
    `the device has more than ${mostOfDevice} valid certificates; retire it, or select them by the job`,
  );
}

function revocationEvent(
  record: CertificateRecord,
  { at, reason, holder }: { readonly at: Date; readonly reason: string; readonly holder: CertificateHolder },
  { actor, row }: RowContext<unknown>,
): AuditRecord {
  return certificateEvent('certificate.revoked', record, { at, holder }, { reason, ...byActor(actor), row });
}
