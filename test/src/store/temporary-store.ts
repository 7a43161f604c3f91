/** Stores in temporary folders, and records to fill them with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewCaGenerationRecord } from '../../../src/store/ca-generation-repository.js';
import type { NewCertificateRecord } from '../../../src/store/certificate-record.js';
import type { AuditRecord } from '../../../src/store/change.js';
import type { CredentialRecord } from '../../../src/store/credential-repository.js';
import type { DeviceRecord } from '../../../src/store/device-record.js';
import type { EnrollmentTransactionRecord } from '../../../src/store/enrollment-transaction-repository.js';
import { openStore, type SqliteStoreOptions } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';

/** Runs `work` with the name of a database file in a new folder, which is removed afterwards. */
export async function withFile(work: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'));
  try {
    await work(join(folder, 'data', 'gatehouse.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `work` with a new store, which is closed and removed afterwards. */
export async function withStore(
  work: (store: Store, file: string) => Promise<void>,
  options: Omit<SqliteStoreOptions, 'file'> = {},
): Promise<void> {
  await withFile(async (file) => {
    const store = await openStore({ file, synchronous: 'OFF', ...options });
    try {
      await work(store, file);
    } finally {
      await store.close();
    }
  });
}

export const now = Date.UTC(2026, 10, 1);
export const day = 86_400_000;

export function auditRecord(id: string, changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id,
    at: now,
    action: 'certificate.issue',
    outcome: 'issued',
    subject: 'device-1',
    content: JSON.stringify({ id, at: now }),
    ...changes,
  };
}

export function caGeneration(changes: Partial<NewCaGenerationRecord> = {}): NewCaGenerationRecord {
  return {
    id: 'plant-1',
    ca: 'plant',
    number: 1,
    state: 'current',
    certificate: Uint8Array.of(48, 0),
    keyId: 'key-1',
    parent: null,
    notBefore: now,
    notAfter: now + 3650 * day,
    createdAt: now,
    ...changes,
  };
}

export function certificate(serialNumber: string, changes: Partial<NewCertificateRecord> = {}): NewCertificateRecord {
  return {
    issuerId: 'plant-1',
    serialNumber,
    policy: 'sensors',
    profile: 'device',
    usage: 'operational',
    deviceId: null,
    subject: 'CN=Sensor 100%',
    keyFingerprint: 'aa',
    certificateFingerprint: `fp-${serialNumber}`,
    subjectKeyIdentifier: Uint8Array.of(1, 2, 3),
    der: Uint8Array.of(48, 1, 0),
    notBefore: now,
    notAfter: now + 90 * day,
    issuedAt: now,
    status: 'valid',
    revokedAt: null,
    revocationReason: null,
    invalidityDate: null,
    crlPartition: 0,
    protocol: 'est',
    requester: 'passcode:installer',
    replaces: null,
    requestId: `request-${serialNumber}`,
    confirmBy: null,
    supplantedBy: null,
    ...changes,
  };
}

export function credential(id: string, changes: Partial<CredentialRecord> = {}): CredentialRecord {
  return {
    id,
    authenticationPolicy: 'factory',
    kind: 'passcode',
    name: id,
    username: null,
    lookup: 'hmac',
    sealed: null,
    certificate: null,
    usageLimit: null,
    uses: 0,
    notBefore: null,
    notAfter: null,
    allowedAddresses: null,
    registeredValues: null,
    createdAt: now,
    revokedAt: null,
    source: 'command',
    ...changes,
  };
}

export function device(id: string, changes: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    id,
    division: 'plant',
    name: id,
    groupName: 'sensors',
    state: 'registered',
    identifiers: '{}',
    attributes: '{}',
    createdAt: now,
    updatedAt: now,
    ...changes,
  };
}

export function enrollmentTransaction(
  key: string,
  changes: Partial<EnrollmentTransactionRecord> = {},
): EnrollmentTransactionRecord {
  return {
    key,
    requestId: `request-${key}`,
    policy: 'sensors',
    groupName: null,
    protocol: 'scep',
    state: 'pending',
    request: '{}',
    identity: '{}',
    trace: '[]',
    certificateIssuer: null,
    certificateSerial: null,
    createdAt: now,
    updatedAt: now,
    expiresAt: now + day,
    decidedBy: null,
    reason: null,
    conversation: null,
    ...changes,
  };
}
