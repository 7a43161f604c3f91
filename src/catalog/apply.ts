/** Applies a plan: one change with everything in it and one audit event, or nothing. */
import { createAuditRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import { createIdentifier } from '../identifier.js';
import type { Sealing } from '../keys/sealing.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { credentialContext } from './credential-definition.js';
import type { CatalogPlan, PlanStep } from './plan.js';

interface ApplyDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'commit'>;
  readonly sealing: Sealing;
  readonly clock: Clock;
  /** Who applies it, for the audit log. */
  readonly actor: string;
}

/**
 * Applies the plan's creations and changes; false if there are none.
 * @throws GatewayError `unavailable` if the configuration was changed since the plan was made
 */
export async function applyPlan(plan: CatalogPlan, dependencies: ApplyDependencies): Promise<boolean> {
  const { store, clock } = dependencies;
  const steps = plan.steps.filter(({ action }) => action !== 'unchanged');
  if (steps.length === 0) {
    return false;
  }
  const now = clock.now();
  const at = now.getTime();
  const statements = steps.map((step) => statementFor(step, at, dependencies));
  await store.commit({
    statements: [store.catalog.bumpVersion({ expected: plan.version }), ...statements],
    audit: [auditOf(plan, steps, now, dependencies.actor)],
  });
  return true;
}

function statementFor(step: PlanStep, at: number, { store, sealing }: ApplyDependencies): Statement {
  if (step.kind !== 'credential') {
    const { kind, name, written } = step.object;
    return store.catalog.put({ kind, name, document: JSON.stringify(written), updatedAt: at });
  }
  const { credential, record } = step;
  const id = record?.id ?? createIdentifier();
  const sealed = credential.secret === undefined ? null : sealing.seal(credentialContext(id), credential.secret);
  const definition = { ...credential.definition, sealed };
  return record === undefined
    ? store.credentials.insert({ ...definition, id, uses: 0, createdAt: at, revokedAt: null, source: 'catalog' })
    : store.credentials.replace(definition);
}

function auditOf(plan: CatalogPlan, steps: readonly PlanStep[], at: Date, actor: string): AuditRecord {
  const changes = steps.map(({ action, kind, name, differences }) => ({ action, kind, name, differences }));
  return createAuditRecord({
    at,
    action: 'catalog.applied',
    outcome: 'success',
    subject: '',
    details: { actor, version: plan.version + 1, changes },
  });
}
