/** Moves devices to other groups, also of other divisions, and sees to the certificates that do not fit there. */
import type { Actor } from '../audit/actor.js';
import { deviceOf } from '../enrollment/device.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import { quote } from '../policy/safe-text.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import { deviceEvent } from './device-event.js';
import { requireDevice, requireNotRetired } from './find-device.js';
import { requireOpenGroup } from './open-group.js';
import { whileOvertaken } from './overtaken.js';
import { revocationsOf, revokedAtOnce } from './revocations.js';
import { type UnfitCertificate, unfitCertificates } from './unfit-certificates.js';

export interface DeviceMove {
  readonly id: string;
  /** A static one; it also says the division. */
  readonly group: string;
  /** What becomes of certificates that do not fit there: they are named, or revoked (affiliationChanged) as well. */
  readonly certificates: 'report' | 'revoke';
  /** Says what would not fit, and changes nothing. */
  readonly dryRun?: boolean;
  readonly actor: Actor;
}

export interface DeviceMoved {
  /** As it is afterwards. */
  readonly device: DeviceRecord;
  /** The first thousand of those that do not fit, by their ids. */
  readonly unfit: readonly UnfitCertificate[];
  readonly unfitCount: number;
  /** Their CRLs are due. */
  readonly revoked: readonly CertificateRecord[];
}

type MoveServices = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

const maximumReported = 1000;

/**
 * The move is committed first, with the first of the revocations; from then on the device gets nothing more by where it was, so
 * that what does not fit then is all there is. What a crash leaves unrevoked, the same move finds again: one to the group that
 * the device is in already changes nothing but that.
 * @throws GatewayError `not-found`, `invalid-state` for a group that takes no new devices, for a retired device, and between
 * production and non-production, `duplicate-request` where the other division has a device of this name
 */
export async function moveDevice(move: DeviceMove, services: MoveServices): Promise<DeviceMoved> {
  if (move.dryRun) return await tryOut(move, services);
  const found: UnfitCertificate[] = [];
  for (let isFirst = true; ; isFirst = false) {
    const batch = await whileOvertaken(() => moveFurther(move, isFirst, services));
    found.push(...batch);
    if (batch.length === 0) break;
  }
  const device = await requireDevice(move.id, services);
  if (move.certificates === 'revoke') {
    const revoked = found.map(({ certificate }) => certificate);
    return { device, unfit: found.slice(0, maximumReported), unfitCount: found.length, revoked };
  }
  // What was issued until the move is seen only after it.
  return { device, ...(await reportOf(device, services)), revoked: [] };
}

async function tryOut(move: DeviceMove, services: MoveServices): Promise<DeviceMoved> {
  const device = await requireDevice(move.id, services);
  const { name: groupName, division } = await requirePlace(device, move, services);
  return { device, ...(await reportOf({ ...device, groupName, division }, services)), revoked: [] };
}

async function reportOf(
  device: DeviceRecord,
  services: MoveServices,
): Promise<Pick<DeviceMoved, 'unfit' | 'unfitCount'>> {
  const unfit: UnfitCertificate[] = [];
  let unfitCount = 0;
  for await (const each of unfitCertificates(deviceOf(device), services)) {
    unfitCount++;
    if (unfit.length < maximumReported) unfit.push(each);
  }
  return { unfit, unfitCount };
}

/** Returns what it has revoked; none when there is nothing left to do. */
async function moveFurther(
  move: DeviceMove,
  isFirst: boolean,
  services: MoveServices,
): Promise<readonly UnfitCertificate[]> {
  const { store, clock } = services;
  const { actor } = move;
  const device = await requireDevice(move.id, services);
  if (!isFirst && device.groupName !== move.group) {
    throw new GatewayError('invalid-state', `device ${quote(device.name)} was moved on meanwhile; move it again`);
  }
  const group = await requirePlace(device, move, services);
  const moved = { ...device, groupName: group.name, division: group.division };
  const unfit = move.certificates === 'revoke' ? await firstUnfit(moved, services) : [];
  const isMove = device.groupName !== group.name;
  if (!isMove && unfit.length === 0) return [];
  const now = clock.now();
  const reasons = new Map(unfit.map(({ certificate, reason }) => [certificate.id, reason]));
  const revocations = revocationsOf(
    unfit.map(({ certificate }) => certificate),
    {
      at: now,
      reason: 'affiliationChanged',
      actor,
      device: moved,
      because: ({ id }) => `the device is in group ${group.name}: ${reasons.get(id)}`,
    },
    services,
  );
  const seen = { id: device.id, seenAt: device.updatedAt };
  await store.commit({
    statements: [
      isMove
        ? store.devices.move({ ...seen, ...placeOf(moved), name: device.name, at: now.getTime() })
        : store.devices.requireUnchanged(seen),
      ...revocations.statements,
    ],
    audit: [...(isMove ? [moveEvent(device, group, { now, actor })] : []), ...revocations.audit],
  });
  return unfit;
}

function placeOf({ division, groupName }: DeviceRecord): Pick<DeviceRecord, 'division' | 'groupName'> {
  return { division, groupName };
}

async function firstUnfit(device: DeviceRecord, services: MoveServices): Promise<readonly UnfitCertificate[]> {
  const unfit: UnfitCertificate[] = [];
  for await (const each of unfitCertificates(deviceOf(device), services)) {
    if (unfit.push(each) === revokedAtOnce) break;
  }
  return unfit;
}

/** The group, if the device may be put there. One that it is in already need not be open to new ones. */
async function requirePlace(
  device: DeviceRecord,
  { group: name }: DeviceMove,
  { store, catalog }: MoveServices,
): Promise<DeviceGroup> {
  requireNotRetired(device);
  const { groups, divisions } = catalog();
  const own = groups.get(device.groupName);
  if (name === device.groupName && own !== undefined) return own;
  const group = requireOpenGroup(name, groups);
  if (group.division === device.division) return group;
  const [before, after] = [device.division, group.division].map((each) => divisions.get(each)?.production);
  if (before !== undefined && after !== undefined && before !== after) {
    throw new GatewayError(
      'invalid-state',
      `division ${device.division} is marked ${productionText(before)}, division ${group.division} ${productionText(after)}: nothing is moved between them; register the device anew`,
    );
  }
  if ((await store.devices.findByName({ division: group.division, name: device.name })) !== undefined) {
    throw new GatewayError(
      'duplicate-request',
      `division ${group.division} has a device ${quote(device.name)} already`,
    );
  }
  return group;
}

function productionText(isProduction: boolean): string {
  return isProduction ? 'production' : 'non-production';
}

export function moveEvent(
  device: DeviceRecord,
  group: Pick<DeviceGroup, 'name' | 'division'>,
  { now, actor }: { readonly now: Date; readonly actor: Actor },
): AuditRecord {
  const moved = { ...device, division: group.division, groupName: group.name };
  const from = { division: device.division, group: device.groupName };
  return deviceEvent('device.moved', moved, { actor, at: now }, { from });
}
