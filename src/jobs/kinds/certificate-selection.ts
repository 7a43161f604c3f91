/** Certificates that a job works on because of what they are, in place of a file that names them. */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.js';
import { eachDeviceOf } from '../../devices/select.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError, HttpError } from '../../errors.js';
import type { DeviceGroup } from '../../model/device-group.js';
import { nameSchema } from '../../model/label.js';
import { quote } from '../../policy/safe-text.js';
import type { CertificateRecord } from '../../store/certificate-record.js';

export const certificateSelectionSchema = z
  .strictObject({
    group: nameSchema.optional().describe('those of the devices that are in this group when the job runs'),
    policy: nameSchema.optional().describe('those issued under this policy'),
    profile: nameSchema.optional().describe('those of this certificate profile'),
    issuer: z.string().optional().describe('those of this CA generation, such as quickstart-ec-1'),
    issuedBefore: z.iso.datetime({ offset: true }).optional().describe('those issued before'),
    expiresBefore: z.iso.datetime({ offset: true }).optional().describe('those whose validity ends before'),
  })
  .refine((selection) => Object.keys(selection).length > 0, { message: 'at least one condition is needed' })
  .meta({ id: 'CertificateSelection', description: 'Valid certificates and held ones that fit every condition.' });
type CertificateSelection = z.output<typeof certificateSelectionSchema>;

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

const pageSize = 500;

/** Of the division alone, a page at a time. @throws GatewayError `not-found` for a group or policy that it has not got */
export async function* selectCertificates(
  selection: CertificateSelection,
  division: string,
  services: Services,
): AsyncGenerator<CertificateRecord> {
  const { policies, groups } = services.catalog();
  const missing = missingIn(selection, division, services.catalog());
  if (missing !== undefined) throw new GatewayError('not-found', missing);
  const belongs = ({ policy: name }: CertificateRecord) => policies.get(name)?.policy.division === division;
  const found = selection.group === undefined ? undefined : groups.get(selection.group);
  const now = services.clock.now().getTime();
  const source = found === undefined ? ofInventory(selection, services) : ofGroup(found, now, services);
  for await (const record of source) {
    if (belongs(record) && isUsable(record, now) && fits(record, selection)) yield record;
  }
}

/** When it is submitted: what another division has is not there. @throws HttpError 422 */
export function checkSelection(selection: CertificateSelection, division: string, catalog: Catalog): void {
  const missing = missingIn(selection, division, catalog);
  if (missing !== undefined) throw new HttpError(422, 'malformed-request', `select: ${missing}`);
}

/** What it names and the division has not got, in words. */
function missingIn(
  { group, policy }: CertificateSelection,
  division: string,
  { policies, groups }: Catalog,
): string | undefined {
  if (policy !== undefined && policies.get(policy)?.policy.division !== division) {
    return `the division has no policy ${quote(policy)}`;
  }
  if (group !== undefined && groups.get(group)?.division !== division) {
    return `the division has no device group ${quote(group)}`;
  }
  return undefined;
}

function isUsable({ status, notAfter, usage }: CertificateRecord, now: number): boolean {
  return status !== 'revoked' && notAfter >= now && usage !== 'service';
}

function fits(
  record: CertificateRecord,
  { policy, profile, issuer, issuedBefore, expiresBefore }: CertificateSelection,
) {
  return (
    (policy === undefined || record.policy === policy) &&
    (profile === undefined || record.profile === profile) &&
    (issuer === undefined || record.issuerId === issuer) &&
    (issuedBefore === undefined || record.issuedAt < Date.parse(issuedBefore)) &&
    (expiresBefore === undefined || record.notAfter < Date.parse(expiresBefore))
  );
}

async function* ofInventory(
  { policy, profile, issuer }: CertificateSelection,
  { store }: Services,
): AsyncGenerator<CertificateRecord> {
  const filter = {
    ...(policy === undefined ? {} : { policy }),
    ...(profile === undefined ? {} : { profile }),
    ...(issuer === undefined ? {} : { issuerId: issuer }),
  };
  for (let after: CertificateRecord | undefined; ; ) {
    const page = await store.certificates.list({ ...filter, ...(after ? { after } : {}), limit: pageSize });
    yield* page;
    after = page.at(-1);
    if (page.length < pageSize) return;
    // Reads hold the event loop up: devices get it between them.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function* ofGroup(group: DeviceGroup, now: number, services: Services): AsyncGenerator<CertificateRecord> {
  for await (const { id } of eachDeviceOf(group, services)) {
    for (let after = ''; ; ) {
      const slot = { deviceId: id, at: now, after, limit: pageSize };
      const page = await services.store.certificates.unrevokedByDevice(slot);
      yield* page;
      if (page.length < pageSize) break;
      after = page.at(-1)?.id ?? '';
    }
  }
}
