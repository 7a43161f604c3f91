/** All repositories. Creating them compiles every statement for the database's dialect. */
import { createAuditRepository } from './audit-repository.js';
import { createCaGenerationRepository } from './ca-generation-repository.js';
import { createCatalogRepository } from './catalog-repository.js';
import { createCertificateRepository } from './certificate-repository.js';
import { createCredentialRepository } from './credential-repository.js';
import { createCrlRepository } from './crl-repository.js';
import type { Database } from './database.js';
import { createDeviceRepository } from './device-repository.js';
import { createEnrollmentTransactionRepository } from './enrollment-transaction-repository.js';
import { createJobArchiveRepository } from './job-archive-repository.js';
import { createKeyRepository } from './key-repository.js';
import { createLeaseRepository } from './lease-repository.js';
import { createMetaRepository } from './meta-repository.js';

export type Repositories = ReturnType<typeof createRepositories>;

export function createRepositories(database: Database) {
  return {
    catalog: createCatalogRepository(database),
    keys: createKeyRepository(database),
    caGenerations: createCaGenerationRepository(database),
    certificates: createCertificateRepository(database),
    crls: createCrlRepository(database),
    credentials: createCredentialRepository(database),
    devices: createDeviceRepository(database),
    enrollmentTransactions: createEnrollmentTransactionRepository(database),
    jobArchives: createJobArchiveRepository(database),
    audit: createAuditRepository(database),
    leases: createLeaseRepository(database),
    meta: createMetaRepository(database),
  } as const;
}
