/** What is done to devices: suspend, resume, retire, move. */
import { resumeDevice, suspendDevice } from '../devices/device-state.js';
import { requireDevice } from '../devices/find-device.js';
import { moveDevice } from '../devices/move-device.js';
import { retireDevice } from '../devices/retire-device.js';
import { publishRevocations } from '../devices/revocations.js';
import { deviceResource, findUnchangedDevice, requireVisibleGroup } from './device-resource.js';
import {
  deviceMoveSchema,
  deviceParams,
  deviceWithCertificatesSchema,
  movedDeviceSchema,
  retiredDeviceSchema,
} from './device-schemas.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

/** What all of them have in common. */
const action = {
  method: 'post',
  tag: 'Devices',
  permission: 'device:write',
  status: 200,
  isTagged: true,
  params: deviceParams,
} as const;

export function deviceActionOperations(services: ApiServices): readonly Operation[] {
  return [suspendOperation(services), resumeOperation(services), retireOperation(services), moveOperation(services)];
}

function suspendOperation(services: ApiServices): Operation {
  return defineOperation({
    ...action,
    id: 'suspendDevice',
    path: '/devices/{id}/suspend',
    summary: 'Suspend a device',
    description: 'It enrolls and renews no more, until it is resumed. Its certificates stay valid.',
    answer: deviceWithCertificatesSchema,
    refusals: { 409: 'the device is suspended already, or retired' },
    handle: async (call) => {
      const { id } = await findUnchangedDevice(call, services);
      await suspendDevice({ id, actor: call.actor }, services);
      return { value: await deviceResource(await requireDevice(id, services), services) };
    },
  });
}

function resumeOperation(services: ApiServices): Operation {
  return defineOperation({
    ...action,
    id: 'resumeDevice',
    path: '/devices/{id}/resume',
    summary: 'Resume a suspended device',
    answer: deviceWithCertificatesSchema,
    refusals: { 409: 'the device is not suspended' },
    handle: async (call) => {
      const { id } = await findUnchangedDevice(call, services);
      await resumeDevice({ id, actor: call.actor }, services);
      return { value: await deviceResource(await requireDevice(id, services), services) };
    },
  });
}

function retireOperation(services: ApiServices): Operation {
  return defineOperation({
    ...action,
    id: 'retireDevice',
    path: '/devices/{id}/retire',
    summary: 'Retire a device for good',
    description:
      'Revokes all its certificates (cessationOfOperation), held ones too; they are on the CRLs with the answer.',
    answer: retiredDeviceSchema,
    refusals: { 409: 'the device is retired already, and nothing of it is valid' },
    handle: async (call) => {
      const { id } = await findUnchangedDevice(call, services);
      const revoked = await retireDevice({ id, actor: call.actor }, services);
      await publishRevocations(revoked, services);
      const device = await deviceResource(await requireDevice(id, services), services);
      return { value: { device, revokedCount: revoked.length } };
    },
  });
}

function moveOperation(services: ApiServices): Operation {
  return defineOperation({
    ...action,
    id: 'moveDevice',
    path: '/devices/{id}/move',
    summary: 'Move a device to another group or division',
    description:
      'Its certificates are evaluated again, and those that do not fit there are named with the reason, or revoked as well. To the group that it is in, only that is done.',
    body: deviceMoveSchema,
    answer: movedDeviceSchema,
    refusals: {
      409: 'the device is retired, the group takes no new devices, its division has a device of this name, or is production and the other is not',
      422: 'there is no such device group',
    },
    handle: async (call) => {
      const { id } = await findUnchangedDevice(call, services);
      const { group, certificates, dryRun } = call.body;
      requireVisibleGroup(group, call.scope, services);
      const moved = await moveDevice({ id, group, certificates, dryRun, actor: call.actor }, services);
      await publishRevocations(moved.revoked, services);
      return {
        value: {
          device: await deviceResource(moved.device, services),
          unfit: moved.unfit.map(({ certificate, reason }) => ({
            id: certificate.id,
            serialNumber: certificate.serialNumber,
            subject: certificate.subject,
            policy: certificate.policy,
            reason,
          })),
          unfitCount: moved.unfitCount,
          revokedCount: moved.revoked.length,
        },
      };
    },
  });
}
