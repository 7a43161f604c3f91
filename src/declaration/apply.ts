/** Applies the plan of a document: one change with everything in it, or nothing. */
import { userChange } from '../access/declare-user.js';
import { administratorGuard, noAdministratorLeft } from '../access/services.js';
import type { Actor } from '../audit/actor.js';
import { catalogChange } from '../catalog/apply.js';
import type { PlanStep } from '../catalog/plan.js';
import { deviceChange } from '../devices/declare-device.js';
import { GatewayError, OvertakenError } from '../errors.js';
import type { Change } from '../store/change.js';
import type { DocumentPlan, DocumentStep, PlanningServices } from './plan.js';
import type { DeviceStep } from './plan-devices.js';
import type { UserStep } from './plan-users.js';

interface ApplyServices extends PlanningServices {
  readonly actor: Actor;
}

/**
 * Applies the plan's creations and changes; false if there are none. The actor may do everything: nobody else applies documents.
 * @throws OvertakenError if something of it was changed since the plan was made; GatewayError `invalid-state` if nobody could
 * administer the gateway any more
 */
export async function applyDocument(plan: DocumentPlan, services: ApplyServices): Promise<boolean> {
  if (plan.steps.every(({ action }) => action === 'unchanged')) return false;
  try {
    await services.store.commit(await changeOf(plan, services));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === 'invalid-state') throw noAdministratorLeft(error);
    // Somebody has made such a user, or registered such a certificate, since.
    if (error.code === 'duplicate-request') throw new OvertakenError({ cause: error });
    throw error;
  }
  return true;
}

async function changeOf({ version, steps }: DocumentPlan, services: ApplyServices): Promise<Change> {
  const { store, clock, actor } = services;
  const now = clock.now();
  const changing = steps.filter(({ action }) => action !== 'unchanged');
  const configuration = catalogChange({ version, steps: changing.filter(isCatalogStep) }, services) ?? {
    // Users and devices rely on it.
    statements: [store.catalog.requireVersion({ expected: version })],
    audit: [],
  };
  const users = changing.filter(isUserStep).map((step) => userChange(step.user, step.stored, { store, now, actor }));
  const devices = changing
    .filter(isDeviceStep)
    .map((step) => deviceChange(step.device, step.group, step.stored, { store, now, actor }));
  return {
    statements: [
      ...configuration.statements,
      ...users.flatMap(({ removals }) => removals),
      ...users.flatMap(({ statements }) => statements),
      ...(users.some(({ takesAdministrator }) => takesAdministrator) ? [await administratorGuard(services)] : []),
      ...devices.flatMap(({ statements }) => statements),
    ],
    audit: [...configuration.audit, ...users.flatMap(({ audit }) => audit), ...devices.flatMap(({ audit }) => audit)],
  };
}

function isUserStep(step: DocumentStep): step is UserStep {
  return step.kind === 'user';
}

function isDeviceStep(step: DocumentStep): step is DeviceStep {
  return step.kind === 'device';
}

function isCatalogStep(step: DocumentStep): step is PlanStep {
  return !isUserStep(step) && !isDeviceStep(step);
}
