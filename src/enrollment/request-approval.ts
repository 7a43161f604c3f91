/** Messages that ask for no certificate and no revocation, where the policy wants people to see them first. */
import { GatewayError } from '../errors.js';
import { approvalOfMessage } from '../policy/message-approval.js';
import { authenticateRequest } from './authenticate-request.js';
import { recordPendingMessage } from './record-pending.js';
import { recordingRefusals } from './recording-refusals.js';
import type { ApprovalRequest } from './request.js';
import type { Pending } from './result.js';
import type { EnrollmentServices } from './services.js';
import { findTarget, requireMethod } from './target.js';

/**
 * Keeps a message for the approval of people; undefined where the policy wants none.
 * @throws GatewayError as authentication does, after its audit event is committed
 */
export function requestApproval(request: ApprovalRequest, services: EnrollmentServices): Promise<Pending | undefined> {
  return recordingRefusals(request, services, async () => {
    const target = findTarget(services.catalog(), request.label);
    requireMethod(target.resolved, request.protocol);
    const { protocol, credentials, remoteAddress, operation } = request;
    const approval = approvalOfMessage(target.resolved.policy, operation);
    if (approval === undefined) return undefined;
    const now = services.clock.now();
    const asked = { protocol, credentials, operation: 'message', remoteAddress } as const;
    const { identity, isUsedUp } = await authenticateRequest(asked, target, now, services);
    // What it has opened is done: nobody need look at what else its holder thinks of.
    if (isUsedUp) throw new GatewayError('bad-secret', 'the credential is used up');
    const stored = { kind: 'message', operation } as const;
    return await recordPendingMessage({ message: request, stored, target, identity, now, trace: [approval] }, services);
  });
}
