/** `POST …/revoke`: a device ends its own certificate, which it authenticates with. */
import { GatewayError } from '../../src/errors.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { readSubject } from '../../src/x509/written-request.js';
import { checkMembers, readJsonBody } from './body.js';
import { issuerOf } from './certificates.js';
import { readCredentials } from './credentials.js';
import { readMessage } from './recorded.js';
import { jsonReply } from './reply.js';
import { revocationSchema } from './requests.js';

/** @throws GatewayError */
export async function revoke(exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const message = await readMessage('revoke', exchange, services, () => {
    const { serialNumber, issuer, reason } = checkMembers(revocationSchema, readJsonBody(exchange));
    return {
      ...originOf(exchange),
      protocol: 'rest' as const,
      serialNumber,
      issuer: issuer === undefined ? issuerOf(exchange.params.label, services) : readSubject('issuer', issuer),
      reason,
      credentials: readCredentials(exchange),
    };
  });
  const { outcome } = await services.revoke(message);
  if (outcome !== 'done') throw new GatewayError('internal', 'a revocation over REST waits for nobody');
  return jsonReply(200, { serialNumber: message.serialNumber, reason: message.reason });
}
