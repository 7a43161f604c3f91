/** What is known to be revoked of certificates that are not on record here: they were issued elsewhere, or before a CA was imported. */
import type { Certificate } from '../x509/certificate.js';
import { revocationReasonOf } from '../x509/crl.js';
import { findIssued } from './find-issued.js';
import type { OwnGeneration, ValidationServices } from './validation-services.js';

/**
 * Whether who has issued a certificate that is not on record here is known to have revoked it: an imported CA by its list, that
 * of a gateway by its reports and its CRL.
 */
export async function isRevokedBy(
  issuer: Certificate,
  link: Certificate,
  services: ValidationServices,
): Promise<boolean> {
  const { store, authority } = services;
  const ofItsKey = authority
    .generations()
    .filter(({ certificate }) => Buffer.compare(certificate.subjectPublicKeyInfo, issuer.subjectPublicKeyInfo) === 0);
  if (await isListed(link, ofItsKey, services)) return true;
  const record = await findIssued(issuer, store);
  const unmanagedCa = record && (await store.unmanagedCas.findByCertificate({ certificateId: record.id }));
  if (unmanagedCa === undefined) return false;
  const { serialNumber } = link;
  const known = await store.unmanagedCertificates.findBySerial({ unmanagedCaId: unmanagedCa.id, serialNumber });
  return known?.status === 'revoked';
}

/** Whether one of these has revoked it by its list. */
export async function isListed(
  { serialNumber }: Certificate,
  issuers: readonly OwnGeneration[],
  services: ValidationServices,
): Promise<boolean> {
  for (const { id } of issuers) {
    if ((await findListedFault(id, serialNumber, services)) !== undefined) return true;
  }
  return false;
}

/** What the list of an imported CA says, which has revoked certificates that are not on record. */
export async function findListedFault(
  issuerId: string,
  serialNumber: string,
  { store }: ValidationServices,
): Promise<'revoked' | 'held' | undefined> {
  const listed = await store.revocations.find({ issuerId, serialNumber });
  if (listed === undefined || listed.removed === 1) return undefined;
  return revocationReasonOf(listed.reason) === 'certificateHold' ? 'held' : 'revoked';
}
