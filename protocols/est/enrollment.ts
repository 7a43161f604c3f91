/** The way of every EST request that carries a PKCS #10 body: read it, hand it to the core, put the result into bytes. */

import type { EnrollmentRequest } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import type { PolicyView } from '../../src/policy-view.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { isGatewayError, messageReader } from '../../src/refused-message.js';
import { decodePkcs10Body, readCredentials } from './decode.js';
import { certificateReply, pendingReply } from './encode.js';
import { checkLinking } from './linking.js';
import { readSignedRequest } from './signed-request.js';

export type Issued = Extract<EnrollmentResult, { outcome: 'issued' }>;

/** A message that has been read, and how to answer when the certificate is there. */
export interface Enrollment {
  readonly request: EnrollmentRequest;
  answer(issued: Issued): Reply | Promise<Reply>;
}

/** Reads a message with `read`, enrolls and answers. @throws GatewayError */
export async function enroll(
  operation: string,
  exchange: Exchange,
  services: ProtocolServices,
  read: (policy: PolicyView) => Enrollment,
): Promise<Reply> {
  const enrollment = await readMessage(operation, exchange, services, () =>
    read(services.policy(exchange.params.label)),
  );
  const result = await services.enroll(enrollment.request);
  return result.outcome === 'pending' ? pendingReply(result.retryAfterSeconds) : enrollment.answer(result);
}

/** A message that is refused goes into the audit log, because it never becomes an EnrollmentRequest. */
export const readMessage = messageReader('est', isGatewayError);

/** simpleenroll and simplereenroll (RFC 7030 4.2.1, 4.2.2). @throws GatewayError */
export function readSimpleEnrollment(
  operation: EnrollmentRequest['operation'],
  exchange: Exchange,
  policy: PolicyView,
): Enrollment {
  const csr = decodePkcs10Body(exchange);
  checkLinking(csr.challengePassword, policy.est.challengePassword, exchange.tls);
  return {
    request: {
      ...originOf(exchange),
      ...readSignedRequest(operation, csr, exchange.tls?.clientChain[0]),
      protocol: 'est',
      operation,
      credentials: readCredentials(exchange),
    },
    answer: ({ certificate }) => certificateReply(certificate),
  };
}
