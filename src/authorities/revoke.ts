/** A CA whose key, or whose keeper, is not to be trusted any more. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { findUnfit } from '../ca/authority.js';
import type { SigningGeneration } from '../ca/generations.js';
import type { finalReasons } from '../enrollment/revocation-reason.js';
import { revocationStatements } from '../enrollment/revoke.js';
import { GatewayError } from '../errors.js';
import { keyFingerprint } from '../x509/public-key.js';
import { takenOver, takeOverStatements } from './activate.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireGeneration } from './services.js';

interface AuthorityRevocation {
  /** A generation, or a CA for the one that issues. */
  readonly generation: string;
  readonly reason: (typeof finalReasons)[number];
  readonly actor: Actor;
}

export interface RevokedAuthority {
  readonly generation: string;
  /** The next generation, which issues from now on; absent where none was staged. */
  readonly successor?: string;
}

/**
 * Revokes a generation of a CA: every certificate of its key that a CA here has issued. It issues nothing more, nor does any CA
 * below it; it still signs CRLs, which tell what it has issued that is revoked. A next generation takes over at once.
 * @throws GatewayError 'not-found', 'already-revoked'; 'invalid-state' for one that does not issue yet
 */
export function revokeAuthority(
  { generation: name, reason, actor }: AuthorityRevocation,
  services: AuthorityServices,
): Promise<RevokedAuthority> {
  return recordingRefusals({ act: 'revoke', subject: name, actor }, services, async () => {
    const { store, generations, clock, crls } = services;
    await generations.reload();
    const generation = requireGeneration(name, services);
    const { id, ca, state } = generation;
    if (state === 'next')
      throw new GatewayError('invalid-state', `${id} issues nothing yet: drop it (gatehouse ca drop-next ${ca})`);
    const at = clock.now();
    const fingerprint = keyFingerprint(generation.certificate.subjectPublicKeyInfo);
    const records = (await store.certificates.findByKey({ keyFingerprint: fingerprint })).filter(
      ({ status, issuerId }) => status !== 'revoked' && generations.find(issuerId) !== undefined,
    );
    const successor = state === 'current' ? await findSuccessor(generation, services) : undefined;
    await store.commit({
      statements: [
        store.caGenerations.revoke({ id, at: at.getTime() }),
        ...(successor ? takeOverStatements(successor, services) : retirement(generation, services)),
        ...records.flatMap((record) => revocationStatements(record, { at, reason }, store)),
      ],
      audit: [
        createAuditRecord({
          at,
          action: 'ca.revoked',
          outcome: 'success',
          subject: id,
          details: { ca, reason, certificates: records.map((record) => record.id), ...byActor(actor) },
        }),
        ...(successor ? [takenOver(successor, actor, at)] : []),
      ],
    });
    await generations.reload();
    for (const { issuerId, crlPartition } of records) {
      if (generations.find(issuerId)?.online) await crls.publish(issuerId, crlPartition);
    }
    return { generation: id, ...(successor && { successor: successor.id }) };
  });
}

/** The next generation, if it is fit to take over: its key signs its CRL. */
async function findSuccessor(
  { id, ca }: SigningGeneration,
  { generations, crls, clock, log }: AuthorityServices,
): Promise<SigningGeneration | undefined> {
  const next = generations.findNext(ca);
  if (next === undefined || !next.online || findUnfit(next, generations, clock.now()) !== undefined) return undefined;
  try {
    await crls.publish(next.id, 0);
    return next;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    log.error({ err: error, generation: next.id, revoked: id }, 'the next generation of a revoked CA cannot take over');
    return undefined;
  }
}

function retirement({ id, state }: SigningGeneration, { store }: AuthorityServices) {
  return state === 'current' ? [store.caGenerations.setState({ id, from: 'current', to: 'previous' })] : [];
}
