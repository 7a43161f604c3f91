/** p10cr (RFC 9810 5.3.6, RFC 9483 4.1.4): a PKCS #10 request in place of a CertReqMessages. */

import { hash } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import { decoding } from '../../src/x509/decoding.js';
import { verifySignedMessage } from '../../src/x509/message-signatures.js';
import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';
import { importPublicKey } from '../../src/x509/public-key.js';
import { certificationRequestVersion } from './asn1/certification-request.js';
import { checkWishes } from './cert-template-checks.js';
import { enroll, repeatAnswer } from './enrollment.js';
import { CmpError } from './errors.js';
import { findRepeated } from './operation.js';
import { requireAllowedSignature } from './protection/allowed-algorithms.js';
import type { Ask, CmpRequest } from './request.js';

/** A PKCS #10 request has no certReqId (RFC 9483 4.1.4). */
export const pkcs10RequestId = -1;

/** @throws GatewayError */
export async function readPkcs10Request(request: CmpRequest): Promise<Ask> {
  const repeated = await findRepeated(request);
  if (repeated) return async () => repeatAnswer(request, repeated);
  const { message, policy, transactions, now } = request;
  const version = decoding('the PKCS #10 request', () => certificationRequestVersion(message.body));
  if (version !== 0)
    throw new CmpError('badCertTemplate', `the version of the PKCS #10 request is ${version} instead of 0`);
  const csr = decoding('the PKCS #10 request', () => decodeCertificationRequest(message.body));
  const subject = checkWishes(csr);
  const algorithm = requireAllowedSignature(csr.signatureAlgorithm, policy.cmp);
  const { subjectPublicKeyInfo } = csr;
  const key = decoding('the key of the request', () => importPublicKey(subjectPublicKeyInfo));
  if (!verifySignedMessage(algorithm, key, csr.signed, csr.signature)) {
    throw new GatewayError('invalid-proof-of-possession', 'the PKCS #10 request is not signed with its own key');
  }
  const csrHash = `${policy.name}:${hash('sha256', csr.der, 'hex')}`;
  if (!policy.cmp.keyReuse && (await transactions.findByCsr({ csrHash, now: now.getTime() }))) {
    throw new GatewayError('duplicate-request', 'a request with this PKCS #10 has been made before; make a new key');
  }
  return () =>
    enroll(request, {
      csrHash,
      certReqId: pkcs10RequestId,
      answerType: 'cp',
      requested: {
        subjectPublicKeyInfo,
        subject,
        extensions: csr.extensions,
        ...(algorithm.hash === undefined ? {} : { requestHash: algorithm.hash }),
      },
      certificationRequest: csr.der,
      notes: [],
      isUpdate: false,
    });
}
