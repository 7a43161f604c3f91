/** Devices: those on record, registration and changes. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { changeDevice, deleteDevice } from '../devices/change-device.js';
import { describeDevice } from '../devices/describe-device.js';
import { type FieldChanges, type Fields, fieldsOf, withChanges } from '../devices/fields.js';
import type { DeviceOrder } from '../devices/in-order.js';
import { type DeviceSelection, listDevices } from '../devices/list.js';
import { registerDevice } from '../devices/register-device.js';
import { HttpError } from '../errors.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-record.js';
import { deviceActionOperations } from './device-actions.js';
import { deviceHistoryOperations } from './device-history.js';
import { deviceResource, findUnchangedDevice, findVisibleDevice, requireVisibleGroup } from './device-resource.js';
import {
  deviceChangesSchema,
  deviceListQuery,
  deviceParams,
  deviceSchema,
  deviceWithCertificatesSchema,
  newDeviceSchema,
} from './device-schemas.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortedPage } from './sorted-list.js';

const tag = 'Devices';

export function deviceOperations(services: ApiServices): readonly Operation[] {
  return [
    listOperation(services),
    registerOperation(services),
    getOperation(services),
    changeOperation(services),
    deleteOperation(services),
    ...deviceActionOperations(services),
    ...deviceHistoryOperations(services),
  ];
}

function listOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'listDevices',
    method: 'get',
    path: '/devices',
    tag,
    summary: 'List devices',
    description:
      'Those that fit all that is given. For a dynamic group its filter is evaluated now. A page may be short, or empty, and still have a `next`.',
    permission: 'device:read',
    status: 200,
    query: deviceListQuery,
    answer: pageOf(deviceSchema),
    refusals: { 422: 'there is no such division or device group' },
    handle: async ({ query, scope }) => {
      const page = askedPage(query, devicePosition);
      const selection = readSelection(query, scope, services);
      const { devices, next } = await listDevices({ selection, ...page }, services);
      return sortedPage(devices.map(describeDevice), query.sort, next);
    },
  });
}

function registerOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'registerDevice',
    method: 'post',
    path: '/devices',
    tag,
    summary: 'Register a device',
    description:
      'Beforehand, for policies with `devices: registered`; others register devices at their first enrollment.',
    permission: 'device:register',
    status: 201,
    body: newDeviceSchema,
    answer: deviceWithCertificatesSchema,
    refusals: {
      409: 'the division has a device of this name, or the group takes no new devices',
      422: 'there is no such device group',
    },
    handle: async ({ body, scope, actor }) => {
      requireVisibleGroup(body.group, scope, services);
      const device = await registerDevice(
        {
          name: body.name,
          group: body.group,
          identifiers: new Map(Object.entries(body.identifiers)),
          attributes: new Map(Object.entries(body.attributes)),
          actor,
        },
        services,
      );
      return { value: await deviceResource(device, services), location: `/devices/${device.id}` };
    },
  });
}

function getOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'getDevice',
    method: 'get',
    path: '/devices/{id}',
    tag,
    summary: 'Show a device',
    permission: 'device:read',
    status: 200,
    isTagged: true,
    params: deviceParams,
    answer: deviceWithCertificatesSchema,
    handle: async (call) => ({ value: await deviceResource(await findVisibleDevice(call, services), services) }),
  });
}

function changeOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'changeDevice',
    method: 'patch',
    path: '/devices/{id}',
    tag,
    summary: 'Change identifiers and attributes',
    description:
      'A JSON merge patch (RFC 7396). Certificates that the device has keep saying what they say. Its name cannot be changed, since certificates say it; for the group see move, for the state suspend, resume and retire.',
    permission: 'device:write',
    status: 200,
    isTagged: true,
    params: deviceParams,
    body: deviceChangesSchema,
    answer: deviceWithCertificatesSchema,
    refusals: { 409: 'the device is retired', 422: 'what cannot be changed so differs' },
    handle: async (call) => {
      const device = await findUnchangedDevice(call, services);
      const { identifiers, attributes, ...others } = call.body;
      requireSame(device, others);
      const changed = await changeDevice(
        {
          device,
          identifiers: merged(device.identifiers, identifiers),
          attributes: merged(device.attributes, attributes),
          actor: call.actor,
        },
        services,
      );
      return { value: await deviceResource(changed, services) };
    },
  });
}

function deleteOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'deleteDevice',
    method: 'delete',
    path: '/devices/{id}',
    tag,
    summary: 'Delete a device that was registered by mistake',
    description: 'Only one that never had a certificate. Others are retired, and stay on record.',
    permission: 'device:write',
    status: 204,
    isTagged: true,
    params: deviceParams,
    refusals: { 409: 'the device has had certificates' },
    handle: async (call) => {
      const device = await findUnchangedDevice(call, services);
      await deleteDevice({ device, actor: call.actor }, services);
      return {};
    },
  });
}

function devicePosition({ by }: DeviceOrder) {
  return z.strictObject({ value: by === 'name' ? z.string().max(255) : z.int(), id: z.string().max(64) });
}

function readSelection(
  { division, group, state, name, search, identifier }: z.output<typeof deviceListQuery>,
  scope: Scope,
  services: ApiServices,
): DeviceSelection {
  const isVisible = (each: string) => covers(scope, each);
  if (division !== undefined && !(services.catalog().divisions.has(division) && isVisible(division))) {
    throw new HttpError(422, 'malformed-request', `there is no division ${quote(division)}`);
  }
  const [, identifierName, value] = /^([^=]+)=(.+)$/su.exec(identifier ?? '') ?? [];
  return {
    isVisible,
    ...(division === undefined ? {} : { division }),
    ...(group === undefined ? {} : { group: requireVisibleGroup(group, scope, services) }),
    ...(state === undefined ? {} : { state }),
    ...(name === undefined ? {} : { name }),
    ...(search === undefined ? {} : { search }),
    ...(identifierName === undefined || value === undefined ? {} : { identifier: { name: identifierName, value } }),
  };
}

/** @throws HttpError 422 */
function requireSame(
  { name, division, groupName, state }: DeviceRecord,
  wanted: Omit<z.output<typeof deviceChangesSchema>, 'identifiers' | 'attributes'>,
): void {
  const same = { name, division, group: groupName, state };
  for (const member of ['name', 'division', 'group', 'state'] as const) {
    if (wanted[member] === undefined || wanted[member] === same[member]) continue;
    throw new HttpError(422, 'malformed-request', howElse[member]);
  }
}

const howElse = {
  name: 'the name of a device cannot be changed, since certificates say it; retire the device, and register another one',
  division: 'a device changes its division by a move to a group of it; post to its move',
  group: 'a device changes its group by a move; post to its move',
  state: 'a device changes its state by what it does, and by suspend, resume and retire; post to one of them',
} as const;

function merged(before: string, changes: Readonly<Record<string, string | null>> | null | undefined): Fields {
  if (changes === null) return new Map();
  const wanted: FieldChanges = new Map(Object.entries(changes ?? {}));
  return withChanges(fieldsOf(before), wanted);
}
