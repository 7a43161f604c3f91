/** Whether a foreign CA may be certified by one here, and what limits it already. */
import { keyIdentifierOf, type SigningGeneration } from '../ca/generations.js';
import { constraintsOn } from '../ca/issuer-constraints.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { type Certificate, decodeCertificate, extension } from '../x509/certificate.js';
import { revocationReasonCode } from '../x509/crl.js';
import { decoding } from '../x509/decoding.js';
import { decodeExtKeyUsage } from '../x509/extensions.js';
import { checkNameConstraints, constrainedNames, decodeNameConstraints } from '../x509/name-constraints.js';
import { encodeName, formatName, namesEqual } from '../x509/names.js';
import { idCeExtKeyUsage, idCeInhibitAnyPolicy, idCeNameConstraints, idCePolicyConstraints } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { keyFingerprint } from '../x509/public-key.js';
import { readProvenCsr } from '../x509/written-request.js';
import { checkAnyCaCertificate, hasIssued } from './check-certificate.js';
import type { AuthorityServices } from './services.js';

/** What bounds the power of a CA by its own certificate, and would be lost where another certificate of it is used. */
export const limitingExtensions = [
  idCeNameConstraints,
  idCeExtKeyUsage,
  idCePolicyConstraints,
  idCeInhibitAnyPolicy,
] as const;

interface ForeignCa {
  readonly foreign: Certificate;
  /** DER CertificationRequest. */
  readonly request: Uint8Array | undefined;
  readonly issuer: SigningGeneration;
}

/**
 * Checks its certificate, that its key is in its hands, and that it is none of the CAs here.
 * @throws GatewayError as `checkAnyCaCertificate` does, and 'rejected-name', 'unacceptable-key', 'invalid-proof-of-possession'
 */
export async function checkForeignCa(
  { foreign, request, issuer }: ForeignCa,
  services: AuthorityServices,
): Promise<void> {
  checkAnyCaCertificate(foreign, services.clock.now());
  decoding('the certificate of the foreign CA', () => checkReadable(foreign));
  checkPossession(foreign, request);
  await checkKeyIsForeign(foreign, services);
  checkNames(foreign, issuer, services);
}

function checkReadable(foreign: Certificate): void {
  const constraints = extension(foreign, idCeNameConstraints);
  if (constraints !== undefined) decodeNameConstraints(constraints);
  const purposes = extension(foreign, idCeExtKeyUsage);
  if (purposes !== undefined) decodeExtKeyUsage(purposes);
  const { length } = keyIdentifierOf(foreign);
  if (length === 0 || length > longestIdentifier) {
    throw new GatewayError('malformed-request', `its subjectKeyIdentifier has ${length} octets`);
  }
}

const longestIdentifier = 64;

/** A self-signed certificate proves it, as does a request (RFC 2986) for the same key and subject. */
function checkPossession(foreign: Certificate, request: Uint8Array | undefined): void {
  if (request === undefined) {
    if (hasIssued(foreign, foreign)) return;
    throw new GatewayError(
      'invalid-proof-of-possession',
      'the certificate is not self-signed: give a request (PKCS #10) by the same key as well, which proves that the CA has it',
    );
  }
  const { subject, subjectPublicKeyInfo: publicKey = new Uint8Array() } = readProvenCsr(request, 'the request');
  const isProof =
    Buffer.compare(publicKey, foreign.subjectPublicKeyInfo) === 0 &&
    decoding('the subject of the request', () => namesEqual(subject, foreign.subject));
  if (isProof) return;
  throw new GatewayError(
    'invalid-proof-of-possession',
    'the request is not for the key and subject of the certificate',
  );
}

/** RFC 5280 6.1.4: path length and name constraints do not count for what has its issuer's name. */
function checkNames(foreign: Certificate, issuer: SigningGeneration, services: AuthorityServices): void {
  const { generations, catalog } = services;
  const { subject } = foreign;
  const shown = formatName(subject);
  if (shown === '') throw new GatewayError('rejected-name', 'the foreign CA has an empty subject');
  const configured = [...catalog().certificateAuthorities.values()].map((config) =>
    encodeName(parseName(config.subject)),
  );
  const own = [...generations.all().map(({ certificate }) => certificate.subject), ...configured];
  if (own.some((name) => namesEqual(name, subject))) {
    throw new GatewayError(
      'rejected-name',
      `${shown} is the subject of a CA here; a foreign CA needs a name of its own`,
    );
  }
  const constraints = constraintsOn(issuer, generations);
  const problem = checkNameConstraints(constrainedNames(subject, []), constraints);
  if (problem === undefined) return;
  throw new GatewayError('rejected-name', `${problem} by the name constraints of ${issuer.id} or a CA above it`);
}

/** Only what was certified across before may be so again. */
async function checkKeyIsForeign(
  { subject, subjectPublicKeyInfo }: Certificate,
  { store, generations, isCompromisedKey }: AuthorityServices,
): Promise<void> {
  const isOwn = (publicKey: Uint8Array) => Buffer.compare(publicKey, subjectPublicKeyInfo) === 0;
  const generation = generations.all().find(({ certificate }) => isOwn(certificate.subjectPublicKeyInfo));
  const waiting = (await store.caRequests.all({})).find(({ publicKey }) => isOwn(publicKey));
  if (generation !== undefined || waiting !== undefined) {
    throw new GatewayError(
      'unacceptable-key',
      `this is the key of ${generation?.id ?? `CA ${waiting?.ca}`}, not a foreign one`,
    );
  }
  const fingerprint = keyFingerprint(subjectPublicKeyInfo);
  const known = await store.certificates.findByKey({ keyFingerprint: fingerprint });
  const isCompromised = known.some(({ revocationReason: reason }) => reason !== null && compromises.has(reason));
  if (isCompromised || isCompromisedKey(fingerprint)) {
    throw new GatewayError('unacceptable-key', 'the key of the foreign CA is known to be compromised');
  }
  const isSame = ({ usage, policy, der }: CertificateRecord) =>
    usage === 'intermediate' && policy === '' && namesEqual(decodeCertificate(der).subject, subject);
  const other = known.find((record) => !isSame(record));
  if (other === undefined) return;
  throw new GatewayError('unacceptable-key', `the key of the foreign CA is that of certificate ${other.id} as well`);
}

const compromises: ReadonlySet<number> = new Set(
  (['keyCompromise', 'cACompromise'] as const).map((reason) => revocationReasonCode(reason)),
);
