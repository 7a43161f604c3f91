/** The key of a CA leaves the gateway: into a file that is kept in a safe, and brought when something is to be signed. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import type { SigningGeneration } from '../ca/generations.js';
import { encryptPrivateKey } from '../cms/encrypted-private-key.js';
import { isUsablePassword } from '../cms/pbes2.js';
import { decryptPrivateKey } from '../cms/read-pkcs12.js';
import { GatewayError } from '../errors.js';
import { publicKeyOf, readPkcs8 } from '../keys/private-key.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, crlPartitionsOf, requireGeneration } from './services.js';

interface TakingOffline {
  /** A CA for the generation that issues, or a generation. */
  readonly generation: string;
  /** For the file: whoever has both can sign. */
  readonly passphrase: string;
  /** Keeps the key, DER EncryptedPrivateKeyInfo, and returns what it then reads of it. */
  readonly keep: (encrypted: Uint8Array) => Promise<Uint8Array>;
  readonly actor: Actor;
}

/**
 * Hands out the key of a CA, encrypted under a passphrase, and destroys it here once it was read back. A last CRL is published
 * before.
 * @returns the id of the generation
 * @throws GatewayError 'not-found'; 'invalid-state' where it is offline, or needed: a policy issues by it, it issues intermediate
 * CA certificates, or it waits to be activated; 'unsupported-operation' where its key store hands out no keys; 'bad-secret' for a passphrase that not every reader would understand alike
 */
export function takeOffline(
  { generation: name, passphrase, keep, actor }: TakingOffline,
  services: AuthorityServices,
): Promise<string> {
  return recordingRefusals({ act: 'take-offline', subject: name, actor }, services, async () => {
    const { store, caKeys, generations, clock } = services;
    await generations.reload();
    const generation = requireGeneration(name, services);
    const { id, ca } = generation;
    requireNotNeeded(generation, services);
    if (!isUsablePassword(passphrase) || passphrase.length < shortest) {
      throw new GatewayError('bad-secret', `the passphrase must have ${shortest} characters or more, and be text`);
    }
    const keyId = (await store.caGenerations.find({ id }))?.keyId ?? '';
    const sealed = await encrypted(keyId, passphrase, services);
    // Those that are there may end soon.
    for (const partition of await crlPartitionsOf(id, services)) await services.crls.publish(id, partition);
    const kept = await keep(sealed);
    await requireSame(kept, passphrase, generation);
    const event = createAuditRecord({
      at: clock.now(),
      action: 'ca.taken-offline',
      outcome: 'success',
      subject: id,
      details: { ca, ...byActor(actor) },
    });
    const removal = await caKeys.removal(keyId);
    await store.commit({
      statements: [store.caGenerations.takeOffline({ id, keyId }), ...removal.statements],
      audit: [event],
    });
    await removal.after();
    await generations.reload();
    return id;
  });
}

const shortest = 12;

function requireNotNeeded({ id, ca, state, online }: SigningGeneration, { catalog }: AuthorityServices): void {
  const { policies, certificateAuthorities } = catalog();
  const policy = [...policies.values()].find((resolved) => resolved.policy.issuingCa === ca);
  const reason = !online
    ? `the key of ${id} is not in the gateway`
    : state === 'next'
      ? `${id} waits to be activated: do that first, or drop it`
      : state === 'current' && policy !== undefined
        ? `policy ${policy.policy.name} issues by CA ${ca}: give it another issuingCa first`
        : state === 'current' && certificateAuthorities.get(ca)?.issueIntermediates
          ? `CA ${ca} issues intermediate CA certificates, for which it must be online: take issueIntermediates from it first`
          : undefined;
  if (reason !== undefined) throw new GatewayError('invalid-state', reason);
}

async function encrypted(keyId: string, passphrase: string, { caKeys }: AuthorityServices): Promise<Uint8Array> {
  const pkcs8 = await caKeys.takeOut(keyId);
  try {
    return await encryptPrivateKey(pkcs8, passphrase);
  } finally {
    pkcs8.fill(0);
  }
}

/** Before it is destroyed here, the only other copy must open. */
async function requireSame(kept: Uint8Array, passphrase: string, { certificate }: SigningGeneration): Promise<void> {
  const pkcs8 = await decryptPrivateKey(kept, passphrase);
  const publicKey = publicKeyOf(readPkcs8(pkcs8));
  pkcs8.fill(0);
  if (Buffer.compare(publicKey, certificate.subjectPublicKeyInfo) === 0) return;
  throw new GatewayError('internal', 'the key could not be read back from its file, and stays in the gateway');
}
