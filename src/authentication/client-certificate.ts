/** Certificates as credentials: issued here, registered one by one, or chaining to an authentication CA. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { PresentedIssuedCertificate } from '../policy/identity.js';
import { type CertificateRecord, hasLapsed } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';
import { type Certificate, decodeCertificate, fingerprint } from '../x509/certificate.js';
import { idKpClientAuth } from '../x509/oids.js';
import type { PathFailureCode } from '../x509/path-failure.js';
import { validatePath } from '../x509/path-validation.js';
import { createTrustAnchors, type TrustAnchors } from '../x509/trust-anchors.js';
import { describeAnchor } from './anchor.js';
import { checkConditions, describeCredential, type VerifiedCredential } from './credential-conditions.js';

export type PresentedCertificate = Extract<PresentedCredential, { kind: 'certificate' }>;

interface Presentation {
  readonly credential: PresentedCertificate;
  readonly at: Date;
  readonly remoteAddress: string;
  /** Whether an expired certificate that was issued here may pass: re-enrollment judges its grace. */
  readonly acceptExpired: boolean;
  /** Whether one that is on hold may. */
  readonly acceptHeld: boolean;
  /** Whether one that is revoked may, or on hold. */
  readonly acceptRevoked: boolean;
}

export type VerifiedCertificate =
  | { readonly kind: 'issued'; readonly certificate: PresentedIssuedCertificate; readonly subject: Uint8Array }
  | { readonly kind: 'credential'; readonly credential: VerifiedCredential; readonly subject: Uint8Array };

interface Dependencies {
  readonly store: Pick<Store, 'certificates' | 'credentials'>;
  /** DER certificates from a generation of a CA up to and including the root. */
  readonly chainOf: (generation: string) => readonly Uint8Array[];
}

/**
 * @throws GatewayError `untrusted-signer` for a certificate that means nothing here, `revoked-requester` for one that was
 * issued here and is revoked, on hold or lapsed, `invalid-state` for one that is yet to be confirmed, `invalid-signature`
 * where its chain is wanted and missing, `bad-secret` for a registered one that may not be used.
 */
export async function verifyCertificate(
  presentation: Presentation,
  authentication: ResolvedAuthenticationPolicy,
  { store, chainOf }: Dependencies,
): Promise<VerifiedCertificate> {
  const { chain, chainRequired } = presentation.credential;
  const [der] = chain;
  if (der === undefined) throw new GatewayError('malformed-request', 'no certificate was presented');
  const certificate = decodePresented(der);
  const certificateFingerprint = fingerprint(der);
  const issued = await findIssued(certificate, store);
  if (issued) {
    requireAccepted(issued, authentication);
    if (chainRequired) requireChain(chain, chainOf(issued.issuerId));
    requireCurrent(issued, presentation);
    return { kind: 'issued', certificate: describeIssued(issued), subject: certificate.subject };
  }
  const credential =
    (await verifyRegistered(certificate, certificateFingerprint, presentation, authentication, store)) ??
    (await verifyChainOnce(certificate, presentation, authentication, store));
  return { kind: 'credential', credential, subject: certificate.subject };
}

function decodePresented(der: Uint8Array): Certificate {
  try {
    return decodeCertificate(der);
  } catch (cause) {
    throw new GatewayError('untrusted-signer', 'the client certificate cannot be read', { cause });
  }
}

/**
 * The record of a certificate that was issued here. What has been signed counts, not the signature: from one of ECDSA anybody
 * can make another that is valid too, and so a copy with another fingerprint.
 */
export async function findIssued(
  { serialNumber, tbs }: Certificate,
  { certificates }: Pick<Store, 'certificates'>,
): Promise<CertificateRecord | undefined> {
  const namesakes = await certificates.findBySerial({ serialNumber });
  return namesakes.find(({ der }) => Buffer.compare(decodeCertificate(der).tbs, tbs) === 0);
}

function requireAccepted(issued: CertificateRecord, { policy, opens }: ResolvedAuthenticationPolicy): void {
  if (!policy.acceptIssuedCertificates || issued.usage === 'service' || !opens.has(issued.policy)) {
    throw new GatewayError(
      'untrusted-signer',
      'the client certificate was issued here, but does not authenticate requests to this policy',
    );
  }
}

/** RFC 9483 3.3: what leads from the signer to a root is in the message; the root may be left out. */
function requireChain(presented: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  const isPresented = (der: Uint8Array) => presented.some((other) => Buffer.compare(other, der) === 0);
  if (wanted.slice(0, -1).every(isPresented)) return;
  throw new GatewayError(
    'invalid-signature',
    "the message does not bring the certificates from its signer up to the root's subordinate",
  );
}

function requireCurrent(issued: CertificateRecord, presentation: Presentation): void {
  const { at, acceptExpired, acceptHeld, acceptRevoked } = presentation;
  if (issued.status === 'revoked' && !acceptRevoked)
    throw new GatewayError('revoked-requester', 'the client certificate is revoked');
  if (issued.status === 'held' && !acceptHeld && !acceptRevoked)
    throw new GatewayError('revoked-requester', 'the client certificate is on hold');
  if (hasLapsed(issued, at))
    throw new GatewayError('revoked-requester', 'the client certificate was not confirmed in time');
  if (issued.confirmBy !== null) throw new GatewayError('invalid-state', 'the client certificate is not confirmed yet');
  if (issued.notAfter < at.getTime() && !acceptExpired)
    throw new GatewayError('revoked-requester', 'the client certificate has expired');
}

/** A certificate on record as what authenticates a request. */
export function describeIssued(issued: CertificateRecord): PresentedIssuedCertificate {
  return {
    der: issued.der,
    issuerId: issued.issuerId,
    serialNumber: issued.serialNumber,
    policy: issued.policy,
    usage: issued.usage,
    notAfter: new Date(issued.notAfter),
    ...(issued.deviceId === null ? {} : { deviceId: issued.deviceId }),
    ...(issued.supplantedBy === null ? {} : { supplantedBy: issued.supplantedBy }),
  };
}

async function verifyRegistered(
  certificate: Certificate,
  lookup: string,
  { at, remoteAddress }: Presentation,
  { policy }: ResolvedAuthenticationPolicy,
  store: Pick<Store, 'credentials'>,
): Promise<VerifiedCredential | undefined> {
  const [record] = await store.credentials.findByLookup({
    authenticationPolicy: policy.name,
    kind: 'authentication-certificate',
    lookup,
  });
  if (record === undefined) return undefined;
  const conditions = checkConditions(record, at, remoteAddress);
  if (!conditions.usable)
    throw new GatewayError('bad-secret', `the client certificate is registered here, but ${conditions.reason}`);
  if (at < certificate.notBefore || at > certificate.notAfter) {
    throw new GatewayError('untrusted-signer', 'the client certificate is outside its validity');
  }
  return describeCredential(record);
}

/** Anchors stay as long as the catalog that they come from. */
const anchorsOf = new WeakMap<ResolvedAuthenticationPolicy, TrustAnchors>();

/** What came of a credential's chain. Several questions may be asked about one message; its path is validated once. */
const verifiedChains = new WeakMap<
  PresentedCertificate,
  { readonly authentication: ResolvedAuthenticationPolicy; readonly result: Promise<VerifiedCredential> }
>();

function verifyChainOnce(...verification: Parameters<typeof verifyChain>): Promise<VerifiedCredential> {
  const [, { credential }, authentication] = verification;
  const known = verifiedChains.get(credential);
  if (known?.authentication === authentication) return known.result;
  const result = verifyChain(...verification);
  verifiedChains.set(credential, { authentication, result });
  return result;
}

/** By the certificates that came with it and the trust anchors alone: none is looked for elsewhere. */
async function verifyChain(
  certificate: Certificate,
  { credential: { chain, proof }, at, remoteAddress }: Presentation,
  authentication: ResolvedAuthenticationPolicy,
  store: Pick<Store, 'certificates'>,
): Promise<VerifiedCredential> {
  let trustAnchors = anchorsOf.get(authentication);
  if (trustAnchors === undefined) {
    trustAnchors = createTrustAnchors(authentication.anchors.map((anchor) => anchor.certificate));
    anchorsOf.set(authentication, trustAnchors);
  }
  const result = await validatePath({
    certificate: certificate.der,
    intermediates: chain.slice(1),
    trustAnchors,
    at,
    // An intermediate CA may be one that was issued here, to a gateway.
    isRevoked: async (link) => ((await findIssued(link, store))?.status ?? 'valid') !== 'valid',
    ...(proof === 'tls' ? { keyPurpose: idKpClientAuth } : {}),
  });
  if (!result.ok) {
    const cause = `${result.code}: ${result.message}`;
    throw new GatewayError('untrusted-signer', describeFailure(result.code, certificate, at), { cause });
  }
  const root = result.path.at(-1);
  const anchor = authentication.anchors.find(
    (candidate) => root !== undefined && Buffer.compare(candidate.certificate, root.der) === 0,
  );
  if (anchor === undefined) throw new GatewayError('internal', 'the trust anchor of a valid path is not configured');
  const what = 'the CA of the client certificate';
  return { used: describeAnchor(anchor, { at, remoteAddress, what }), isUsedUp: false };
}

/** What is wrong with a path. That its certificates have expired is said only where they lead to a CA that counts here. */
function describeFailure(code: PathFailureCode, { notAfter }: Certificate, at: Date): string {
  if (code !== 'expired')
    return 'the client certificate does not chain to a CA that authenticates requests to this policy';
  return at > notAfter ? 'the client certificate has expired' : 'a CA above the client certificate has expired';
}
