/** Jobs that register devices. */
import { z } from 'zod';
import { registerDevice } from '../../devices/register-device.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError } from '../../errors.js';
import { nameSchema } from '../../model/label.js';
import { quote } from '../../policy/safe-text.js';
import type { JobKind } from '../job-kind.js';
import { requireDivision } from './require-division.js';

const registerOptionsSchema = z
  .strictObject({
    group: nameSchema.optional().describe('static device group of the rows that name none'),
    division: nameSchema.optional().describe("of all groups that are named; the group's where absent"),
  })
  .refine(({ group, division }) => group !== undefined || division !== undefined, {
    message: 'group or division is needed',
  })
  .meta({ id: 'RegisterDevicesOptions' });

const fieldsSchema = z.record(z.string(), z.string()).optional();
const registerRowSchema = z.strictObject({
  name: z.string(),
  group: nameSchema.optional(),
  identifiers: fieldsSchema,
  attributes: fieldsSchema,
});

export function createRegisterDevices(
  services: Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>,
): JobKind<typeof registerOptionsSchema, typeof registerRowSchema> {
  const { catalog } = services;
  return {
    name: 'register-devices',
    summary: 'register devices, for policies that take registered devices only',
    permission: 'device:register',
    options: registerOptionsSchema,
    row: registerRowSchema,
    columns: [
      { name: 'name', isRequired: true, meaning: 'as its credential, serial number or common name will have it' },
      { name: 'group', meaning: 'its static device group, if it is another one than that of the job' },
    ],
    resultColumns: ['deviceId', 'deviceGroup'],
    divisionOf({ group: name, division }) {
      if (name === undefined) return requireDivision(division, catalog());
      const group = catalog().groups.get(name);
      if (group === undefined || (division !== undefined && group.division !== division)) throw noGroup(name);
      return group.division;
    },
    async perform({ name, group, identifiers = {}, attributes = {} }, context) {
      const groupName = group ?? context.options.group;
      if (groupName === undefined) {
        throw new GatewayError('malformed-request', 'group: it is in no group, as neither row nor job names one');
      }
      if (catalog().groups.get(groupName)?.division !== context.division) throw noGroup(groupName);
      await registerDevice(
        {
          name,
          group: groupName,
          identifiers: new Map(Object.entries(identifiers)),
          attributes: new Map(Object.entries(attributes)),
          actor: context.actor,
          accompanying: ({ id, groupName: deviceGroup }) => context.done({ values: { deviceId: id, deviceGroup } }),
        },
        services,
      );
    },
  };
}

function noGroup(name: string): GatewayError {
  return new GatewayError('not-found', `the division has no device group ${quote(name)}`);
}
