/**
 * The one validation of certificates that authenticate somebody, whoever has issued them: the path to a trust anchor
 * (RFC 5280 6.1), and what has become of every certificate of it that was issued here.
 */
import { type CertificateRecord, certificateId, hasLapsed } from '../store/certificate-record.js';
import type { Certificate } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import type { KnownSignatures } from '../x509/path-building.js';
import type { PathFailureCode } from '../x509/path-failure.js';
import { validatePath } from '../x509/path-validation.js';
import { createTrustAnchors, type TrustAnchors } from '../x509/trust-anchors.js';
import { findIssued } from './find-issued.js';
import { findListedFault, isListed, isRevokedBy } from './known-revocations.js';
import type { OwnGeneration, ValidationServices } from './validation-services.js';

export interface CertificateQuestion {
  readonly certificate: Certificate;
  /** Its record, if it was issued here: its path is then the one to the root above its CA, and needs no trust anchors. */
  readonly issued: CertificateRecord | undefined;
  /** DER, untrusted: what came with it. */
  readonly presented?: readonly Uint8Array[];
  /** Where the path of a foreign one may end; absent for one that is trusted as such. */
  readonly trustAnchors?: TrustAnchors;
  /** What a foreign one has to be for, one of these, where its path says what that is; see `validatePath`. */
  readonly keyPurposes?: readonly string[];
  readonly at: Date;
  /** Whether one issued here may have expired: it is then as good as at its last moment, and so are the CAs above it. */
  readonly acceptExpired?: boolean;
  /** Whether one issued here may be on hold. */
  readonly acceptHeld?: boolean;
  /** Whether one issued here may be revoked, or on hold. */
  readonly acceptRevoked?: boolean;
}

/** `lapsed` was not confirmed in time · `unconfirmed` is yet to be. */
export type RecordFault = 'revoked' | 'held' | 'lapsed' | 'unconfirmed';

export interface InvalidCertificate {
  readonly ok: false;
  readonly code: PathFailureCode | RecordFault;
  /** For logs and traces. */
  readonly message: string;
  /** Whether it is not the certificate itself that is at fault, or not alone. */
  readonly isAbove: boolean;
}

export type CertificateValidity =
  /** Leaf first, trust anchor last. */
  { readonly ok: true; readonly path: readonly Certificate[] } | InvalidCertificate;

/** It never throws because of what the certificates contain. @throws GatewayError of the store */
export async function validateCertificate(
  question: CertificateQuestion,
  services: ValidationServices,
): Promise<CertificateValidity> {
  const { issued } = question;
  return issued ? await validateIssued(question, issued, services) : await validateForeign(question, services);
}

async function validateIssued(
  question: CertificateQuestion,
  issued: CertificateRecord,
  services: ValidationServices,
): Promise<CertificateValidity> {
  const { certificate, at, acceptExpired = false } = question;
  const own = findFault(issued, question);
  if (own !== undefined) return invalid(own, `the certificate is ${own}`, false);
  const branch = await findBranch(issued.issuerId, services);
  const [issuer] = branch;
  const root = branch.at(-1);
  if (issuer === undefined || root === undefined) {
    return invalid('unknown-issuer', `there is no CA ${issued.issuerId} any more`, true);
  }
  const { notBefore, notAfter } = certificate;
  const asOf = acceptExpired && notAfter < at ? notAfter : at;
  const result = await validatePath({
    certificate,
    intermediates: branch.slice(0, -1).map((generation) => generation.certificate),
    trustAnchors: anchorOf(root),
    at: asOf,
    // The operator has chosen the CAs, and the profile the extensions.
    allowWeakAlgorithms: true,
    allowUnknownLeafExtensions: true,
    // The gateway has signed what it has on record, and has nothing to learn from its own signature.
    leafIssuer: issuer.certificate,
    knownSignatures: signaturesHere,
  });
  if (!result.ok) {
    const isOwn =
      (result.code === 'expired' && notAfter < asOf) || (result.code === 'not-yet-valid' && asOf < notBefore);
    return invalid(result.code, result.message, !isOwn);
  }
  return (await findFaultOf(branch, at, services)) ?? result;
}

async function validateForeign(
  { certificate, presented = [], trustAnchors = itself(certificate), keyPurposes, at }: CertificateQuestion,
  services: ValidationServices,
): Promise<CertificateValidity> {
  const result = await validatePath({
    certificate,
    intermediates: presented,
    trustAnchors,
    at,
    ...(keyPurposes ? { keyPurposes } : {}),
    // A CA that was issued here, to a gateway or as one of ours, may be a trust anchor as well.
    isRevoked: async (link, issuer) =>
      (link !== certificate && (await isBad(link, at, services))) ||
      (link !== issuer && (await isRevokedBy(issuer, link, services))) ||
      (trustAnchors.find(issuer.der) !== undefined && (await isBad(issuer, at, services))),
  });
  return result.ok ? result : invalid(result.code, result.message, false);
}

/**
 * Whether a certificate on the path of a foreign one, or that stands for itself, is one of ours, or was issued by one of ours, and
 * counts no more.
 */
async function isBad(link: Certificate, at: Date, services: ValidationServices): Promise<boolean> {
  const generations = services.authority.generations();
  const own = generations.find(({ certificate }) => Buffer.compare(certificate.tbs, link.tbs) === 0);
  const record = own ? undefined : await findIssued(link, services.store);
  if (record && findFault(record, { at }) !== undefined) return true;
  if (own === undefined && record === undefined) {
    const namesakes = generations.filter(({ certificate }) => Buffer.compare(certificate.subject, link.issuer) === 0);
    return await isListed(link, namesakes, services);
  }
  const branch = await findBranch(own?.id ?? record?.issuerId, services);
  return (await findFaultOf(branch, at, services)) !== undefined;
}

function findFault(
  record: Pick<CertificateRecord, 'status' | 'confirmBy'>,
  { at, acceptHeld, acceptRevoked }: Pick<CertificateQuestion, 'at' | 'acceptHeld' | 'acceptRevoked'>,
): RecordFault | undefined {
  if (record.status === 'revoked' && !acceptRevoked) return 'revoked';
  if (record.status === 'held' && !acceptHeld && !acceptRevoked) return 'held';
  if (hasLapsed(record, at)) return 'lapsed';
  return record.confirmBy === null ? undefined : 'unconfirmed';
}

/** From a generation up to its root; empty if there is no such generation. */
async function findBranch(
  id: string | undefined,
  { authority }: ValidationServices,
): Promise<readonly OwnGeneration[]> {
  if (id === undefined) return [];
  // What the store has issued certificates of, another process may have made since.
  if (authority.generation(id) === undefined) await authority.reload();
  const branch: OwnGeneration[] = [];
  let generation = authority.generation(id);
  while (generation !== undefined) {
    branch.push(generation);
    generation = generation.parent === null ? undefined : authority.generation(generation.parent);
  }
  return branch;
}

/** What has become of the CAs, read each time: another process may have revoked one a moment ago. */
async function findFaultOf(
  branch: readonly OwnGeneration[],
  at: Date,
  services: ValidationServices,
): Promise<InvalidCertificate | undefined> {
  for (const { id, parent, certificate, revoked } of branch) {
    if (revoked) return invalid('revoked', `the CA ${id} is revoked`, true);
    if (parent === null) continue;
    const { serialNumber } = certificate;
    const record = await services.store.certificates.findStatus({ id: certificateId(parent, serialNumber) });
    const fault = record ? findFault(record, { at }) : await findListedFault(parent, serialNumber, services);
    if (fault !== undefined) return invalid(fault, `the CA ${id} is ${fault}`, true);
  }
  return undefined;
}

/** None where it cannot be read, so that nothing is trusted. */
function itself(certificate: Certificate): TrustAnchors {
  try {
    return createTrustAnchors([certificate]);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return createTrustAnchors([]);
  }
}

function anchorOf({ certificate }: OwnGeneration): TrustAnchors {
  const anchors = anchorsHere.get(certificate) ?? createTrustAnchors([certificate]);
  anchorsHere.set(certificate, anchors);
  return anchors;
}

function invalid(code: InvalidCertificate['code'], message: string, isAbove: boolean): InvalidCertificate {
  return { ok: false, code, message, isAbove };
}

/** Kept as long as the generations themselves, so that a CA's certificate is verified once, and not with each request. */
const signaturesHere: KnownSignatures = new WeakMap();
const anchorsHere = new WeakMap<Certificate, TrustAnchors>();
