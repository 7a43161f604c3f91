/** What the inventory is asked by, as query parameters have it. */
import { z } from 'zod';
import type { Scope } from '../access/principal.js';
import type { CertificateQuery } from '../certificates/list.js';
import { shownStatuses } from '../certificates/status.js';
import { nameSchema } from '../model/label.js';
import { profileUsages } from '../model/policy.js';
import { methodSchema } from '../model/protocol-name.js';
import type { CertificateOrder } from '../store/certificate-search.js';
import { pageQuery } from './page.js';
import type { ApiServices } from './services.js';

const time = z.iso.datetime({ offset: true, message: 'a date and time as RFC 3339 has it' }).optional();
const text = z.string().min(1).max(255).optional();
const sha256 = z
  .string()
  .transform((digits) => digits.replaceAll(':', '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 in hex: 64 digits'))
  .optional();

const sorts = ['-issuedAt', 'issuedAt', '-notAfter', 'notAfter'] as const;
type Sort = (typeof sorts)[number];

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
  group: nameSchema.optional().describe('of the devices of this static group'),
  division: nameSchema.optional().describe('of the policies of this division'),
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
  sort: z.enum(sorts).default('-issuedAt').describe('`-` is for the latest first'),
});

/** A cursor is good for its own order only. */
export function certificatePlaceSchema(sort: Sort) {
  return z.strictObject({ at: z.int(), id: z.string().max(200), sort: z.literal(sort) });
}

export function readCertificateQuery(
  query: z.output<typeof certificateListQuery>,
  scope: Scope,
  { clock }: Pick<ApiServices, 'clock'>,
): CertificateQuery {
  const { search, fingerprint, issuer, group, status, sort } = query;
  const { limit: _limit, cursor: _cursor, issuedFrom, issuedBefore, expiresFrom, expiresBefore } = query;
  return {
    scope,
    order: orderOf(sort),
    ...given('subject', query.subject),
    ...given('name', query.name),
    ...given('serialNumber', query.serialNumber),
    ...given('keyFingerprint', query.keyFingerprint),
    ...given('deviceId', query.deviceId),
    ...given('division', query.division),
    ...given('policy', query.policy),
    ...given('profile', query.profile),
    ...given('usage', query.usage),
    ...given('protocol', query.protocol),
    ...given('text', search),
    ...given('certificateFingerprint', fingerprint),
    ...given('issuerId', issuer),
    ...given('deviceGroup', group),
    ...(status === undefined ? {} : { status: { is: status, at: clock.now().getTime() } }),
    issuedAt: { ...given('from', milliseconds(issuedFrom)), ...given('before', milliseconds(issuedBefore)) },
    notAfter: { ...given('from', milliseconds(expiresFrom)), ...given('before', milliseconds(expiresBefore)) },
  };
}

function orderOf(sort: Sort): CertificateOrder {
  const descending = sort.startsWith('-');
  return { by: sort.endsWith('issuedAt') ? 'issuedAt' : 'notAfter', descending };
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: Value });
}
