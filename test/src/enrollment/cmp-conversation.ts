/** What the core does for CMP, asked for directly: requests, confirmations and revocations of a fleet's devices. */
import { confirmCertificate } from '../../../src/enrollment/confirm.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import type { EnrollmentRequest, RevocationMessage } from '../../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../../src/enrollment/result.js';
import { revokeByMessage } from '../../../src/enrollment/revoke-by-message.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import type { CertificateRecord } from '../../../src/store/certificate-record.js';
import { decodeCertificate, fingerprint } from '../../../src/x509/certificate.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { type KeyPair, newKey, spkiOf } from '../../support/make-csr.js';
import type { TestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

export const confirmWithin = 300;
export const remoteAddress = '192.0.2.7';

/** A policy `cmp` with a shared secret, beside the fleet's own. */
export async function startCmpFleet(clock: TestClock, changes = 'cmp: { keyReuse: true }'): Promise<TestGateway> {
  const test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, addCredential('{ kind: cmp-secret, name: shared, reference: shared, secret: open-sesame }'));
  await applyYaml(test, policyLike('cmp', `methods: [cmp, est], ${changes}`));
  return test;
}

/** A document that adds a credential to the fleet's authentication policy. */
export function addCredential(yaml: string): string {
  return `authenticationPolicies:\n  - { name: fleet, division: plant, credentials: [${yaml}] }\n`;
}

/** Authentication by a MAC with this secret. */
export function mac(reference = 'shared', secret = 'open-sesame'): PresentedCredential {
  const verify = async (known: Uint8Array) => Buffer.compare(known, Buffer.from(secret)) === 0;
  return { kind: 'mac', reference: Buffer.from(reference), verify };
}

/** Authentication by the signature of a certificate's key; with the chain that CMP wants. */
export function signature(certificate: Uint8Array, chain: readonly Uint8Array[] = []): PresentedCredential {
  return { kind: 'certificate', chain: [certificate, ...chain], proof: 'message', chainRequired: true };
}

let count = 0;

export type Wish = Partial<Omit<EnrollmentRequest, 'requested'>> & {
  readonly key?: KeyPair;
  readonly commonName?: string;
};

/** The request for a certificate, to be confirmed unless told otherwise. */
export function request({ key = newKey(), commonName = `device-${++count}`, ...changes }: Wish): EnrollmentRequest {
  return {
    protocol: 'cmp',
    label: 'cmp',
    operation: 'enroll',
    transactionId: createIdentifier(),
    confirmWithin,
    requested: {
      subjectPublicKeyInfo: spkiOf(key),
      subject: encodeName(parseName(`CN=${commonName}`)),
      extensions: [],
    },
    credentials: [mac()],
    remoteAddress,
    requestId: createIdentifier(),
    ...changes,
  };
}

/** A request with nothing to confirm. */
export function final(wish: Wish): EnrollmentRequest {
  const { confirmWithin: _none, ...rest } = request(wish);
  return rest;
}

export type Issued = Extract<EnrollmentResult, { outcome: 'issued' }>;

export async function issued({ gateway }: TestGateway, wanted: EnrollmentRequest): Promise<Issued> {
  const result = await enroll(wanted, gateway.core);
  if (result.outcome !== 'issued') throw new Error('not issued');
  return result;
}

export async function recordOf({ gateway }: TestGateway, certificate: Uint8Array): Promise<CertificateRecord> {
  const { serialNumber } = decodeCertificate(certificate);
  const named = { serialNumber, certificateFingerprint: fingerprint(certificate) };
  const record = await gateway.core.store.certificates.findByFingerprint(named);
  if (record === undefined) throw new Error('not on record');
  return record;
}

/** A device's certificate in use, and what its key's signature presents. */
export async function device(
  test: TestGateway,
  wish: Wish = {},
): Promise<Issued & { credential: PresentedCredential }> {
  const answer = await issued(test, final(wish));
  return { ...answer, credential: signature(answer.certificate, answer.chain.slice(0, -1)) };
}

/** The update of a device's certificate, to be confirmed (CMP's kur). */
export function update(credential: PresentedCredential, commonName: string, changes: Wish = {}): EnrollmentRequest {
  return request({ operation: 'reenroll', supplants: true, credentials: [credential], commonName, ...changes });
}

interface Confirmation {
  readonly accepted?: boolean;
  readonly requester?: string;
  readonly label?: string;
}

export async function confirm(test: TestGateway, certificate: Uint8Array, changes: Confirmation = {}): Promise<string> {
  const { requester } = await recordOf(test, certificate);
  const requestId = createIdentifier();
  await confirmCertificate(
    { protocol: 'cmp', label: 'cmp', requester, certificate, accepted: true, remoteAddress, requestId, ...changes },
    test.gateway.core,
  );
  return requestId;
}

export async function revoke(
  { gateway }: TestGateway,
  certificate: Uint8Array,
  changes: Partial<RevocationMessage> & Pick<RevocationMessage, 'credentials'>,
): Promise<string> {
  const { issuer, serialNumber } = decodeCertificate(certificate);
  const requestId = createIdentifier();
  const message = { protocol: 'cmp', label: 'cmp', issuer, serialNumber, reason: 'keyCompromise' } as const;
  await revokeByMessage({ ...message, remoteAddress, requestId, ...changes }, gateway.core);
  return requestId;
}
