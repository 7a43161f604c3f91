/** Finds the place in the hierarchy of a CA certificate that comes from elsewhere, together with what leads to its root. */
import { findUnfit } from '../ca/authority.js';
import { roomBelow, type SigningGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { NewCaGenerationRecord } from '../store/ca-generation-repository.js';
import type { Statement } from '../store/change.js';
import { type Certificate, extension } from '../x509/certificate.js';
import { decodeBasicConstraints } from '../x509/extensions.js';
import { formatName } from '../x509/names.js';
import { idCeBasicConstraints } from '../x509/oids.js';
import { validatePath } from '../x509/path-validation.js';
import { createTrustAnchors } from '../x509/trust-anchors.js';
import { checkCaCertificate, hasIssued, readCertificate } from './check-certificate.js';
import type { AuthorityServices } from './services.js';

interface CertificateToAccept {
  readonly config: CertificateAuthorityConfig;
  /** DER, the CA's own one first; what leads from it to its root may follow, in any order. */
  readonly certificates: readonly Uint8Array[];
  /** DER SubjectPublicKeyInfo that it must be for; any, if absent. */
  readonly publicKey?: Uint8Array;
}

export interface AcceptedCertificate {
  /** The columns of its generation that the certificate decides. */
  readonly columns: CertificateColumns;
  /** What makes the generations of external CAs above it that were not known. */
  readonly statements: readonly Statement[];
  /** The ids of these. */
  readonly above: readonly string[];
}

type CertificateColumns = Pick<NewCaGenerationRecord, 'certificate' | 'parent' | 'notBefore' | 'notAfter'>;

/**
 * Checks a CA certificate and its path up to a root. Those above it that are not known yet must be of CAs that are configured
 * with `key: external`.
 * @throws GatewayError as `checkCaCertificate` does, and 'unacceptable-key' for another key, 'untrusted-signer' for a path that
 * does not lead to where the configuration says or is not valid, 'rejected-profile' for one that has no room for the CAs below
 */
export async function acceptCertificate(
  { config, certificates, publicKey }: CertificateToAccept,
  services: AuthorityServices,
): Promise<AcceptedCertificate> {
  const [own, ...others] = certificates.map(readCertificate);
  if (own === undefined) throw new GatewayError('malformed-request', 'there is no certificate: give it in PEM');
  if (others.length > mostOthers) {
    throw new GatewayError('malformed-request', `no more than ${mostOthers} certificates can be above it`);
  }
  if (publicKey !== undefined && Buffer.compare(own.subjectPublicKeyInfo, publicKey) !== 0) {
    throw new GatewayError('unacceptable-key', 'the certificate is for another key than the one that it is to be of');
  }
  const line = findLine({ config, certificate: own }, others, services);
  await checkPath(line, services);
  checkRoom(line, config, services);
  return await place(own, line, services);
}

/** What makes a new generation of an external CA, of which no more than the certificate is here. */
export function externalStatements(
  record: Omit<NewCaGenerationRecord, 'keyId' | 'state'>,
  { store, generations }: Pick<AuthorityServices, 'store' | 'generations'>,
): readonly Statement[] {
  const current = generations.findCurrent(record.ca);
  const { setState, insert } = store.caGenerations;
  return [
    ...(current === undefined ? [] : [setState({ id: current.id, from: 'current', to: 'previous' })]),
    insert({ ...record, keyId: '', state: 'current' }),
  ];
}

const mostOthers = 10;

interface Link {
  readonly config: CertificateAuthorityConfig;
  readonly certificate: Certificate;
}

interface Line {
  /** The certificates that are not on record, the CA's own first, each before its issuer. */
  readonly links: readonly Link[];
  /** Who has issued the last one; undefined where that is a root. */
  readonly issuer: SigningGeneration | undefined;
}

function findLine(link: Link, others: readonly Certificate[], services: AuthorityServices): Line {
  const { config, certificate } = link;
  const { generations, catalog, clock } = services;
  checkCaCertificate(certificate, config, clock.now());
  const signer = formatName(certificate.issuer);
  if (config.parent === undefined) {
    if (hasIssued(certificate, certificate)) return { links: [link], issuer: undefined };
    throw new GatewayError(
      'untrusted-signer',
      `CA ${config.name} is configured as a root, but its certificate is not self-signed: give it a parent with the subject ${signer} and key: external`,
    );
  }
  const issuer = generations
    .all()
    .find((other) => other.ca === config.parent && other.state !== 'next' && hasIssued(other.certificate, certificate));
  if (issuer !== undefined) return { links: [link], issuer };
  const parent = catalog().certificateAuthorities.get(config.parent);
  const found = others.find((other) => hasIssued(other, certificate));
  if (parent?.key !== 'external' || found === undefined) {
    throw new GatewayError(
      'untrusted-signer',
      `no certificate of CA ${config.parent} is here whose key has signed that of CA ${config.name} (its issuer is ${signer}): give all certificates up to the root`,
    );
  }
  requireSameDivision(config, parent);
  const above = findLine({ config: parent, certificate: found }, others, services);
  return { ...above, links: [link, ...above.links] };
}

/** Rights over a CA are none over those above it: who has them brings the certificates of these first. */
function requireSameDivision({ division }: CertificateAuthorityConfig, parent: CertificateAuthorityConfig): void {
  if (parent.division === division) return;
  throw new GatewayError(
    'forbidden',
    `a certificate of CA ${parent.name}, which is not of the same division, does not come along with others: import it first (gatehouse ca certificate import ${parent.name})`,
  );
}

/** All of it, as whoever trusts the root would (RFC 5280 6). */
async function checkPath({ links, issuer }: Line, { generations, store, clock }: AuthorityServices): Promise<void> {
  const chain = links.map(({ certificate }) => certificate.der);
  for (let at = issuer; at !== undefined; at = at.parent === null ? undefined : generations.find(at.parent)) {
    chain.push(at.certificate.der);
  }
  const unfit = issuer && findUnfit(issuer, generations, clock.now());
  if (unfit !== undefined) throw invalidPath(unfit);
  const serialNumber = links.at(-1)?.certificate.serialNumber;
  const listed = issuer && serialNumber && (await store.revocations.find({ issuerId: issuer.id, serialNumber }));
  if (listed && listed.removed === 0) throw invalidPath(`${issuer.id} has revoked the certificate ${serialNumber}`);
  const [own, ...above] = chain;
  const root = above.at(-1);
  if (own === undefined || root === undefined) return;
  const trustAnchors = createTrustAnchors([root]);
  const result = await validatePath({ certificate: own, intermediates: above, trustAnchors, at: clock.now() });
  if (!result.ok) throw invalidPath(result.message);
}

function invalidPath(reason: string): GatewayError {
  return new GatewayError('untrusted-signer', `the path of the certificate up to its root is not valid: ${reason}`);
}

/** Whether the CAs that are configured below it may be there (RFC 5280 6.1.4 m). */
function checkRoom({ links, issuer }: Line, config: CertificateAuthorityConfig, services: AuthorityServices): void {
  const above = issuer === undefined ? Number.POSITIVE_INFINITY : roomBelow(issuer, services.generations.find);
  const lengths = links.map(({ certificate }, depth) => pathLengthOf(certificate) - depth);
  const room = Math.min(above - links.length, ...lengths);
  const needed = depthBelow(config, services);
  if (needed <= room) return;
  throw new GatewayError(
    'rejected-profile',
    `its path length, or that of a CA above it, lets ${Math.max(room, 0)} CAs follow below it, but ${needed} are configured to`,
  );
}

/** Infinite where nothing limits it. @throws DerError */
export function pathLengthOf(certificate: Certificate): number {
  const value = extension(certificate, idCeBasicConstraints);
  return (value && decodeBasicConstraints(value).pathLength) ?? Number.POSITIVE_INFINITY;
}

/** How many CAs are to follow below one, one below the other. */
export function depthBelow(
  { name, issueIntermediates }: CertificateAuthorityConfig,
  services: Pick<AuthorityServices, 'catalog'>,
): number {
  const all = [...services.catalog().certificateAuthorities.values()];
  const children = all.filter(({ parent }) => parent === name).map((child) => 1 + depthBelow(child, services));
  return Math.max(issueIntermediates ? 1 : 0, ...children);
}

/** Generations for the external CAs of the line, those above before those below. */
async function place(
  own: Certificate,
  { links, issuer }: Line,
  services: AuthorityServices,
): Promise<AcceptedCertificate> {
  const statements: Statement[] = [];
  const above: string[] = [];
  let parent = issuer?.id ?? null;
  for (const { config, certificate } of links.slice(1).toReversed()) {
    const number = (await services.store.caGenerations.lastNumber({ ca: config.name })) + 1;
    const id = `${config.name}-${number}`;
    const columns = { ...columnsOf(certificate, parent), createdAt: services.clock.now().getTime() };
    statements.push(...externalStatements({ id, ca: config.name, number, ...columns }, services));
    above.push(id);
    parent = id;
  }
  return { columns: columnsOf(own, parent), statements, above };
}

function columnsOf({ der, notBefore, notAfter }: Certificate, parent: string | null): CertificateColumns {
  return { certificate: der, parent, notBefore: notBefore.getTime(), notAfter: notAfter.getTime() };
}
