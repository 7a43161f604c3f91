/** Signs what was approved and commits it, with everything that must stand or fall with it, before anybody sees it. */

import type { IssuedCertificate } from '../ca/sign-certificate.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { countLeaving } from '../policy/rules/duplicates.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import { decodeExtension, type Extension, isExtension } from '../x509/extensions.js';
import { formatName } from '../x509/names.js';
import { idCeSubjectAltName } from '../x509/oids.js';
import { keyFingerprint, subjectKeyIdentifier } from '../x509/public-key.js';
import { unrevokedStatements, useStatements } from './credential-use.js';
import { deviceStatements } from './device.js';
import type { Issuance } from './issuance.js';
import { issuanceRecords } from './record.js';
import type { EnrollmentResult } from './result.js';
import { supersessionStatements } from './revoke.js';
import { replacedStatements } from './revoke-replaced.js';
import { searchableNames } from './searchable-names.js';
import type { EnrollmentServices } from './services.js';
import { withModifications } from './stored-request.js';
import { answerExpiry } from './transaction.js';
import { unmanagedCaChange } from './unmanaged-ca.js';

export type IssuedResult = Extract<EnrollmentResult, { outcome: 'issued' }>;

export async function issue(issuance: Issuance, services: EnrollmentServices): Promise<IssuedResult> {
  const { request, decision, madeKey, delivery, facts, identity, now } = issuance;
  const { authority, store } = services;
  const signed = await authority.issue(decision.issuance);
  const deviceId = facts.usage === 'service' ? null : (facts.device?.id ?? createIdentifier());
  const result: IssuedResult = {
    outcome: 'issued',
    certificate: signed.der,
    serialNumber: signed.serialNumber,
    chain: authority.chain(signed.issuerId),
    modified: decision.modified,
    ...(deviceId === null ? {} : { device: facts.device?.name ?? facts.deviceName ?? deviceId }),
    ...(madeKey
      ? { generatedKey: { pkcs8: madeKey.pkcs8, ...(delivery ? { recipient: delivery.recipient } : {}) } }
      : {}),
  };
  const certificate = recordOf(issuance, signed, {
    deviceId,
    replaces: await findReplaced(issuance, deviceId, services),
  });
  const undelivered = issuance.answer.state === 'issued' ? [issuance.answer.certificate] : [];
  const duplicates = await findDuplicates(issuance, undelivered, services);
  const unmanagedCa = await unmanagedCaChange(issuance, certificate, store);
  // What a certificate takes the place of that is to be confirmed is needed as long as it is not.
  const superseded = [...undelivered, ...(request.confirmWithin === undefined ? duplicates : [])];
  // The gateway's own certificates are under a policy that is built in.
  const insertion = facts.usage === 'service' ? store.certificates.insert : store.certificates.insertUnderPolicy;
  await store.commit({
    statements: [
      // Before the credentials: a repeat that came at the same time has to find this transaction, not a credential used up.
      ...transactionStatements(issuance, certificate, services),
      ...credentialStatements(issuance, services),
      ...(deviceId === null ? [] : deviceStatements({ id: deviceId, facts, identity, now }, store)),
      ...limitStatements(issuance, undelivered.length + duplicates.length, services),
      insertion(certificate, searchableNames(alternativeNamesIn(decision.issuance.extensions))),
      ...soleHolderStatements(certificate, store),
      ...superseded.flatMap((old) => supersessionStatements(old, now, store)),
      ...newKeyStatements(issuance, certificate, store),
      ...supplantStatements(issuance, certificate, store),
      ...(certificate.confirmBy === null ? replacedStatements(certificate, now, store) : []),
      ...unmanagedCa.statements,
      ...(request.accompanying?.(result) ?? []),
    ],
    audit: [
      ...(issuance.approval ? [issuance.approval(certificate.id)] : []),
      ...issuanceRecords(issuance, certificate, superseded),
      ...unmanagedCa.audit,
    ],
  });
  return result;
}

function recordOf(
  { request, decision: { issuance }, facts, identity, now }: Issuance,
  signed: IssuedCertificate,
  { deviceId, replaces }: Pick<CertificateRecord, 'deviceId' | 'replaces'>,
): CertificateRecord {
  return {
    id: certificateId(signed.issuerId, signed.serialNumber),
    issuerId: signed.issuerId,
    serialNumber: signed.serialNumber,
    policy: facts.policy.name,
    profile: facts.profile.name,
    usage: facts.usage,
    deviceId,
    subject: formatName(issuance.subject),
    keyFingerprint: keyFingerprint(issuance.subjectPublicKeyInfo),
    certificateFingerprint: fingerprint(signed.der),
    subjectKeyIdentifier: subjectKeyIdentifier(issuance.subjectPublicKeyInfo),
    der: signed.der,
    notBefore: issuance.notBefore.getTime(),
    notAfter: issuance.notAfter.getTime(),
    issuedAt: now.getTime(),
    status: 'valid',
    revokedAt: null,
    revocationReason: null,
    invalidityDate: null,
    crlPartition: signed.crlPartition,
    protocol: request.protocol,
    requester: identity.requester,
    replaces,
    requestId: request.requestId,
    confirmBy: request.confirmWithin === undefined ? null : now.getTime() + request.confirmWithin * 1000,
    supplantedBy: null,
  };
}

/** The id of the certificate that this one renews. */
async function findReplaced(
  { request: { renews }, facts, identity }: Issuance,
  deviceId: string | null,
  { store }: EnrollmentServices,
): Promise<string | null> {
  if (facts.replaces !== undefined) return certificateId(facts.replaces.issuerId, facts.replaces.serialNumber);
  if (renews === undefined) return null;
  const { serialNumber } = decodeCertificate(renews);
  const named = { serialNumber, certificateFingerprint: fingerprint(renews) };
  const earlier = await store.certificates.findByFingerprint(named);
  const isOwn = earlier !== undefined && earlier.deviceId === deviceId && earlier.requester === identity.requester;
  return isOwn ? earlier.id : null;
}

/** Only this one is decoded: it is all that is searched. */
function alternativeNamesIn(extensions: readonly Uint8Array[]): Extension[] {
  return extensions.filter((der) => isExtension(der, idCeSubjectAltName)).map(decodeExtension);
}

/** Counts the credentials' uses, once for a transaction, and makes sure that all of them still hold. */
function credentialStatements(
  { identity, delivery, answer, now }: Issuance,
  { store }: EnrollmentServices,
): Statement[] {
  // An approval may come long after a passcode's end: what counts is that it was good when the request was made.
  const statements = identity.credentials.flatMap((credential) =>
    answer.state === 'none' ? useStatements(credential, now, store) : unrevokedStatements(credential, store),
  );
  // A key-wrap key is used by the first delivery, which may come after an approval; repeats are the same use.
  if (delivery?.credential && answer.state !== 'issued')
    statements.push(store.credentials.consume({ id: delivery.credential.id, now: now.getTime() }));
  const { issuedCertificate } = identity;
  if (issuedCertificate) {
    statements.push(
      store.certificates.requireValid({
        id: certificateId(issuedCertificate.issuerId, issuedCertificate.serialNumber),
      }),
    );
  }
  return statements;
}

function soleHolderStatements({ id, keyFingerprint, deviceId }: CertificateRecord, store: Store): Statement[] {
  return deviceId === null ? [] : [store.certificates.requireSoleHolder({ id, keyFingerprint, deviceId })];
}

function newKeyStatements({ request }: Issuance, { id, keyFingerprint }: CertificateRecord, store: Store): Statement[] {
  return request.newKeyOnly ? [store.certificates.requireNewKey({ id, keyFingerprint })] : [];
}

function supplantStatements({ request }: Issuance, { id, replaces }: CertificateRecord, store: Store): Statement[] {
  return request.supplants && replaces !== null
    ? [store.certificates.supplant({ id: replaces, supplantedBy: id })]
    : [];
}

/** The limits of the policy as the decision has seen them, once more, against parallel requests. */
function limitStatements({ facts, now }: Issuance, superseded: number, { store }: EnrollmentServices): Statement[] {
  const { policy, device } = facts;
  const at = now.getTime();
  const leaving = countLeaving(facts, superseded, now);
  const { certificates, certificatesPerDevice } = policy.limits;
  const statements: Statement[] = [];
  if (certificates !== undefined)
    statements.push(
      store.certificates.requireFewerByPolicy({ policy: policy.name, at, limit: certificates + leaving }),
    );
  if (certificatesPerDevice !== undefined && device)
    statements.push(
      store.certificates.requireFewerByDevice({
        deviceId: device.id,
        policy: policy.name,
        at,
        limit: certificatesPerDevice + leaving,
      }),
    );
  return statements;
}

function transactionStatements(
  { key, conversation, answer, request, facts, now, decision }: Issuance,
  { issuerId, serialNumber }: CertificateRecord,
  { store }: EnrollmentServices,
): Statement[] {
  if (key === undefined) return [];
  const at = now.getTime();
  const freshExpiry = answerExpiry({
    now,
    notAfter: decision.issuance.notAfter,
    profile: facts.profile.profile,
    ...(answer.state === 'none' ? {} : { approvalTimeout: facts.policy.approvalTimeout }),
    ...(request.replayableUntil ? { replayableUntil: request.replayableUntil } : {}),
  });
  // Repeats do not prolong it: for so long, and no longer, a used-up credential opens another key for an undelivered one.
  const expiresAt = answer.state === 'issued' ? Math.min(freshExpiry, answer.transaction.expiresAt) : freshExpiry;
  const answered = { certificateIssuer: issuerId, certificateSerial: serialNumber };
  if (answer.state !== 'none') {
    const { requestId, state } = answer.transaction;
    const kept = answer.transaction.request;
    // Who polls is told of the modifications later. Of what was answered at once no request is kept.
    const recorded = state === 'issued' ? kept : withModifications(kept, decision.modified);
    const issued = { ...answered, request: recorded };
    return [store.enrollmentTransactions.recordCertificate({ key, requestId, from: state, at, expiresAt, ...issued })];
  }
  return [
    store.enrollmentTransactions.insert({
      key,
      requestId: request.requestId,
      policy: facts.policy.name,
      groupName: facts.group.name,
      protocol: request.protocol,
      state: 'issued',
      // The certificate and its audit event say everything that an answered request is looked up for.
      request: '{}',
      identity: '{}',
      trace: '[]',
      ...answered,
      createdAt: at,
      updatedAt: at,
      expiresAt,
      decidedBy: null,
      reason: null,
      conversation: conversation ?? null,
      expiredBy: answer.expiredBy,
    }),
  ];
}

/** What the new certificate takes the place of by the policy's rule; the repeat of a key that did not arrive has its own. */
async function findDuplicates(
  { decision }: Issuance,
  undelivered: readonly CertificateRecord[],
  { store }: EnrollmentServices,
): Promise<CertificateRecord[]> {
  const duplicates = await Promise.all(
    decision.revokes.map(async ({ issuerId, serialNumber }) => {
      const record = await store.certificates.findByIssuerAndSerial(issuerId, serialNumber);
      if (record === undefined) throw new GatewayError('internal', 'a certificate to be superseded is not on record');
      return record;
    }),
  );
  return duplicates.filter((record) => record.id !== undelivered[0]?.id);
}
