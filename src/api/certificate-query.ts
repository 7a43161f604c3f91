/** What the inventory is asked by, as query parameters have it. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { type CertificateQuery, ofGroup } from '../certificates/list.js';
import { shownStatuses } from '../certificates/status.js';
import { nameSchema } from '../model/label.js';
import { profileUsages } from '../model/policy.js';
import { methodSchema } from '../model/protocol-name.js';
import { requireVisibleGroup } from './device-resource.js';
import { pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { sortBy } from './sorted-list.js';

const time = z.iso.datetime({ offset: true, message: 'a date and time as RFC 3339 has it' }).optional();
const text = z.string().min(1).max(255).optional();
const sha256 = z
  .string()
  .transform((digits) => digits.replaceAll(':', '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 in hex: 64 digits'))
  .optional();

export const certificateListQuery = z.strictObject({
  ...pageQuery,
  search: text.describe('a part of the subject or of a subject alternative name; letters A to Z in either case'),
  subject: text.describe('a part of the subject (RFC 4514 text); letters A to Z in either case'),
  name: text.describe('a whole subject alternative name: `pump-1.example`, or with its type, `dns:pump-1.example`'),
  serialNumber: z
    .string()
    .regex(/^(0x)?[0-9A-Fa-f: ]{1,120}$/, 'a serial number is hexadecimal digits')
    .optional()
    .describe('hex, as tools print it'),
  fingerprint: sha256.describe('SHA-256 of the certificate, hex with or without colons'),
  keyFingerprint: sha256.describe('SHA-256 of the SubjectPublicKeyInfo, hex with or without colons'),
  deviceId: text.describe('of this device'),
  device: text.describe('of the device of this whole name, in the division or else in all that you may look at'),
  group: nameSchema
    .optional()
    .describe('of the devices of this group, static or dynamic; of a dynamic one as it is now'),
  division: nameSchema
    .optional()
    .describe('of the policies of this division; with `device` the division of the device'),
  policy: nameSchema.optional(),
  profile: nameSchema.optional(),
  usage: z.enum([...profileUsages, 'service']).optional(),
  issuer: nameSchema.optional().describe('of this CA generation, such as `quickstart-ec-1`'),
  protocol: methodSchema.optional(),
  status: z.enum(shownStatuses).optional(),
  issuedFrom: time.describe('issued then or later'),
  issuedBefore: time,
  expiresFrom: time.describe('ends then or later'),
  expiresBefore: time,
  sort: sortBy(['issuedAt', 'notAfter']).default('-issuedAt'),
});

const positionSchema = z.strictObject({ at: z.int(), id: z.string().max(200) });

/** The position in a list of certificates, whatever it is sorted by. */
export const certificatePosition = () => positionSchema;

/** All but the order. @throws HttpError 422 for a group that is not there */
export async function readCertificateQuery(
  query: z.output<typeof certificateListQuery>,
  scope: Scope,
  services: ApiServices,
): Promise<Omit<CertificateQuery, 'order'>> {
  const { search, fingerprint, issuer, device, group, division, status } = query;
  const { issuedFrom, issuedBefore, expiresFrom, expiresBefore } = query;
  return {
    scope,
    ...(device === undefined
      ? given('division', division)
      : { deviceIds: await findDeviceIds({ name: device, division }, scope, services) }),
    ...(group === undefined ? {} : ofGroup(requireVisibleGroup(group, scope, services))),
    ...given('subject', query.subject),
    ...given('name', query.name),
    ...given('serialNumber', query.serialNumber),
    ...given('keyFingerprint', query.keyFingerprint),
    ...given('deviceId', query.deviceId),
    ...given('policy', query.policy),
    ...given('profile', query.profile),
    ...given('usage', query.usage),
    ...given('protocol', query.protocol),
    ...given('text', search),
    ...given('certificateFingerprint', fingerprint),
    ...given('issuerId', issuer),
    ...(status === undefined ? {} : { status: { is: status, at: services.clock.now().getTime() } }),
    issuedAt: { ...given('from', milliseconds(issuedFrom)), ...given('before', milliseconds(issuedBefore)) },
    notAfter: { ...given('from', milliseconds(expiresFrom)), ...given('before', milliseconds(expiresBefore)) },
  };
}

/** A name is a device's own within a division only. */
async function findDeviceIds(
  { name, division }: { readonly name: string; readonly division: string | undefined },
  scope: Scope,
  { store, catalog }: Pick<ApiServices, 'store' | 'catalog'>,
): Promise<readonly string[]> {
  const divisions = division === undefined ? [...catalog().divisions.keys()] : [division];
  const visible = divisions.filter((each) => covers(scope, each));
  const found = await Promise.all(visible.map((each) => store.devices.findByName({ division: each, name })));
  return found.flatMap((device) => device?.id ?? []);
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: Value });
}
