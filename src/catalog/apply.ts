/** Applies a plan: one change with everything in it and one audit event, or nothing. */
import type { Actor } from '../audit/actor.js';
import { createActionRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import type { Sealing } from '../keys/sealing.js';
import type { AuditRecord, Change, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { changedDefinition, newCredentialRecord } from './credential-definition.js';
import { divisionOf } from './objects.js';
import type { CatalogPlan, PlanStep } from './plan.js';

export interface ApplyDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'commit'>;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly actor: Actor;
}

/**
 * Applies the plan's creations and changes; false if there are none.
 * @throws GatewayError `unavailable` if the configuration was changed since the plan was made
 */
export async function applyPlan(plan: CatalogPlan, dependencies: ApplyDependencies): Promise<boolean> {
  const change = catalogChange(plan, dependencies);
  if (change === undefined) return false;
  await dependencies.store.commit(change);
  return true;
}

/** The plan's creations and changes, refused as 'unavailable' if the configuration was changed since; undefined if there are none. */
export function catalogChange(plan: CatalogPlan, dependencies: ApplyDependencies): Change | undefined {
  const { store, clock, actor } = dependencies;
  const steps = plan.steps.filter(({ action }) => action !== 'unchanged');
  if (steps.length === 0) return undefined;
  const now = clock.now();
  const statements = steps.map((step) => statementFor(step, now, dependencies));
  return {
    statements: [store.catalog.bumpVersion({ expected: plan.version }), ...statements],
    audit: [auditOf(plan, steps, now, actor)],
  };
}

function statementFor(step: PlanStep, at: Date, { store, sealing }: ApplyDependencies): Statement {
  if (step.kind !== 'credential') {
    const { kind, name, written } = step.object;
    return store.catalog.put({ kind, name, document: JSON.stringify(written), updatedAt: at.getTime() });
  }
  const { credential, record } = step;
  return record === undefined
    ? store.credentials.insert(newCredentialRecord(credential, { source: 'catalog', at, sealing }))
    : store.credentials.replace(changedDefinition(credential, record, sealing));
}

function auditOf(plan: CatalogPlan, steps: readonly PlanStep[], at: Date, actor: Actor): AuditRecord {
  const changes = steps.map(({ action, kind, name, differences }) => ({ action, kind, name, differences }));
  const details = { ...soleDivisionOf(steps), version: plan.version + 1, changes };
  return createActionRecord(actor, { at, action: 'catalog.applied', subject: '', details });
}

/** Who sees but one division's events sees those that are about it alone. */
function soleDivisionOf(steps: readonly PlanStep[]): { readonly division?: string } {
  const divisions = new Set(steps.map((step) => ('object' in step ? divisionOf(step.object) : undefined)));
  const [division] = divisions;
  return divisions.size > 1 || division === undefined ? {} : { division };
}
