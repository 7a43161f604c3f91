/** Devices as the management API writes and takes them. */

import { z } from 'zod';
import { shownStatuses } from '../certificates/status.js';
import { deviceStates } from '../model/device.js';
import { nameSchema } from '../model/label.js';
import { pageQuery } from './page.js';
import { sortBy } from './sorted-list.js';

const time = z.iso.datetime().describe('RFC 3339, in UTC');
const fields = (what: string) =>
  z.record(z.string(), z.string()).describe(`${what}; at most 32, each value of 1 to 255 characters`);
const identifiers = fields('serial number, hardware id, MAC address …, by the names that profiles use for them');
const attributes = fields('what else profiles and dynamic groups go by');
const deviceName = z.string().min(1).max(255).describe('as its credential, serial number or common name has it');

export const deviceParams = z.strictObject({ id: z.string().max(64).describe("the device's id") });

export const deviceSchema = z
  .strictObject({
    id: z.string(),
    name: deviceName,
    division: nameSchema,
    group: nameSchema.describe('the static group that it is in'),
    state: z.enum(deviceStates),
    identifiers,
    attributes,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'DeviceOutline' });

export const deviceWithCertificatesSchema = deviceSchema
  .extend({
    certificates: z
      .strictObject({
        valid: z.int().describe('neither revoked, held nor expired'),
        held: z.int(),
        validUntil: time.optional().describe('when the last of the valid ones ends'),
      })
      .describe('how many it has now'),
  })
  .meta({ id: 'Device' });

export const newDeviceSchema = z
  .strictObject({
    name: deviceName,
    group: nameSchema.describe('a static device group; it also says the division'),
    identifiers: identifiers.default({}),
    attributes: attributes.default({}),
  })
  .meta({ id: 'NewDevice' });

const changes = (what: string) =>
  z
    .record(z.string(), z.string().nullable())
    .nullable()
    .optional()
    .describe(`${what} to set; null for one that is to go, or for all`);

/** What cannot be changed so may be there as it is: who has read the device may send all of it. */
export const deviceChangesSchema = z
  .strictObject({
    identifiers: changes('identifiers'),
    attributes: changes('attributes'),
    name: z.string().optional().describe('only as it is: certificates say it'),
    division: z.string().optional().describe('only as it is: see move'),
    group: z.string().optional().describe('only as it is: see move'),
    state: z.string().optional().describe('only as it is: see suspend, resume and retire'),
  })
  .meta({ id: 'DeviceChanges' });

export const deviceListQuery = z.strictObject({
  ...pageQuery,
  division: z.string().max(64).optional(),
  group: z.string().max(64).optional().describe('a static or dynamic device group'),
  state: z.enum(deviceStates).optional(),
  name: z.string().min(1).max(255).optional().describe('the whole name'),
  search: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('part of the name or of the value of an identifier, in upper or lower case'),
  identifier: z
    .string()
    .max(400)
    .regex(/^[^=]+=.+$/su, 'name=value is expected, such as serial=4711')
    .optional()
    .describe('an identifier with its whole value: `serial=4711`'),
  sort: sortBy(['name', 'createdAt', 'updatedAt']).default('name'),
});

export const retiredDeviceSchema = z
  .strictObject({ device: deviceWithCertificatesSchema, revokedCount: z.int() })
  .meta({ id: 'RetiredDevice' });

export const deviceCompromiseSchema = z
  .strictObject({
    since: z.iso
      .datetime({ offset: true, message: 'a date and time as RFC 3339 has it' })
      .optional()
      .describe('since when its keys are suspected (the invalidity date of RFC 5280 5.3.2): not in the future'),
  })
  .meta({ id: 'DeviceCompromise' });

export const compromisedDeviceSchema = z
  .strictObject({
    device: deviceWithCertificatesSchema,
    revokedCount: z.int().describe('certificates: also those that were held, expired or revoked for another reason'),
    credentialCount: z.int().describe('credentials that were revoked'),
    accountCount: z.int().describe('ACME accounts that were revoked'),
    requestCount: z.int().describe('requests that were withdrawn'),
    keyCount: z.int().describe('keys that were destroyed: those that jobs had made for it and nobody has fetched'),
  })
  .meta({ id: 'CompromisedDevice' });

export const deviceMoveSchema = z
  .strictObject({
    group: nameSchema.describe('a static device group; it also says the division'),
    certificates: z
      .enum(['report', 'revoke'])
      .default('report')
      .describe('those that do not fit there are named, or revoked (affiliationChanged) as well'),
    dryRun: z.boolean().default(false).describe('says what would not fit, and changes nothing'),
  })
  .meta({ id: 'DeviceMove' });

export const movedDeviceSchema = z
  .strictObject({
    device: deviceWithCertificatesSchema,
    unfit: z
      .array(
        z.strictObject({
          id: z.string(),
          serialNumber: z.string(),
          subject: z.string(),
          policy: z.string(),
          reason: z.string().describe('why it does not fit there'),
        }),
      )
      .describe('the first thousand'),
    unfitCount: z.int(),
    revokedCount: z.int(),
  })
  .meta({ id: 'MovedDevice' });

export const certificateOfDeviceSchema = z
  .strictObject({
    id: z.string(),
    issuer: z.string().describe('the generation of the CA'),
    serialNumber: z.string().describe('lower-case hex'),
    status: z.enum(shownStatuses),
    subject: z.string().describe('RFC 4514'),
    policy: z.string(),
    profile: z.string(),
    usage: z.string(),
    protocol: z.string(),
    issuedAt: time,
    notBefore: time,
    notAfter: time,
    revokedAt: time.optional(),
    revocationReason: z.string().optional().describe('RFC 5280 5.3.1'),
  })
  .meta({ id: 'CertificateOfDevice' });

export const eventOfDeviceSchema = z
  .strictObject({
    sequence: z.int().describe('its place in the audit log'),
    id: z.string(),
    at: time,
    action: z.string(),
    outcome: z.string(),
    subject: z.string().describe('the id of what it is about: the device, a certificate or a request'),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'EventOfDevice' });
