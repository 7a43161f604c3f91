/** Certificates as credentials: issued here, registered one by one, or chaining to an authentication CA. */
import type { ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { type ErrorCode, GatewayError } from '../errors.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Method } from '../model/protocol-name.js';
import type { PresentedIssuedCertificate } from '../policy/identity.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';
import { type Certificate, decodeCertificate, fingerprint } from '../x509/certificate.js';
import { idKpClientAuth, idKpCmcCa, idKpCmcRa, tcgKpAikCertificate } from '../x509/oids.js';
import { createTrustAnchors, type TrustAnchors } from '../x509/trust-anchors.js';
import { describeAnchor } from './anchor.js';
import { checkConditions, describeCredential, type VerifiedCredential } from './credential-conditions.js';
import { findIssued } from './find-issued.js';
import { type InvalidCertificate, validateCertificate } from './validate-certificate.js';
import type { ValidationServices } from './validation-services.js';

export type PresentedCertificate = Extract<PresentedCredential, { kind: 'certificate' }>;

interface Presentation {
  readonly credential: PresentedCertificate;
  /** How the message came. */
  readonly method: Method;
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

interface Dependencies extends ValidationServices {
  readonly store: ValidationServices['store'] & Pick<Store, 'credentials'>;
}

/**
 * @throws GatewayError `untrusted-signer` for a certificate that means nothing here, or whose path is not good;
 * `revoked-requester` for one that was issued here and is revoked, on hold, lapsed or expired, or a CA above it; `invalid-state`
 * for one that is yet to be confirmed, `invalid-signature` where its chain is wanted and missing, `bad-secret` for a registered
 * one that may not be used.
 */
export async function verifyCertificate(
  presentation: Presentation,
  authentication: ResolvedAuthenticationPolicy,
  dependencies: Dependencies,
): Promise<VerifiedCertificate> {
  const [der] = presentation.credential.chain;
  if (der === undefined) throw new GatewayError('malformed-request', 'no certificate was presented');
  const certificate = decodePresented(der);
  const { subject } = certificate;
  const issued = await findIssued(certificate, dependencies.store);
  if (issued) {
    requireAccepted(issued, authentication);
    await verifyIssued(certificate, issued, presentation, dependencies);
    return { kind: 'issued', certificate: describeIssued(issued), subject };
  }
  const credential =
    (await verifyRegistered(certificate, presentation, authentication, dependencies)) ??
    (await verifyChainOnce(certificate, presentation, authentication, dependencies));
  return { kind: 'credential', credential, subject };
}

function decodePresented(der: Uint8Array): Certificate {
  try {
    return decodeCertificate(der);
  } catch (cause) {
    throw new GatewayError('untrusted-signer', 'the client certificate cannot be read', { cause });
  }
}

function requireAccepted(issued: CertificateRecord, { policy, opens }: ResolvedAuthenticationPolicy): void {
  if (!policy.acceptIssuedCertificates || issued.usage === 'service' || !opens.has(issued.policy)) {
    throw new GatewayError(
      'untrusted-signer',
      'the client certificate was issued here, but does not authenticate requests to this policy',
    );
  }
}

async function verifyIssued(
  certificate: Certificate,
  issued: CertificateRecord,
  { credential: { chain, chainRequired }, at, acceptExpired, acceptHeld, acceptRevoked }: Presentation,
  dependencies: Dependencies,
): Promise<void> {
  const allowed = { acceptExpired, acceptHeld, acceptRevoked };
  const validity = await validateCertificate({ certificate, issued, at, ...allowed }, dependencies);
  if (!validity.ok) throw describeIssuedFault(validity);
  if (chainRequired) requireChain(chain, validity.path);
}

function describeIssuedFault({ code, message, isAbove }: InvalidCertificate): GatewayError {
  const cause = `${code}: ${message}`;
  const fault = faults.get(code);
  if (fault === undefined) {
    return new GatewayError('untrusted-signer', 'the client certificate is not good under the CA that issued it', {
      cause,
    });
  }
  if (!isAbove) return new GatewayError(fault.code, `the client certificate ${fault.what}`);
  return new GatewayError('revoked-requester', `a CA above the client certificate ${fault.what}`, { cause });
}

/** Faults that pass, or have come with time: by what has become of the certificate, or of a CA. */
const faults = new Map<InvalidCertificate['code'], { readonly code: ErrorCode; readonly what: string }>([
  ['revoked', { code: 'revoked-requester', what: 'is revoked' }],
  ['held', { code: 'revoked-requester', what: 'is on hold' }],
  ['lapsed', { code: 'revoked-requester', what: 'was not confirmed in time' }],
  ['unconfirmed', { code: 'invalid-state', what: 'is not confirmed yet' }],
  ['expired', { code: 'revoked-requester', what: 'has expired' }],
  ['not-yet-valid', { code: 'revoked-requester', what: 'is not valid yet' }],
]);

/** RFC 9483 3.3: what leads from the signer to a root is in the message; the root may be left out. */
function requireChain(presented: readonly Uint8Array[], path: readonly Certificate[]): void {
  const isPresented = ({ der }: Certificate) => presented.some((other) => Buffer.compare(other, der) === 0);
  if (path.slice(1, -1).every(isPresented)) return;
  throw new GatewayError(
    'invalid-signature',
    "the message does not bring the certificates from its signer up to the root's subordinate",
  );
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

/** One that is registered is trusted for itself, whoever has issued it. */
async function verifyRegistered(
  certificate: Certificate,
  { at, remoteAddress }: Presentation,
  { policy }: ResolvedAuthenticationPolicy,
  dependencies: Dependencies,
): Promise<VerifiedCredential | undefined> {
  const [record] = await dependencies.store.credentials.findByLookup({
    authenticationPolicy: policy.name,
    kind: 'authentication-certificate',
    lookup: fingerprint(certificate.der),
  });
  if (record === undefined) return undefined;
  const conditions = checkConditions(record, at, remoteAddress);
  if (!conditions.usable)
    throw new GatewayError('bad-secret', `the client certificate is registered here, but ${conditions.reason}`);
  const validity = await validateCertificate({ certificate, issued: undefined, at }, dependencies);
  if (validity.ok) return describeCredential(record);
  const isOutside = validity.code === 'expired' || validity.code === 'not-yet-valid';
  throw new GatewayError(
    'untrusted-signer',
    isOutside
      ? 'the client certificate is outside its validity'
      : 'the client certificate is registered here, but says what is not understood; register another one',
    { cause: `${validity.code}: ${validity.message}` },
  );
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
  { credential: { chain, proof }, method, at, remoteAddress }: Presentation,
  authentication: ResolvedAuthenticationPolicy,
  dependencies: Dependencies,
): Promise<VerifiedCredential> {
  let trustAnchors = anchorsOf.get(authentication);
  if (trustAnchors === undefined) {
    trustAnchors = createTrustAnchors(authentication.anchors.map((anchor) => anchor.certificate));
    anchorsOf.set(authentication, trustAnchors);
  }
  const keyPurposes = purposesOf(proof, method);
  const question = { certificate, issued: undefined, presented: chain.slice(1), trustAnchors, keyPurposes, at };
  const result = await validateCertificate(question, dependencies);
  if (!result.ok) {
    const cause = `${result.code}: ${result.message}`;
    throw new GatewayError('untrusted-signer', describeFailure(result, certificate, at), { cause });
  }
  const root = result.path.at(-1);
  const anchor = authentication.anchors.find(
    (candidate) => root !== undefined && Buffer.compare(candidate.certificate, root.der) === 0,
  );
  if (anchor === undefined) throw new GatewayError('internal', 'the trust anchor of a valid path is not configured');
  const what = 'the CA of the client certificate';
  return { used: describeAnchor(anchor, { at, remoteAddress, what }), isUsedUp: false };
}

/**
 * What a certificate has to be for, where it says what it is for (RFC 5280 4.2.1.12): TLS clients, the powers of RFC 6402 in
 * messages, and what attestations in ACME are signed with.
 */
function purposesOf(proof: PresentedCertificate['proof'], method: Method): readonly string[] {
  if (proof === 'tls') return forTls;
  return method === 'acme' ? forAttestations : forMessages;
}

const forTls = [idKpClientAuth];
const forMessages = [idKpClientAuth, idKpCmcRa, idKpCmcCa];
const forAttestations = [idKpClientAuth, tcgKpAikCertificate];

/** What is wrong with a path. That its certificates have expired is said only where they lead to a CA that counts here. */
function describeFailure({ code }: InvalidCertificate, { notAfter }: Certificate, at: Date): string {
  if (code !== 'expired')
    return 'the client certificate does not chain to a CA that authenticates requests to this policy';
  return at > notAfter ? 'the client certificate has expired' : 'a CA above the client certificate has expired';
}
