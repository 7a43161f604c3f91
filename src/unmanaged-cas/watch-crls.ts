/** Looks at the CRLs of unmanaged CAs, as far as that is wanted: one node at a time, each CRL once an hour. */
import { setImmediate } from 'node:timers/promises';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { OutboundError } from '../outbound/outbound-error.js';
import type { OutboundNetworks } from '../outbound/permitted-addresses.js';
import type { Statement } from '../store/change.js';
import { underLease } from '../store/under-lease.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import { revocationReasonCode } from '../x509/crl.js';
import { CrlProblem, readCrl, type WatchedCrl } from './read-crl.js';

const atOnce = 10;
const timeoutMilliseconds = 20_000;
const hour = 3_600_000;
const soon = 600_000;
// Read as a whole: tens of milliseconds, for as many revoked certificates as one CA has on record.
const maximumCrlBytes = 2 * 1024 * 1024;
const partSize = 500;
/** For all of a turn. */
const lease = { name: 'unmanaged-crls', holder: createIdentifier(), milliseconds: 600_000 };

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'outbound'>;

/** @param networks where CRLs may be: not on the gateway's own machine, nor where clouds keep secrets, unless it says so */
export async function watchCrls(
  services: Services,
  networks: OutboundNetworks = { allowed: [], denied: [] },
): Promise<void> {
  const { store, clock } = services;
  const now = clock.now().getTime();
  const due = await store.unmanagedCas.dueCrls({ now, limit: atOnce });
  if (due.length === 0) return;
  await underLease(lease, services, async () => {
    for (const unmanagedCa of due) await look(unmanagedCa, services, networks);
  });
}

async function look(unmanagedCa: UnmanagedCaRecord, services: Services, networks: OutboundNetworks): Promise<void> {
  const { store } = services;
  const looked = await fetchAndApply(unmanagedCa, services, networks);
  try {
    await store.commit({ statements: [store.unmanagedCas.recordCrl({ ...unmanagedCa, ...looked })], audit: [] });
  } catch (error) {
    // Another one is watched since.
    if (!(error instanceof GatewayError) || error.code !== 'invalid-state') throw error;
  }
}

/** What there is to record of a look. */
type Looked = Partial<UnmanagedCaRecord>;

async function fetchAndApply(
  unmanagedCa: UnmanagedCaRecord,
  services: Services,
  networks: OutboundNetworks,
): Promise<Looked> {
  const crlCheckedAt = services.clock.now().getTime();
  const failed = (crlState: 'unreachable' | 'bad', crlProblem: string): Looked => {
    return { crlState, crlProblem, crlCheckedAt, crlDueAt: crlCheckedAt + soon };
  };
  const good = { crlState: 'fresh', crlProblem: null, crlCheckedAt, crlDueAt: crlCheckedAt + hour } as const;
  try {
    const { status, body, headers } = await fetchCrl(unmanagedCa, services, networks);
    // Only ever asked for what was found good.
    if (status === 304 && unmanagedCa.crlEtag !== null) return good;
    if (status !== 200) return failed('unreachable', `it was answered with status ${status}`);
    const crl = await readCrl(body, unmanagedCa, services);
    await apply(crl, unmanagedCa, services);
    const { thisUpdate, nextUpdate, number } = crl;
    return {
      ...good,
      crlThisUpdate: thisUpdate.getTime(),
      crlNextUpdate: nextUpdate.getTime(),
      crlNumber: number,
      crlEtag: fitEtag(headers.etag),
    };
  } catch (error) {
    if (error instanceof OutboundError) return failed('unreachable', error.message);
    if (error instanceof CrlProblem) return failed('bad', error.message);
    throw error;
  }
}

async function fetchCrl({ crlUrl, crlEtag }: UnmanagedCaRecord, { outbound }: Services, networks: OutboundNetworks) {
  return await outbound.request({
    url: crlUrl ?? '',
    method: 'GET',
    headers: { Accept: 'application/pkix-crl', ...(crlEtag === null ? {} : { 'If-None-Match': crlEtag }) },
    timeoutMilliseconds,
    maximumResponseBytes: maximumCrlBytes,
    networks,
  });
}

/** It goes out again in a header. */
function fitEtag(etag: string | undefined): string | null {
  return etag !== undefined && /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(etag) ? etag : null;
}

/** What it says of the certificates that were reported, part by part; who is on hold and not on it any more is valid again. */
async function apply({ entries }: WatchedCrl, { id }: UnmanagedCaRecord, { store }: Services): Promise<void> {
  const { unmanagedCertificates } = store;
  let after = '';
  for (;;) {
    const part = await unmanagedCertificates.states({ unmanagedCaId: id, after, limit: partSize });
    const last = part.at(-1);
    if (last === undefined) return;
    after = last.serialNumber;
    const statements = part.flatMap(({ serialNumber, status, revocationReason }): Statement[] => {
      const place = { unmanagedCaId: id, serialNumber };
      const entry = entries.get(serialNumber);
      const isHeld = status === 'revoked' && revocationReason === certificateHold;
      if (entry === undefined) return isHeld ? [unmanagedCertificates.release(place)] : [];
      const reason = revocationReasonCode(entry.reason ?? 'unspecified');
      if (status === 'revoked' && (!isHeld || reason === certificateHold)) return [];
      const revocation = { revokedAt: entry.revokedAt.getTime(), revocationReason: reason };
      return [unmanagedCertificates.revoke({ ...place, ...revocation })];
    });
    if (statements.length > 0) await store.commit({ statements, audit: [] });
    await setImmediate();
  }
}

const certificateHold = revocationReasonCode('certificateHold');
