/** What a gateway has on record: audit events of answers, and how much of what there is. */
import { expect } from '@jest/globals';
import { z } from 'zod';
import type { ErrorCode } from '../../src/errors.js';
import type { AuditEventRecord } from '../../src/store/audit-repository.js';
import type { CertificateRecord } from '../../src/store/certificate-record.js';
import type { Answer } from './est-client.js';
import type { TestGateway } from './test-gateway.js';

const contentSchema = z.record(z.string(), z.unknown());

/** The content of the event that has the request's id; undefined if there is none. */
export async function eventOf(
  { gateway }: TestGateway,
  { requestId }: Pick<Answer, 'requestId'>,
): Promise<Record<string, unknown> | undefined> {
  const event = await gateway.core.store.audit.findById({ id: requestId });
  return event && contentSchema.parse(JSON.parse(event.content));
}

/** Events of an action, latest first. */
export async function eventsOf({ gateway }: TestGateway, action: string): Promise<readonly AuditEventRecord[]> {
  return await gateway.core.store.audit.list({ action, limit: 10_000 });
}

interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  /** A part of the sentence. */
  readonly says?: string;
}

/** Expects a refusal as RFC 8951 5.1 has it, one plain sentence, and its audit event. */
export async function expectRefused(
  test: TestGateway,
  answer: Answer,
  { status, code, says = '' }: Refusal,
): Promise<void> {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.stringContaining(says) });
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.text).toMatch(/^[^\n\p{Cc}]{10,300}\n$/u);
  expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', outcome: 'refused', code });
}

export interface Counts {
  readonly certificates: number;
  readonly devices: number;
  readonly transactions: number;
}

/** How many certificates, devices and transactions there are, without the gateway's own certificates. */
export async function countRecords({ gateway }: TestGateway): Promise<Counts> {
  const { certificates, devices, enrollmentTransactions } = gateway.core.store;
  const issued = await certificates.list({ limit: 10_000 });
  return {
    certificates: issued.filter(({ usage }) => usage !== 'service').length,
    devices: (await devices.list({ limit: 10_000 })).length,
    transactions: (await enrollmentTransactions.list({ limit: 10_000 })).length,
  };
}

/** The record of an issued certificate. */
export async function recordOf(
  { gateway }: TestGateway,
  { fingerprint256, serialNumber }: { readonly fingerprint256: string; readonly serialNumber: string },
): Promise<CertificateRecord> {
  const certificateFingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  const record = await gateway.core.store.certificates.findByFingerprint({
    serialNumber: serialNumber.toLowerCase(),
    certificateFingerprint,
  });
  if (record === undefined) throw new Error('the certificate is not on record');
  return record;
}

/** Puts copies of a certificate on record, with serial numbers from `first` on. */
export async function insertCopies(
  { gateway }: TestGateway,
  record: CertificateRecord,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<void> {
  const { store } = gateway.core;
  const serialNumbers = Array.from({ length: count }, (_, index) => (first + index).toString(16));
  const statements = serialNumbers.map((serialNumber) =>
    store.certificates.insert({ ...record, serialNumber, certificateFingerprint: `copy-${serialNumber}` }),
  );
  await store.commit({ statements, audit: [] });
}

/** The id of the first request that waits for approval, as soon as there is one. */
export async function firstPendingRequest({ gateway }: TestGateway): Promise<string> {
  for (;;) {
    const [pending] = await gateway.core.store.enrollmentTransactions.list({ state: 'pending', limit: 1 });
    if (pending !== undefined) return pending.requestId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
