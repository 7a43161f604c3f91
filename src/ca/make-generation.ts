/** Makes one generation of a CA: key, certificate and audit event, in one commit. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { type CaKeys, keepingKey } from '../keys/ca-keys.js';
import { caKeyPurpose } from '../keys/key-purpose.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { type ApprovedIssuance, approveCertificateAuthority } from '../policy/decide.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { fingerprint } from '../x509/certificate.js';
import { checkNameConstraints, constrainedNames } from '../x509/name-constraints.js';
import { formatName } from '../x509/names.js';
import { keyFingerprint, subjectKeyIdentifier } from '../x509/public-key.js';
import type { Authority } from './authority.js';
import { authorityExtensions } from './authority-extensions.js';
import type { Generations, SigningGeneration } from './generations.js';
import { constraintsOn } from './issuer-constraints.js';
import { locationsOf } from './locations.js';
import { HierarchyError, type PlannedAuthority } from './plan-hierarchy.js';
import type { IssuedCertificate } from './sign-certificate.js';
import { signRoot } from './sign-root.js';

/** What the audit log says of a generation that was made or cross-certified; `subject` is its id. */
interface GenerationMadeEvent {
  readonly at: Date;
  readonly action: 'ca.created' | 'ca.staged' | 'ca.cross-certified';
  readonly outcome: 'success';
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HierarchyOptions {
  readonly configs: ReadonlyMap<string, CertificateAuthorityConfig>;
  readonly store: Pick<Store, 'commit' | 'caGenerations' | 'caRequests' | 'certificates' | 'crls'>;
  readonly keys: Pick<CaKeys, 'store'>;
  readonly generations: Generations;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly createAuditRecord: (event: GenerationMadeEvent) => AuditRecord;
}

export interface NewGeneration extends PlannedAuthority {
  readonly number: number;
  /** A CA's first generation issues at once; a later one is announced before. */
  readonly state: 'current' | 'next';
  /** For the audit log: who wanted it, where it was not the configuration. */
  readonly by?: Readonly<Record<string, unknown>>;
}

/** The key of a new generation. */
export interface GenerationKey {
  readonly keyId: string;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** What must stand or fall with the generation. */
  readonly statements: readonly Statement[];
}

/** Signs the certificate of a new generation. */
export type SignGeneration = (issuance: ApprovedIssuance) => Promise<IssuedCertificate>;

/**
 * Makes a generation under the current one of the CA's parent; a root's signs itself. Returns whether it was made here:
 * otherwise another process did so meanwhile.
 * @throws HierarchyError before anything is made; GatewayError of the store or a key
 */
export async function makeGeneration(planned: NewGeneration, options: HierarchyOptions): Promise<boolean> {
  const { config, number } = planned;
  if (config.key === 'external') throw new HierarchyError([`CA ${config.name} has keys that are made elsewhere`]);
  const { name, keyStore } = config;
  const parent = parentOf(config, options.generations);
  const validity = validityOf(config, parent, options);
  const created = await options.keys.store(keyStore).create(config.key, `${caKeyPurpose}${name}-${number}`);
  const { signer, statement } = created;
  const key = { keyId: signer.keyId, publicKey: signer.publicKey, statements: [statement] };
  const sign: SignGeneration = (issuance) =>
    parent === undefined ? signRoot(issuance, signer, config, options.generations) : options.authority.issue(issuance);
  return await keepingKey(
    created,
    () => certifyGeneration({ planned, key, parent, validity, sign }, options),
    async () => (await options.store.caGenerations.find({ id: `${name}-${number}` }))?.keyId,
  );
}

interface Certification {
  readonly planned: NewGeneration;
  readonly key: GenerationKey;
  /** Undefined for a root. */
  readonly parent: SigningGeneration | undefined;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly sign: SignGeneration;
}

/**
 * Certifies a key as a CA's new generation, and keeps it; returns whether that was done here, and not by another process.
 * @throws GatewayError of the store or the issuer's key; HierarchyError for a name that the issuer must not certify
 */
export async function certifyGeneration(
  { planned, key, parent, validity, sign }: Certification,
  options: HierarchyOptions,
): Promise<boolean> {
  const { store, generations, clock, createAuditRecord } = options;
  const { config, subject, number, state, by = {} } = planned;
  const id = `${config.name}-${number}`;
  const now = clock.now();
  if (parent !== undefined) requirePermitted(planned, parent, generations);
  const issuance = approveCertificateAuthority({
    issuerId: parent?.id ?? id,
    subject,
    subjectPublicKeyInfo: key.publicKey,
    ...validity,
    ...(planned.pathLength !== undefined && { pathLength: planned.pathLength }),
    extensions: authorityExtensions(config, generations.address.publicHttpUrl),
  });
  const issued = await sign(issuance);
  const action = state === 'next' ? 'ca.staged' : 'ca.created';
  const { serialNumber, issuerId: issuer } = issued;
  const { name: ca, keyStore } = config;
  const inStore = keyStore === undefined ? {} : { keyStore };
  const details = { ca, key: config.key, ...inStore, serialNumber, issuer, ...by };
  const event = createAuditRecord({ at: now, action, outcome: 'success', subject: id, details });
  const statements: Statement[] = [
    store.caGenerations.insert({
      id,
      ca: config.name,
      number,
      state,
      certificate: issued.der,
      keyId: key.keyId,
      parent: parent?.id ?? null,
      notBefore: issuance.notBefore.getTime(),
      notAfter: issuance.notAfter.getTime(),
      createdAt: now.getTime(),
    }),
    ...key.statements,
  ];
  // A root is trusted for itself; the others can be revoked, and so are on record among the certificates.
  if (parent !== undefined) statements.push(recordCertificate(issued, issuance, event, store));
  // Its own certificate says where its CRL is.
  else {
    const { baseUrls } = locationsOf({ id, ...generations.address }, config);
    statements.push(store.caGenerations.setBaseUrls({ id, from: '', to: JSON.stringify(baseUrls) }));
  }
  try {
    await store.commit({ statements, audit: [event] });
    return true;
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
    await generations.reload();
    if (generations.find(id) === undefined) throw error;
    return false;
  }
}

function parentOf(config: CertificateAuthorityConfig, generations: Generations): SigningGeneration | undefined {
  if (config.parent === undefined) return undefined;
  const parent = generations.findCurrent(config.parent);
  if (parent !== undefined) return parent;
  throw new HierarchyError([`CA ${config.name} has the parent ${config.parent}, which has no current generation`]);
}

/** From a little before now, for slow clocks, to the configured end; within the parent's. @throws HierarchyError if that is over */
export function validityOf(
  config: CertificateAuthorityConfig,
  parent: SigningGeneration | undefined,
  { configs, clock }: Pick<HierarchyOptions, 'configs' | 'clock'>,
): { notBefore: Date; notAfter: Date } {
  const now = clock.now();
  const certificate = parent?.certificate;
  const { backdate } = configs.get(config.parent ?? config.name) ?? config;
  const second = Math.floor(now.getTime() / 1000);
  const notBefore = Math.max((second - backdate) * 1000, certificate?.notBefore.getTime() ?? 0);
  // The last second counts as part of the validity (RFC 5280 4.1.2.5).
  const wanted = (second + config.validity - 1) * 1000;
  const notAfter = Math.min(wanted, certificate?.notAfter.getTime() ?? noWellDefinedEnd);
  if (notAfter > now.getTime()) return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
  throw new HierarchyError([`CA ${config.name} would end before it begins: its validity, or its parent's, is over`]);
}

// RFC 5280 4.1.2.5: what stands for a time that cannot be written.
const noWellDefinedEnd = Date.UTC(9999, 11, 31, 23, 59, 59);

/** RFC 5280 6.1.4: those who verify would accept nothing below it. @throws HierarchyError */
function requirePermitted({ config, subject }: NewGeneration, parent: SigningGeneration, generations: Generations) {
  const problem = checkNameConstraints(constrainedNames(subject, []), constraintsOn(parent, generations));
  if (problem === undefined) return;
  throw new HierarchyError([
    `CA ${config.name} cannot be below CA ${parent.ca}: ${problem} by the name constraints there`,
  ]);
}

/** The record of a CA's certificate that can be revoked. */
export function recordCertificate(
  issued: IssuedCertificate,
  issuance: ApprovedIssuance,
  { at, id: requestId }: AuditRecord,
  store: Pick<Store, 'certificates'>,
): Statement {
  const { der, serialNumber, issuerId, crlPartition } = issued;
  const { profile, usage, subject, subjectPublicKeyInfo, notBefore, notAfter } = issuance;
  return store.certificates.insert({
    issuerId,
    serialNumber,
    // No policy's name, so that it counts for none and authenticates nobody.
    policy: '',
    profile,
    usage,
    deviceId: null,
    subject: formatName(subject),
    keyFingerprint: keyFingerprint(subjectPublicKeyInfo),
    certificateFingerprint: fingerprint(der),
    subjectKeyIdentifier: issuance.subjectKeyIdentifier ?? subjectKeyIdentifier(subjectPublicKeyInfo),
    der,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    issuedAt: at,
    status: 'valid',
    revokedAt: null,
    revocationReason: null,
    invalidityDate: null,
    crlPartition,
    protocol: '',
    requester: 'gateway',
    replaces: null,
    requestId,
    confirmBy: null,
    supplantedBy: null,
  });
}
