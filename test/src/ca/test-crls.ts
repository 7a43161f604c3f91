/** Certificates that are issued and revoked below the flow that does so, and what openssl makes of their CRLs. */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Crl, type X509CrlReason } from '@peculiar/x509';
import type { IssuedCertificate } from '../../../src/ca/sign-certificate.js';
import type { Statement } from '../../../src/store/change.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { toPem } from '../../../src/x509/pem.js';
import { certificate as certificateRecord } from '../store/temporary-store.js';
import { approve, day, start, type TestNode } from './test-hierarchy.js';

const key = Uint8Array.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }),
);

export async function issue(
  { authority, store }: TestNode,
  notAfter = new Date(start + 90 * day),
): Promise<IssuedCertificate> {
  const issuance = approve('issuing-1', encodeName(parseName('CN=device')), key, { notAfter });
  const issued = await authority.issue(issuance);
  const { der, serialNumber, issuerId, crlPartition } = issued;
  const record = { issuerId, crlPartition, der, notAfter: notAfter.getTime() };
  await store.commit({ statements: [store.certificates.insert(certificateRecord(serialNumber, record))], audit: [] });
  return issued;
}

interface Revocation {
  readonly revocationReason?: number;
  readonly invalidityDate?: number;
  readonly revokedAt?: number;
}

export async function revoke(
  node: TestNode,
  issued: IssuedCertificate,
  changes: Revocation = {},
  at = start,
): Promise<void> {
  const revocation = { id: idOf(issued), revokedAt: at, revocationReason: 0, invalidityDate: null, ...changes };
  await commit(node, issued, at, node.store.certificates.revoke(revocation));
}

export async function hold(node: TestNode, issued: IssuedCertificate, at = start): Promise<void> {
  await commit(node, issued, at, node.store.certificates.hold({ id: idOf(issued), at }));
}

export async function release(node: TestNode, issued: IssuedCertificate, at = start): Promise<void> {
  await commit(node, issued, at, node.store.certificates.release({ id: idOf(issued) }));
}

/** The entries of the CRL that is published now, as another reader has them. */
export async function entriesOf({ crls }: TestNode, partition = 0): Promise<Record<string, X509CrlReason | undefined>> {
  const { der } = await crls.publish('issuing-1', partition);
  return Object.fromEntries(new X509Crl(der).entries.map((entry) => [entry.serialNumber, entry.reason]));
}

/** What a program prints: it finds the certificates as 0.pem…, the CRLs as 0.crl… and all of these in all.crl. */
export function openssl(
  certificates: readonly Uint8Array[],
  crls: readonly Uint8Array[],
  ...args: readonly string[]
): string {
  return runWithFiles(certificates, crls, `openssl ${args.join(' ')}`);
}

export function runWithFiles(
  certificates: readonly Uint8Array[],
  crls: readonly Uint8Array[],
  command: string,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-crl-'));
  try {
    for (const [i, der] of certificates.entries()) writeFileSync(join(folder, `${i}.pem`), toPem('CERTIFICATE', der));
    for (const [i, der] of crls.entries()) writeFileSync(join(folder, `${i}.crl`), toPem('X509 CRL', der));
    writeFileSync(join(folder, 'all.crl'), crls.map((der) => toPem('X509 CRL', der)).join(''));
    return execFileSync('/bin/sh', ['-c', `${command} 2>&1 || true`], { cwd: folder }).toString();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function commit(
  { store }: TestNode,
  { issuerId, crlPartition, ...issued }: IssuedCertificate,
  at: number,
  statement: Statement,
): Promise<void> {
  const id = idOf({ ...issued, issuerId, crlPartition });
  await store.commit({
    statements: [
      statement,
      store.crls.markChanged({ issuerId, partition: crlPartition, at }),
      store.revocations.follow({ id, at }),
    ],
    audit: [],
  });
}

function idOf({ issuerId, serialNumber }: IssuedCertificate): string {
  return `${issuerId}:${serialNumber}`;
}
