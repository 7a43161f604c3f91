/** The credentials that are bound to one device, by their indexes: however many others there are. */
import { sql } from 'kysely';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';
import { jsonMember } from './json-member.js';

export interface BoundCredential {
  readonly id: string;
  /** The authentication policy's name in the catalog. */
  readonly authenticationPolicy: string;
  readonly kind: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly revokedAt: number | null;
}

export function createCredentialsOfDevice(database: Database) {
  const { write, list } = database.tables<Tables>();
  return {
    /** Those of these authentication policies whose registered values name the device, revoked ones too. */
    boundToDevice: ({ name, within }: { readonly name: string; readonly within: readonly string[] }) =>
      list((db) =>
        db
          .selectFrom('credential')
          .select(columns)
          .where('registeredValues', 'is not', null)
          .where(jsonMember(database.dialect, 'registered_values', 'device'), '=', name)
          .where('authenticationPolicy', 'in', within)
          .orderBy('id'),
      ),

    /** The authentication certificates that certificates of the device were got by, but for revoked ones. */
    shownByDevice: ({ deviceId, within }: { readonly deviceId: string; readonly within: readonly string[] }) =>
      list((db) =>
        db
          .selectFrom('certificate')
          // The requester is the kind, the id and the fingerprint of its certificate.
          .innerJoin('credential', (join) =>
            join.on(
              'credential.id',
              '=',
              sql<string>`substr(${sql.ref('certificate.requester')}, ${sql.lit(pinned.length + 1)}, length(${sql.ref('certificate.requester')}) - ${sql.lit(pinned.length + fingerprintLength)})`,
            ),
          )
          .select([...columns.map((column) => `credential.${column}` as const), 'credential.certificate'])
          .distinct()
          .where('certificate.deviceId', '=', deviceId)
          .where('certificate.requester', 'like', `${pinned}%`)
          .where('credential.authenticationPolicy', 'in', within)
          .where('credential.kind', '=', 'authentication-certificate')
          .where('credential.revokedAt', 'is', null),
      ),

    /** The revocation passphrases of the lineages that the device's certificates begin, but for revoked ones. */
    passphrasesOfDevice: ({ deviceId, within }: { readonly deviceId: string; readonly within: readonly string[] }) =>
      list((db) =>
        db
          .selectFrom('certificate')
          .innerJoin('credential', (join) =>
            join.on('credential.name', '=', sql<string>`'lineage:' || ${sql.ref('certificate.id')}`),
          )
          .select(columns.map((column) => `credential.${column}` as const))
          .where('certificate.deviceId', '=', deviceId)
          .where('credential.authenticationPolicy', 'in', within)
          .where('credential.kind', '=', 'revocation-passphrase')
          .where('credential.revokedAt', 'is', null),
      ),

    /** Revokes it; nothing where somebody has done so. */
    endCredential: write((db, slot: { id: string; at: number }) =>
      db.updateTable('credential').set({ revokedAt: slot.at }).where('id', '=', slot.id).where('revokedAt', 'is', null),
    ),
  };
}

interface Tables {
  credential: BoundCredential & { readonly registeredValues: string | null; readonly certificate: Uint8Array | null };
  certificate: CertificateRecord;
}

const pinned = 'authentication-certificate:';
/** A colon and a SHA-256 in hex. */
const fingerprintLength = 65;

const columns = ['id', 'authenticationPolicy', 'kind', 'name', 'revokedAt'] as const;
