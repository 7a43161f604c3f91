/** PKCSReq, RenewalReq and CertPoll (RFC 8894 sections 3.3.1 and 3.3.3). */

import { encodeCertsOnly } from '../../src/cms/certs-only.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { PolicyView } from '../../src/policy-view.js';
import { originOf } from '../../src/protocol.js';
import { fingerprint } from '../../src/x509/certificate.js';
import type { CertificationRequest } from '../../src/x509/pkcs10.js';
import { keyFingerprint } from '../../src/x509/public-key.js';
import { decodeSignatureAlgorithm } from '../../src/x509/signature-algorithms.js';
import { openEnvelope } from './envelope.js';
import { readCertificationRequest } from './message-data.js';
import { presentSigner } from './message-signer.js';
import { chosenChain } from './operations.js';
import { type Ciphers, prepareSeal, type Seal } from './sealing.js';
import { refusingSteadily } from './steady-refusal.js';
import { transactionId } from './transaction-id.js';
import type { Ask, VerifiedRequest } from './verified-request.js';

/**
 * Opens the envelope and reads what it asks for. PKCSReq and RenewalReq are one: who signed says which it is, since older
 * clients renew with PKCSReq. @throws GatewayError
 */
export async function readEnrollment(request: VerifiedRequest): Promise<Ask> {
  const { exchange, services, policy, message, signer, replayableUntil } = request;
  const envelope = request.envelope();
  const csr = await refusingSteadily(async () => readCertificationRequest(await openEnvelope(envelope), signer));
  const challenge = csr.challengePassword || undefined;
  const key = keyFingerprint(csr.subjectPublicKeyInfo);
  const holder = holderOf(request);
  if (signer.isSelfIssued && holder !== key) {
    throw new GatewayError(
      'invalid-proof-of-possession',
      'the self-signed certificate that signs the message has another key than the request',
    );
  }
  const seal = prepareSeal(signer, envelope, challenge);
  const requester = signer.isSelfIssued ? undefined : fingerprint(signer.certificate.der);
  const { subjectPublicKeyInfo, subject, extensions } = csr;
  const hash = requestHash(csr, policy);
  return async () => {
    const result = await services.enroll({
      ...originOf(exchange),
      protocol: 'scep',
      operation: 'either',
      transactionId: transactionId(message.transactionId.der, csr, key, requester),
      conversation: { id: message.transactionId.name, holder },
      replayableUntil,
      requested: { subjectPublicKeyInfo, subject, extensions, ...(hash === undefined ? {} : { requestHash: hash }) },
      certificationRequest: csr.der,
      credentials: credentialsOf(request, csr),
    });
    return answer(result, policy, seal);
  };
}

/** The transactionID and the signer's key say which request is meant: what is encrypted is not needed (section 3.3.3). */
export function readPoll(request: VerifiedRequest): Ask {
  const { exchange, services, policy, message, signer } = request;
  const seal = prepareSeal(signer, ciphersOf(request), undefined);
  const conversation = { id: message.transactionId.name, holder: holderOf(request) };
  return async () => {
    const result = await services.poll({ ...originOf(exchange), protocol: 'scep', pending: { conversation } });
    return answer(result, policy, seal);
  };
}

function holderOf({ signer }: VerifiedRequest): string {
  return keyFingerprint(signer.certificate.subjectPublicKeyInfo);
}

/** The hash for the template's rule; not SHA-1 where the policy's legacy switch has admitted that already. */
function requestHash({ signatureAlgorithm }: CertificationRequest, { scep }: PolicyView): string | undefined {
  const { hash } = decodeSignatureAlgorithm(signatureAlgorithm);
  return hash === 'sha1' && scep.legacy ? undefined : hash;
}

/** A self-signed certificate says nothing of who holds it: it is no credential, only the challenge is. */
function credentialsOf({ message, signer }: VerifiedRequest, csr: CertificationRequest): PresentedCredential[] {
  const credentials: PresentedCredential[] = [];
  if (!signer.isSelfIssued) credentials.push(presentSigner(message, signer));
  // Clients that have none to send may send an empty one.
  if (csr.challengePassword) credentials.push({ kind: 'password', password: csr.challengePassword });
  return credentials;
}

/** What everybody supports, where a poll does not show what the client does. */
const usualCiphers: Ciphers = { contentEncryption: 'aes-128-cbc', keyTransport: 'rsa-pkcs1' };

function ciphersOf(request: VerifiedRequest): Ciphers {
  try {
    return request.envelope();
  } catch (error) {
    if (error instanceof GatewayError) return usualCiphers;
    throw error;
  }
}

async function answer(result: EnrollmentResult, policy: PolicyView, seal: Seal): ReturnType<Ask> {
  if (result.outcome === 'pending') return { status: 'PENDING' };
  const { certificate, chain } = result;
  const certificates = [certificate, ...(policy.scep.chainInReply ? chosenChain(policy, chain) : [])];
  return { status: 'SUCCESS', envelope: await seal(encodeCertsOnly(certificates)) };
}
