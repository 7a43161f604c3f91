/** What is done to devices: suspend, resume, retire, move, and what follows from a compromise. */
import { covers, type Principal, scopeOf } from '../access/principal.js';
import { compromiseDevice } from '../devices/compromise-device.js';
import { resumeDevice, suspendDevice } from '../devices/device-state.js';
import { requireDevice } from '../devices/find-device.js';
import { moveDevice } from '../devices/move-device.js';
import { retireDevice } from '../devices/retire-device.js';
import { publishRevocations } from '../devices/revocations.js';
import { GatewayError } from '../errors.js';
import { deviceResource, findUnchangedDevice, requireVisibleGroup } from './device-resource.js';
import {
  compromisedDeviceSchema,
  deviceCompromiseSchema,
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
  return [
    suspendOperation(services),
    resumeOperation(services),
    retireOperation(services),
    moveOperation(services),
    compromiseOperation(services),
  ];
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

function compromiseOperation(services: ApiServices): Operation {
  return defineOperation({
    ...action,
    id: 'compromiseDevice',
    path: '/devices/{id}/compromise',
    summary: 'End all that a compromised device could act with',
    description:
      'Needs `certificate:revoke` as well. Revokes all its certificates (keyCompromise) and the credentials bound to it, ends its ACME accounts, withdraws its requests and destroys keys that jobs hold for it; then it is suspended. OCSP and the CRLs say so with the answer.',
    body: deviceCompromiseSchema,
    answer: compromisedDeviceSchema,
    refusals: {
      409: 'the device is suspended or retired, and nothing is left that it could act with',
      422: 'since is in the future',
    },
    handle: async (call) => {
      const { id, division } = await findUnchangedDevice(call, services);
      requireRevocation(call.principal, division);
      const { since } = call.body;
      const compromise = { id, actor: call.actor, ...(since === undefined ? {} : { since: new Date(since) }) };
      const { certificates, ...counts } = await compromiseDevice(compromise, services);
      await publishRevocations(certificates, services);
      const device = await deviceResource(await requireDevice(id, services), services);
      return { value: { device, revokedCount: certificates.length, ...counts } };
    },
  });
}

function requireRevocation(principal: Principal, division: string): void {
  if (covers(scopeOf(principal, 'certificate:revoke'), division)) return;
  throw new GatewayError('forbidden', `this needs the permission certificate:revoke in division ${division} as well`);
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
