/** The next generation of a CA: staged, and dropped where it is not to come. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import type { SigningGeneration } from '../ca/generations.js';
import { stageGeneration } from '../ca/hierarchy.js';
import { revocationStatements } from '../enrollment/revoke.js';
import { GatewayError } from '../errors.js';
import type { CaRequestRecord } from '../store/ca-request-repository.js';
import type { Statement } from '../store/change.js';
import { revocationReasonCode } from '../x509/crl.js';
import { keyFingerprint } from '../x509/public-key.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, hierarchyOptions, requireConfig } from './services.js';

/**
 * Makes the next key and certificate of a CA, which are announced and do not issue yet.
 * @throws GatewayError 'not-found'; 'invalid-state' where there is one, or it cannot be certified here
 */
export function stageNext(ca: string, actor: Actor, services: AuthorityServices): Promise<SigningGeneration> {
  return recordingRefusals({ act: 'stage', subject: ca, actor }, services, async () => {
    const config = requireConfig(ca, services);
    await stageGeneration(config, byActor(actor), hierarchyOptions(services));
    const next = services.generations.findNext(ca);
    if (next === undefined) throw new GatewayError('invalid-state', `what was staged of CA ${ca} was dropped just now`);
    await services.crls.publish(next.id, 0);
    return next;
  });
}

/**
 * Drops what is to come of a CA: its next generation, whose key is destroyed and whose certificates are revoked, or the key that
 * waits for a certificate. Its number is not used again.
 * @throws GatewayError 'not-found'; 'invalid-state' where nothing is to come
 */
export function dropNext(ca: string, actor: Actor, services: AuthorityServices): Promise<void> {
  return recordingRefusals({ act: 'drop-next', subject: ca, actor }, services, async () => {
    requireConfig(ca, services);
    await services.generations.reload();
    const next = services.generations.findNext(ca);
    const request = await services.store.caRequests.find({ ca });
    if (next !== undefined) await dropGeneration(next, actor, services);
    else if (request !== undefined) await dropRequest(request, actor, services);
    else throw new GatewayError('invalid-state', `CA ${ca} has no next generation, and no request that waits`);
  });
}

async function dropGeneration(next: SigningGeneration, actor: Actor, services: AuthorityServices): Promise<void> {
  const { store, clock, generations, caKeys } = services;
  const at = clock.now();
  const record = await store.caGenerations.find({ id: next.id });
  const removal = await caKeys.removal(record?.keyId ?? '');
  await store.commit({
    statements: [
      store.caGenerations.drop({ id: next.id, at: at.getTime() }),
      store.caLinks.removeOf({ generation: next.id }),
      ...removal.statements,
      ...(await endOfCertificates(next, at, services)),
    ],
    audit: [dropped(next.id, next.ca, actor, at)],
  });
  await removal.after();
  await generations.reload();
}

/** Those of its key, and those that it has signed itself: the links of a root. */
async function endOfCertificates(
  next: SigningGeneration,
  at: Date,
  { store, generations }: AuthorityServices,
): Promise<Statement[]> {
  const ofKey = await store.certificates.findByKey({
    keyFingerprint: keyFingerprint(next.certificate.subjectPublicKeyInfo),
  });
  const reason = 'cessationOfOperation';
  const statements = ofKey
    .filter(({ status }) => status !== 'revoked')
    .flatMap((record) => revocationStatements(record, { at, reason }, store));
  for (const other of generations.all()) {
    const fingerprint = keyFingerprint(other.certificate.subjectPublicKeyInfo);
    const links = other.ca === next.ca ? await store.certificates.findByKey({ keyFingerprint: fingerprint }) : [];
    for (const { id, issuerId, status } of links) {
      if (issuerId !== next.id || status === 'revoked') continue;
      // On no CRL: the key that would sign it is destroyed.
      const revoked = { revokedAt: at.getTime(), revocationReason: revocationReasonCode(reason), invalidityDate: null };
      statements.push(store.certificates.revoke({ id, ...revoked }));
    }
  }
  return statements;
}

async function dropRequest(
  { ca, number, keyId }: CaRequestRecord,
  actor: Actor,
  { store, clock, caKeys }: AuthorityServices,
): Promise<void> {
  const removal = await caKeys.removal(keyId);
  await store.commit({
    statements: [store.caRequests.remove({ ca, keyId }), ...removal.statements],
    audit: [dropped(`${ca}-${number}`, ca, actor, clock.now())],
  });
  await removal.after();
}

function dropped(subject: string, ca: string, actor: Actor, at: Date) {
  const details = { ca, ...byActor(actor) };
  return createAuditRecord({ at, action: 'ca.dropped', outcome: 'success', subject, details });
}
