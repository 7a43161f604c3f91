/** error from a client (RFC 9810 5.3.21): it goes no further with its operation. */

import { GatewayError, isRefusal } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { decoding } from '../../src/x509/decoding.js';
import { nullValue } from '../../src/x509/der-writer.js';
import { decodeErrorMessage } from './asn1/pki-status.js';
import { ended, findOperation, hasEnded, proceedStatement } from './operation.js';
import { recorded } from './read-request.js';
import type { Ask, CmpRequest } from './request.js';
import type { TransactionRecord } from './store.js';

/** Whatever the operation is in, the answer is a pkiconf. @throws GatewayError */
export async function readClientError(request: CmpRequest): Promise<Ask> {
  const record = await findOperation(request);
  const { statusInfo, errorDetails = [] } = decoding('the body', () => decodeErrorMessage(request.message.body));
  const said = [...(statusInfo.statusString ?? []), ...errorDetails].join(' ');
  return async () => {
    // Nothing changes any more, however often it is said.
    if (!hasEnded(record)) await (record.state === 'unconfirmed' ? rejectCertificate : withdraw)(request, record, said);
    return { bodyType: 'pkiconf', body: nullValue };
  };
}

/** As a certConf does. */
async function rejectCertificate(request: CmpRequest, record: TransactionRecord, reason: string): Promise<void> {
  const { services, exchange, sender } = request;
  const { certificate } = record;
  if (certificate === null) throw new GatewayError('internal', 'an unconfirmed certificate is not on record');
  try {
    await services.confirm({
      ...originOf(exchange),
      protocol: 'cmp',
      requester: sender.requester.id,
      certificate,
      accepted: false,
      reason,
      accompanying: [proceedStatement(request, record, { state: 'confirmed' })],
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // It has lapsed, or an operator was first, which is on record now: there is nothing to reject any more.
    await services.commit([proceedStatement(request, record, ended)]);
  }
}

/** Closes the operation, and with it the request that waits for an approval. What has ended stays as it is. */
function withdraw(request: CmpRequest, record: TransactionRecord, reason: string): Promise<void> {
  const { services, exchange, sender } = request;
  const { requestId } = record;
  return recorded('error', request, () =>
    services.withdraw({
      ...originOf(exchange),
      protocol: 'cmp',
      requester: sender.requester.id,
      reason,
      accompanying: [proceedStatement(request, record, ended)],
      ...(requestId === null ? {} : { pending: requestId }),
    }),
  );
}
