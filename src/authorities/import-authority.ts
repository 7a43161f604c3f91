/** A CA that was elsewhere until now: its key and certificate are taken over. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { CaKeyStore, NewCaKey } from '../keys/ca-keys.js';
import { caKeyPurpose } from '../keys/key-purpose.js';
import { keyFingerprint } from '../x509/public-key.js';
import { acceptCertificate } from './accept-certificate.js';
import { readCertificate } from './check-certificate.js';
import { readCrls } from './read-crls.js';
import { type PrivateKeyFile, readPrivateKey } from './read-private-key.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, requireConfig } from './services.js';

/** In a file, for the key store in the database; or what the CA's key store calls it, where it is already. */
export type ImportedKey = PrivateKeyFile | { readonly reference: string };

interface AuthorityImport {
  readonly ca: string;
  /** A file may have certificates in it, too. */
  readonly key: ImportedKey;
  /** DER, in any order: that of the key, and what leads from it to its root. */
  readonly certificates: readonly Uint8Array[];
  /** DER: its last complete CRL, or one for each distribution point; none for a CA that has revoked nothing. */
  readonly crls: readonly Uint8Array[];
  readonly actor: Actor;
}

export interface ImportedAuthority {
  /** The id. */
  readonly generation: string;
  /** How many certificates that it revoked or held before are on its CRLs from now on. */
  readonly revocations: number;
  /** When its last CRL had ended, if it had; what was revoked since is not known. */
  readonly crlEndedAt?: Date;
}

/**
 * Takes over key and certificate of a CA that is configured with `key: external`: the first is in use at once, the next one is
 * staged. What it has revoked stays revoked until its end, and its CRLs go on. Either all of it is kept or nothing.
 * @throws GatewayError as `readPrivateKey`, `acceptCertificate` and `readCrls` do; 'not-found'; 'unacceptable-key' where key and certificate do
 * not belong together; 'invalid-state' where the CA has keys of its own, or a next generation; of its key store,
 * 'unsupported-operation' where that does not take keys so
 */
export function importAuthority(
  { ca, key, certificates, crls: earlier, actor }: AuthorityImport,
  services: AuthorityServices,
): Promise<ImportedAuthority> {
  return recordingRefusals({ act: 'import', subject: ca, actor }, services, async () => {
    const { store, generations, clock, crls, caKeys } = services;
    const config = requireConfig(ca, services);
    await generations.reload();
    requireImportable(ca, services);
    const number = (await store.caGenerations.lastNumber({ ca })) + 1;
    const id = `${ca}-${number}`;
    const { keyStore } = config;
    const { adopted, along } = await adopt(key, `${caKeyPurpose}${id}`, caKeys.store(keyStore));
    const { keyId, publicKey } = adopted.signer;
    requireNewKey(publicKey, services);
    const sorted = ownFirst([...certificates, ...along], publicKey);
    const accepted = await acceptCertificate({ config, certificates: sorted, publicKey }, services);
    const state = generations.findCurrent(ca) === undefined ? 'current' : 'next';
    const at = clock.now();
    const { columns } = accepted;
    const certificate = readCertificate(columns.certificate);
    const { revocations, lastNumber, endedAt } = readCrls({ crls: earlier, certificate, issuerId: id, now: at });
    const event = createAuditRecord({
      at,
      action: 'ca.imported',
      outcome: 'success',
      subject: id,
      details: {
        ca,
        ...(keyStore === undefined ? {} : { keyStore }),
        issuer: columns.parent,
        keyFingerprint: keyFingerprint(publicKey),
        above: accepted.above,
        ...(earlier.length === 0
          ? {}
          : { crls: earlier.length, crlNumber: lastNumber, revocations: revocations.length, crlEndedAt: endedAt }),
        ...byActor(actor),
      },
    });
    await store.commit({
      statements: [
        ...accepted.statements,
        store.caGenerations.insert({ id, ca, number, state, keyId, ...columns, createdAt: at.getTime() }),
        adopted.statement,
        store.crls.carryOn({ issuerId: id, partition: 0, number: revocations.length, lastNumber, at: at.getTime() }),
        // Each a change of its own, so that they are read in parts.
        ...revocations.map((row, index) => store.revocations.insert({ ...row, change: index + 1 })),
      ],
      audit: [event],
    });
    await generations.reload();
    await crls.publish(id, 0);
    return { generation: id, revocations: revocations.length, ...(endedAt && { crlEndedAt: endedAt }) };
  });
}

function requireImportable(ca: string, services: AuthorityServices): void {
  const { generations } = services;
  if (requireConfig(ca, services).key !== 'external') {
    throw new GatewayError(
      'invalid-state',
      `the keys of CA ${ca} are made here: configure key: external for a CA that is to be imported`,
    );
  }
  if (generations.findNext(ca) !== undefined) {
    throw new GatewayError('invalid-state', `CA ${ca} has a next generation already: activate or drop it`);
  }
  const current = generations.findCurrent(ca);
  if (current !== undefined && !current.online) {
    throw new GatewayError(
      'invalid-state',
      `the key of CA ${ca} is kept elsewhere, with its certificate here: import its next certificate alone`,
    );
  }
}

interface AdoptedKey {
  readonly adopted: NewCaKey;
  /** Certificates that came with it, DER. */
  readonly along: readonly Uint8Array[];
}

async function adopt(key: ImportedKey, purpose: string, keyStore: CaKeyStore): Promise<AdoptedKey> {
  if ('reference' in key) return { adopted: await keyStore.adopt(key, purpose), along: [] };
  const { pkcs8, certificates } = await readPrivateKey(key);
  try {
    return { adopted: await keyStore.adopt({ pkcs8 }, purpose), along: certificates };
  } finally {
    pkcs8.fill(0);
  }
}

/** Two generations of one key could not be told apart by what they have signed. */
function requireNewKey(publicKey: Uint8Array, { generations }: AuthorityServices): void {
  const fingerprint = keyFingerprint(publicKey);
  const other = generations
    .all()
    .find(({ certificate }) => keyFingerprint(certificate.subjectPublicKeyInfo) === fingerprint);
  if (other !== undefined) throw new GatewayError('duplicate-request', `${other.id} has this key already`);
}

function ownFirst(certificates: readonly Uint8Array[], publicKey: Uint8Array): readonly Uint8Array[] {
  const own = certificates.find((der) => Buffer.compare(readCertificate(der).subjectPublicKeyInfo, publicKey) === 0);
  if (own !== undefined) return [own, ...certificates.filter((der) => der !== own)];
  if (certificates.length === 0)
    throw new GatewayError('malformed-request', 'the certificate of the private key is missing');
  throw new GatewayError('unacceptable-key', 'the private key is not that of the certificate');
}
