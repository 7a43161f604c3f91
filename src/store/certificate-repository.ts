/** Every certificate that was issued, and whether it still holds. */
import { type QueryCreator, sql } from 'kysely';
import type { CaGenerationRecord } from './ca-generation-repository.js';
import type { CatalogItemRecord } from './catalog-repository.js';
import { createCertificateConfirmation } from './certificate-confirmation.js';
import { createCertificateCounts, valid } from './certificate-counts.js';
import {
  type CertificateFilter,
  type CertificateRecord,
  certificateId,
  certificateColumns as columns,
  type NewCertificateRecord,
} from './certificate-record.js';
import { createCertificateReplacement } from './certificate-replacement.js';
import { createCertificateRequester } from './certificate-requester.js';
import { createCertificateRevocation } from './certificate-revocation.js';
import { createCertificateSearch } from './certificate-search.js';
import { createCertificatesOfDevice } from './certificates-of-device.js';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';
import { createReplacedCertificates } from './replaced-certificates.js';

const inserted = [...columns, 'names'] as const;

export function createCertificateRepository(database: Database) {
  const { write, read, find, list } = database.tables<Tables>();
  const findById = find((db, slot: { id: string }) =>
    db.selectFrom('certificate').select(columns).where('id', '=', slot.id),
  );

  const insert = write(
    (db, slot: Tables['certificate']) =>
      db
        .insertInto('certificate')
        .values(slotsOf(slot, inserted))
        .onConflict((conflict) => conflict.doNothing()),
    { rows: 1, otherwise: 'unavailable' },
  );

  const insertUnderPolicy = write(
    (db, slot: Tables['certificate']) =>
      db
        .insertInto('certificate')
        .columns(inserted)
        .expression(
          db
            .selectFrom('catalogItem')
            .select(inserted.map((column) => sql`${slot[column]}`.as(column)))
            .where('catalogItem.kind', '=', sql.lit('policy'))
            .where('catalogItem.name', '=', slot.policy)
            .where((row) =>
              row.not(
                row.exists(
                  row
                    .selectFrom('caGeneration')
                    .select('caGeneration.id')
                    .where('caGeneration.id', '=', slot.issuerId)
                    .where('caGeneration.revokedAt', 'is not', null),
                ),
              ),
            ),
        )
        .onConflict((conflict) => conflict.doNothing()),
    { rows: 1, otherwise: 'unavailable' },
  );

  return {
    ...createCertificateCounts(database),
    ...createCertificateConfirmation(database),
    ...createCertificateRequester(database),
    ...createCertificateReplacement(database),
    ...createCertificateRevocation(database),
    ...createCertificatesOfDevice(database),
    ...createReplacedCertificates(database),
    ...createCertificateSearch(database),

    /**
     * Refused as 'unavailable' if its serial number is taken: sign again with another one. `names`: what it is searched by; read
     * from the certificate later where they are not given.
     */
    insert: (certificate: NewCertificateRecord, names: string | null = null) =>
      insert({ ...certificate, names, id: certificateId(certificate.issuerId, certificate.serialNumber) }),

    /**
     * The same, refused as 'unavailable' also if its policy was removed since the decision, or its CA revoked: look-ups within the
     * insert, which a removal or revocation that comes first cannot be missed by.
     */
    insertUnderPolicy: (certificate: NewCertificateRecord, names: string | null = null) =>
      insertUnderPolicy({ ...certificate, names, id: certificateId(certificate.issuerId, certificate.serialNumber) }),

    findById,
    findByIssuerAndSerial: (issuerId: string, serialNumber: string) =>
      findById({ id: certificateId(issuerId, serialNumber) }),

    /** What an OCSP answer is made of, and no more of it: it is read for each of them. */
    findStatus: find((db, slot: { id: string }) =>
      db
        .selectFrom('certificate')
        .select(['status', 'revokedAt', 'revocationReason', 'confirmBy'])
        .where('id', '=', slot.id),
    ),

    /** A certificate that is at hand: both its serial number and its fingerprint. */
    findByFingerprint: find((db, slot: { serialNumber: string; certificateFingerprint: string }) =>
      ofSerial(db, slot.serialNumber).where('certificate.certificateFingerprint', '=', slot.certificateFingerprint),
    ),

    /** SHA-256 of the certificate, lower-case hex, where nothing else of it is known. */
    findBySha256: find((db, slot: { certificateFingerprint: string }) =>
      db.selectFrom('certificate').select(columns).where('certificateFingerprint', '=', slot.certificateFingerprint),
    ),

    /** Of whatever issuer: serial numbers are only unique within one. */
    findBySerial: read((db, slot: { serialNumber: string }) =>
      ofSerial(db, slot.serialNumber).orderBy('certificate.id'),
    ),

    /**
     * Guard, after the insert: refuses the change as 'unavailable' if the key is in another certificate that is not revoked.
     * The decision has looked already; this is for the request that came at the same time.
     */
    requireNewKey: write(
      (db, slot: { id: string; keyFingerprint: string }) =>
        db
          .updateTable('certificate')
          .set((row) => ({ status: row.ref('status') }))
          .where('id', '=', slot.id)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('certificate as other')
                  .select('other.id')
                  .where('other.keyFingerprint', '=', slot.keyFingerprint)
                  .where('other.id', '<>', slot.id)
                  .where('other.status', '<>', 'revoked'),
              ),
            ),
          ),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** All that were ever issued for a key, revoked ones too: a key that was compromised must not come back. */
    findByKey: read((db, slot: { keyFingerprint: string }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('keyFingerprint', '=', slot.keyFingerprint)
        .orderBy('issuedAt', 'desc'),
    ),

    /** RFC 4210 and CMC name certificates so; a renewal with the same key has the same identifier. */
    findBySubjectKeyIdentifier: read((db, slot: { subjectKeyIdentifier: Uint8Array }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('subjectKeyIdentifier', '=', slot.subjectKeyIdentifier)
        .orderBy('issuedAt', 'desc'),
    ),

    /** Guard: refuses the change as 'revoked-requester' unless the certificate is neither revoked nor held. */
    requireValid: write(
      (db, slot: { id: string }) =>
        db
          .updateTable('certificate')
          .set((row) => ({ status: row.ref('status') }))
          .where('id', '=', slot.id)
          .where('status', '=', valid),
      { rows: 1, otherwise: 'revoked-requester' },
    ),

    /**
     * Guard, after the insert: refuses the change as 'unavailable' if the key is in a certificate of another device. The
     * decision has looked already; this is for the request that came at the same time.
     */
    requireSoleHolder: write(
      (db, slot: { id: string; keyFingerprint: string; deviceId: string }) =>
        db
          .updateTable('certificate')
          .set((row) => ({ status: row.ref('status') }))
          .where('id', '=', slot.id)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('certificate as other')
                  .select('other.id')
                  .where('other.keyFingerprint', '=', slot.keyFingerprint)
                  .where((other) =>
                    other.or([other('other.deviceId', 'is', null), other('other.deviceId', '<>', slot.deviceId)]),
                  ),
              ),
            ),
          ),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** A page of those that fit every given filter, latest first. */
    list: (filter: CertificateFilter) =>
      list((db) => {
        const { subjectContains, expiresBefore, expiresFrom, after, limit, ...equal } = filter;
        let query = db.selectFrom('certificate').select(columns);
        for (const column of filterColumns) {
          const wanted = equal[column];
          query = wanted === undefined ? query : query.where(column, '=', wanted);
        }
        if (subjectContains !== undefined) {
          query = query.where((row) => containsText(row.ref('subject'), subjectContains));
        }
        if (expiresBefore !== undefined) {
          query = query.where('notAfter', '<', expiresBefore);
        }
        if (expiresFrom !== undefined) {
          query = query.where('notAfter', '>=', expiresFrom);
        }
        if (after !== undefined) {
          query = query.where((row) => row(row.refTuple('issuedAt', 'id'), '<', row.tuple(after.issuedAt, after.id)));
        }
        return query.orderBy('issuedAt', 'desc').orderBy('id', 'desc').limit(limit);
      }),
  };
}

interface Tables {
  certificate: CertificateRecord & { readonly names: string | null };
  caGeneration: CaGenerationRecord;
  catalogItem: CatalogItemRecord;
}

/** There are few generations: looking the id up in each spares every insert an index of its own. */
function ofSerial(db: QueryCreator<Tables>, serialNumber: string) {
  return db
    .selectFrom('caGeneration')
    .innerJoin('certificate', (join) =>
      join.on('certificate.id', '=', sql<string>`${sql.ref('caGeneration.id')} || ':' || ${serialNumber}`),
    )
    .select(qualifiedColumns);
}

const filterColumns = [
  'policy',
  'profile',
  'usage',
  'deviceId',
  'issuerId',
  'status',
  'protocol',
  'requestId',
] as const;

const qualifiedColumns = columns.map((column) => `certificate.${column}` as const);
