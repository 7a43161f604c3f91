/** Certificates that operators ask for: by the one enrollment flow, under the policy's rules for everybody. */
import { createHash } from 'node:crypto';
import type { Actor } from '../audit/actor.js';
import { enroll } from '../enrollment/enroll.js';
import { requireOnRecord } from '../enrollment/find-certificate.js';
import { recordingRefusals } from '../enrollment/recording-refusals.js';
import type { EnrollmentRequest } from '../enrollment/request.js';
import type { EnrollmentResult, Pending } from '../enrollment/result.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { findTarget } from '../enrollment/target.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { Method } from '../model/protocol-name.js';
import type { CertificateRecord } from '../store/certificate-record.js';

export interface OperatorRequest
  extends Pick<
    EnrollmentRequest,
    'operation' | 'requested' | 'generateKey' | 'profileHint' | 'onBehalfOf' | 'accompanying'
  > {
  readonly label: string;
  readonly actor: Actor;
  /** The ways of asking that will do, the preferred one first: the policy is to be open to one of them. */
  readonly methods: readonly [Method, ...Method[]];
  /** The name of the device that it is for, if that is not left to the request. */
  readonly device?: string;
  /**
   * What makes two requests the same one: the second gets the answer of the first. Absent where each is to be a new one, as
   * those are that bring writes of their own.
   */
  readonly repeats?: readonly string[];
}

export type OperatorResult =
  | (Extract<EnrollmentResult, { outcome: 'issued' }> & { readonly record: CertificateRecord })
  | Pending;

/** @throws GatewayError for every refusal, after its audit event is committed */
export async function requestAsOperator(
  wanted: OperatorRequest,
  services: EnrollmentServices,
): Promise<OperatorResult> {
  const { actor, methods, device, repeats, label, ...rest } = wanted;
  const remoteAddress = actor.remoteAddress ?? '';
  const requestId = createIdentifier();
  const [preferred] = methods;
  const { operation } = wanted;
  const recorded = { protocol: preferred, label, operation, remoteAddress, requestId, requester: actor.name };
  const protocol = await recordingRefusals(recorded, services, async () => findMethod(label, methods, services));
  const result = await enroll(
    {
      ...rest,
      label,
      protocol,
      credentials: [
        { kind: 'operator', name: actor.name, person: actor.person, ...(device === undefined ? {} : { device }) },
      ],
      ...(repeats === undefined ? {} : { transactionId: digest([operation, ...repeats]) }),
      remoteAddress,
      requestId,
      ...(actor.job === undefined ? {} : { job: actor.job }),
    },
    services,
  );
  if (result.outcome === 'pending') return result;
  return { ...result, record: await requireOnRecord(result.certificate, services) };
}

function findMethod(label: string, methods: OperatorRequest['methods'], { catalog }: EnrollmentServices): Method {
  const { policy, authentication } = findTarget(catalog(), label).resolved;
  const isOpen = (method: Method) => policy.methods.includes(method) && authentication.policy.methods.includes(method);
  const found = methods.find(isOpen);
  if (found !== undefined) return found;
  throw new GatewayError(
    'forbidden',
    `policy ${policy.name} takes no requests of operators: ${methods.join(' or ')} has to be among its methods, and those of its authentication policy`,
  );
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
