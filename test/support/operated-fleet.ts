/** A gateway with two divisions whose certificates operators ask for, and calls of the management API's operations on it. */
import type { Scope } from '../../src/access/principal.js';
import { createOperations } from '../../src/api/operations.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import type { CertificateRecord } from '../../src/store/certificate-record.js';
import type { GeneralName } from '../../src/x509/general-names.js';
import { toPem } from '../../src/x509/pem.js';
import { callOperation, operationOf } from './call-operation.js';
import { applyYaml, fleet, policyLike } from './fleet.js';
import { type KeyPair, makeCsr, newKey } from './make-csr.js';
import { operator } from './operator.js';
import { createTestClock, type TestClock } from './test-clock.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

export const plant: Scope = new Set(['plant']);
export const site: Scope = new Set(['site']);

const otherDivision = `
divisions: [{ name: site }]
deviceGroups:
  - { name: gates, division: site, policies: [site] }
  - { name: tanks, division: plant, policies: [plant] }
authenticationPolicies: [{ name: site, division: site }]
policies:
  - name: site
    division: site
    authenticationPolicy: site
    profiles: [{ usage: operational, profile: device }]
    issuingCa: devices
    methods: [rest]
    defaultGroup: gates
`;

/** Policies `plant` (portal) and `site` (rest), `manual` and `twice`, which people approve, and `fleet`, which operators may not use. */
export async function startOperatedFleet(): Promise<{ readonly test: TestGateway; readonly clock: TestClock }> {
  const clock = createTestClock(new Date('2026-11-01T00:00:00Z'));
  const test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('plant', 'methods: [est, portal]'));
  await applyYaml(test, policyLike('manual', 'methods: [portal], approval: manual'));
  await applyYaml(test, policyLike('twice', 'methods: [portal], approval: two-people'));
  await applyYaml(test, otherDivision);
  return { test, clock };
}

interface Wanted {
  readonly policy?: string;
  readonly name?: string;
  readonly key?: KeyPair;
  readonly alternatives?: readonly GeneralName[];
}

let names = 0;

export function csrFor({ name = `device-${++names}`, key = newKey(), alternatives = [] }: Wanted): string {
  return toPem('CERTIFICATE REQUEST', makeCsr({ subject: `CN=${name}`, key, alternatives }));
}

/** A certificate that an operator has asked for. */
export async function issued({ gateway }: TestGateway, wanted: Wanted = {}): Promise<CertificateRecord> {
  const result = await issueCertificate(
    {
      label: wanted.policy ?? 'plant',
      key: { kind: 'csr', csr: csrFor(wanted) },
      scope: 'everywhere',
      actor: operator('olga'),
      methods: ['portal', 'rest'],
    },
    gateway.core,
  );
  if (result.outcome === 'pending') throw new Error('the request waits');
  return result.record;
}

/** The id of a request that waits for people. */
export async function waiting({ gateway }: TestGateway, wanted: Wanted & { readonly by?: string }): Promise<string> {
  const result = await issueCertificate(
    {
      label: wanted.policy ?? 'manual',
      key: { kind: 'csr', csr: csrFor(wanted) },
      scope: 'everywhere',
      actor: operator(wanted.by ?? 'olga'),
      methods: ['portal', 'rest'],
    },
    gateway.core,
  );
  if (result.outcome !== 'pending') throw new Error('the request does not wait');
  return result.requestId;
}

interface Asked {
  readonly id?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly scope?: Scope;
  readonly by?: string;
  /** What the client takes the resource for, as JSON. */
  readonly ifMatch?: unknown;
}

interface Answered {
  readonly status: number;
  /** As the client reads it. */
  readonly value: ReturnType<typeof JSON.parse>;
  readonly body: string | Uint8Array;
  readonly location: string | undefined;
}

/** What the operation's schemas refuse is thrown as a ZodError. */
export async function call(
  { gateway }: TestGateway,
  operationId: string,
  { id, by: name = 'olga', scope = 'everywhere', ...asked }: Asked = {},
): Promise<Answered> {
  const operation = operationOf(createOperations({ ...gateway.core, version: 'test' }), operationId);
  const answer = await callOperation(operation, {
    ...asked,
    params: { id },
    scope,
    principal: { kind: 'user', id: name, name, person: name, grants: [] },
    actor: { ...operator(name), remoteAddress: '192.0.2.7', requestId: `request-of-${name}` },
  });
  const body = answer.content?.body ?? '';
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw new Error('the answer is a stream');
  return {
    status: answer.status ?? operation.status,
    value: JSON.parse(JSON.stringify(answer.value ?? null)),
    body,
    location: answer.location,
  };
}
