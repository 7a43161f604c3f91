/** All repositories. */
import { createApiKeyRepository } from './api-key-repository.js';
import { createAuditRepository } from './audit-repository.js';
import { createCaGenerationRepository } from './ca-generation-repository.js';
import { createCaLinkRepository } from './ca-link-repository.js';
import { createCaRequestRepository } from './ca-request-repository.js';
import { createCatalogRepository } from './catalog-repository.js';
import { createCertificateRepository } from './certificate-repository.js';
import { createCompromiseRepository } from './compromise-repository.js';
import { createConfigurationUseRepository } from './configuration-use.js';
import { createCredentialRepository } from './credential-repository.js';
import { createCrlPartitionRepository } from './crl-partition-repository.js';
import { createCrlRepository } from './crl-repository.js';
import type { Database } from './database.js';
import { createDeviceRepository } from './device-repository.js';
import { createEnrollmentTransactionRepository } from './enrollment-transaction-repository.js';
import { createJobArchiveRepository } from './job-archive-repository.js';
import { createJobRepository } from './job-repository.js';
import { createJobRowRepository } from './job-row-repository.js';
import { createKeyRepository } from './key-repository.js';
import { createLeaseRepository } from './lease-repository.js';
import { createMetaRepository } from './meta-repository.js';
import { createRevocationRepository } from './revocation-repository.js';
import { createUnmanagedCaRepository } from './unmanaged-ca-repository.js';
import { createUnmanagedCertificateRepository } from './unmanaged-certificate-repository.js';
import { createUserRepository } from './user-repository.js';

export type Repositories = ReturnType<typeof createRepositories>;

export function createRepositories(database: Database) {
  return {
    catalog: createCatalogRepository(database),
    configurationUse: createConfigurationUseRepository(database),
    keys: createKeyRepository(database),
    caGenerations: createCaGenerationRepository(database),
    caRequests: createCaRequestRepository(database),
    caLinks: createCaLinkRepository(database),
    certificates: createCertificateRepository(database),
    revocations: createRevocationRepository(database),
    crls: createCrlRepository(database),
    crlPartitions: createCrlPartitionRepository(database),
    unmanagedCas: createUnmanagedCaRepository(database),
    unmanagedCertificates: createUnmanagedCertificateRepository(database),
    credentials: createCredentialRepository(database),
    devices: createDeviceRepository(database),
    compromises: createCompromiseRepository(database),
    enrollmentTransactions: createEnrollmentTransactionRepository(database),
    jobs: createJobRepository(database),
    jobRows: createJobRowRepository(database),
    jobArchives: createJobArchiveRepository(database),
    audit: createAuditRepository(database),
    users: createUserRepository(database),
    apiKeys: createApiKeyRepository(database),
    leases: createLeaseRepository(database),
    meta: createMetaRepository(database),
  } as const;
}
