/** Reads the CRL of an unmanaged CA, and tells why it cannot be taken for one (RFC 5280 6.3.3). */
import { findSigner, issuerKeys } from '../enrollment/issuer-keys.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import { type CertificateList, decodeCertificateList, type RevokedCertificate } from '../x509/crl.js';
import { DerError, DerReader } from '../x509/der.js';
import { findExtension } from '../x509/extensions.js';
import { decodeIssuingDistributionPoint } from '../x509/location-extensions.js';
import { idCeCrlNumber, idCeIssuingDistributionPoint } from '../x509/oids.js';
import { UnsupportedAlgorithmError } from '../x509/signature-algorithms.js';
import { certificatesOf } from './find.js';

export interface WatchedCrl {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Decimal; null without one. */
  readonly number: string | null;
  /** By serial number, lower-case hex. */
  readonly entries: ReadonlyMap<string, RevokedCertificate>;
}

/** `message`: what is wrong, for the operator. */
export class CrlProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CrlProblem';
  }
}

/** @throws CrlProblem */
export async function readCrl(
  der: Uint8Array,
  unmanagedCa: UnmanagedCaRecord,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<WatchedCrl> {
  const keys = issuerKeys(await certificatesOf(unmanagedCa, store));
  try {
    const list = decodeCertificateList(der);
    if (findSigner(list, keys) === undefined) throw new CrlProblem('it is not signed by the CA');
    requireWhole(list);
    const number = numberOf(list);
    const nextUpdate = requireOrder(list, number, unmanagedCa, clock.now());
    return {
      thisUpdate: list.thisUpdate,
      nextUpdate,
      number: number === undefined ? null : number.toString(),
      entries: new Map(list.revokedCertificates.map((entry) => [entry.serialNumber, entry])),
    };
  } catch (error) {
    if (error instanceof DerError) throw new CrlProblem(`it cannot be read as a CRL in DER: ${error.message}`);
    if (error instanceof UnsupportedAlgorithmError) throw new CrlProblem(`its ${error.message} is not known`);
    throw error;
  }
}

/** A delta CRL, or one of some certificates only, would make what is not on it look valid. */
function requireWhole({ extensions }: CertificateList): void {
  const unknown = extensions.find(({ id, critical }) => critical && id !== idCeIssuingDistributionPoint);
  if (unknown?.id === idCeDeltaCrlIndicator)
    throw new CrlProblem('it is a delta CRL: the complete one is to be watched');
  if (unknown !== undefined) throw new CrlProblem(`its critical extension ${unknown.id} is not known`);
  const scope = findExtension(extensions, idCeIssuingDistributionPoint)?.value;
  if (scope !== undefined && decodeIssuingDistributionPoint(scope).onlyContainsCaCerts) {
    throw new CrlProblem('it is of CA certificates only');
  }
}

/** Of up to 20 octets (RFC 5280 5.2.3). */
function numberOf({ extensions }: CertificateList): bigint | undefined {
  const value = findExtension(extensions, idCeCrlNumber)?.value;
  if (value === undefined) return undefined;
  const octets = DerReader.decode(value, (r) => r.unsignedInteger());
  if (octets.length > 20) throw new CrlProblem('its number has more than 20 octets');
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

/** Who goes back to an older CRL takes revocations back. */
function requireOrder(
  { thisUpdate, nextUpdate }: CertificateList,
  number: bigint | undefined,
  { crlNumber, crlThisUpdate }: UnmanagedCaRecord,
  now: Date,
): Date {
  if (nextUpdate === undefined) throw new CrlProblem('it has no nextUpdate');
  if (thisUpdate.getTime() > now.getTime() + toleranceMilliseconds)
    throw new CrlProblem('its thisUpdate is in the future');
  if (crlThisUpdate !== null && thisUpdate.getTime() < crlThisUpdate) {
    throw new CrlProblem('it is older than the one that was seen before');
  }
  if (crlNumber !== null && (number === undefined || number < BigInt(crlNumber))) {
    throw new CrlProblem(`its number is lower than ${crlNumber}, which was seen before`);
  }
  return nextUpdate;
}

// RFC 5280 5.2.4.
const idCeDeltaCrlIndicator = '2.5.29.27';
const toleranceMilliseconds = 300_000;
