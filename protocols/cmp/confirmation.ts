/** certConf and pkiConf (RFC 9810 5.3.18, RFC 9483 4.1.1): the client says whether it takes its certificate. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { nullValue } from '../../src/x509/der-writer.js';
import { type CertStatus, decodeCertConfirmContent } from './asn1/cert-confirm.js';
import { CmpError } from './errors.js';
import { findOperation, hasEnded, proceedStatement } from './operation.js';
import { certificateDigest, confirmationDigest } from './protection/confirmation-digest.js';
import type { Ask, CmpRequest } from './request.js';

/** @throws GatewayError */
export async function readConfirmation(request: CmpRequest): Promise<Ask> {
  const { services, exchange, message, sender } = request;
  const record = await findOperation(request);
  const { state, certificate, certReqId } = record;
  if (hasEnded(record)) {
    throw new GatewayError('already-confirmed', 'the certificate of this operation needs no confirmation any more');
  }
  if (state !== 'unconfirmed' || certificate === null) {
    throw new CmpError('badRequest', 'this operation has no certificate yet', 'invalid-state');
  }
  const statuses = decoding('the body', () => decodeCertConfirmContent(message.body));
  const [status, ...others] = statuses;
  if (others.length > 0) throw new CmpError('badRequest', 'a certConf speaks of one certificate');
  // RFC 9810 5.3.18: an empty list rejects.
  const accepted = status !== undefined && isAccepted(status, certReqId);
  if (accepted) requireHash(status, certificate, message.header.pvno);
  const reason = status?.statusInfo?.statusString?.join(' ');
  return async () => {
    await services.confirm({
      ...originOf(exchange),
      protocol: 'cmp',
      requester: sender.requester.id,
      certificate,
      accepted,
      accompanying: [proceedStatement(request, record, { state: 'confirmed' })],
      ...(reason === undefined ? {} : { reason }),
    });
    return { bodyType: 'pkiconf', body: nullValue };
  };
}

function isAccepted({ certReqId, statusInfo }: CertStatus, expected: number): boolean {
  if (certReqId !== expected) throw new CmpError('badRequest', `the certReqId is ${certReqId} instead of ${expected}`);
  if (statusInfo === undefined) return true;
  const { status, failInfo = [] } = statusInfo;
  switch (status) {
    case 'accepted':
      if (failInfo.length > 0) throw new CmpError('badRequest', 'failInfo has no place beside the status accepted');
      return true;
    case 'rejection':
      return false;
    default:
      throw new CmpError('badRequest', `the status of a certConf is accepted or rejection, not ${status}`);
  }
}

/** RFC 9480 2.10: by the digest of the certificate's signature, or at version 3 by the one that hashAlg names. */
function requireHash({ certHash, hashAlg }: CertStatus, der: Uint8Array, pvno: number): void {
  if (hashAlg !== undefined && pvno < 3) {
    throw new CmpError('badCertId', 'hashAlg in certConf needs version 3 of the message');
  }
  const digest =
    hashAlg === undefined
      ? certificateDigest(decodeCertificate(der))
      : decoding('hashAlg', () => confirmationDigest(hashAlg));
  const { name, outputLength } = digest;
  const expected = createHash(name, outputLength === undefined ? {} : { outputLength })
    .update(der)
    .digest();
  if (expected.length !== certHash.length || !timingSafeEqual(expected, certHash)) {
    throw new CmpError('badCertId', 'certHash is not the hash of the certificate of this operation');
  }
}
