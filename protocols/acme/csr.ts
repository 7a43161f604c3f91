/** The PKCS #10 requests that finalize orders (RFC 8555 7.4): what they ask for has to be what was ordered. */
import type { AcmeIdentifier } from '../../src/model/acme.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { DerError } from '../../src/x509/der.js';
import type { Extension } from '../../src/x509/extensions.js';
import { formatGeneralName } from '../../src/x509/general-names.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import {
  type CertificationRequest,
  decodeCertificationRequest,
  verifyCertificationRequest,
} from '../../src/x509/pkcs10.js';
import { keyFingerprint, UnsupportedKeyError } from '../../src/x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../../src/x509/signature-algorithms.js';
import { identifierKey } from './identifiers.js';
import { keyThumbprintOf } from './key-thumbprint.js';
import { AcmeError } from './problem.js';
import { encodeAlternativeNames, isNetworkName, readAlternativeNames, readSubjectNames } from './subject-names.js';

interface Ordered {
  readonly identifiers: readonly AcmeIdentifier[];
  /** Fingerprints of the keys that were attested for the order. */
  readonly attestedKeys: readonly string[];
}

interface OrderedRequest extends CertificationRequest, Pick<RequestedCertificate, 'requestHash'> {
  /** Of its key, as accounts keep theirs. */
  readonly keyThumbprint: string;
}

/**
 * Reads a request, verifies that its own key has signed it, and compares it with the order.
 * @throws AcmeError `badCSR`, which names the difference
 */
export function readOrderedRequest(der: Uint8Array, ordered: Ordered): OrderedRequest {
  return reading(() => {
    const csr = decodeCertificationRequest(der);
    if (!verifyCertificationRequest(csr)) {
      throw badCsr('the signature of the request does not fit its public key', 'invalid-proof-of-possession');
    }
    checkKey(csr, ordered);
    const keyThumbprint = keyThumbprintOf(csr.subjectPublicKeyInfo);
    const extensions = orderedExtensions(csr, ordered.identifiers);
    const { hash } = decodeSignatureAlgorithm(csr.signatureAlgorithm);
    return { ...csr, extensions, keyThumbprint, ...(hash === undefined ? {} : { requestHash: hash }) };
  });
}

function checkKey({ subjectPublicKeyInfo }: CertificationRequest, { attestedKeys }: Ordered): void {
  const key = keyFingerprint(subjectPublicKeyInfo);
  if (attestedKeys.every((attested) => attested === key)) return;
  throw badCsr('the key of the request is not the one that was attested', 'unacceptable-key');
}

/** The request's extensions, with all ordered names among them: a client may have put some into the subject only. */
function orderedExtensions(csr: CertificationRequest, ordered: readonly AcmeIdentifier[]): readonly Extension[] {
  const { identifiers, commonNames, others } = readSubjectNames(csr);
  const [foreign] = others;
  if (foreign !== undefined) throw badCsr(`the order is for no ${quoted(formatGeneralName(foreign))}`);
  const wanted = new Map(ordered.map((each) => [identifierKey(each), each]));
  const strange = identifiers.find((each) => !wanted.has(identifierKey(each)));
  if (strange !== undefined) throw badCsr(`the order is for no ${quoted(strange.value)} (${strange.type})`);

  const inSubject = new Set(
    commonNames.map((name) => (wanted.has(`dns:${name.toLowerCase()}`) ? name.toLowerCase() : name)),
  );
  const strangeName = [...inSubject].find((name) => ordered.every(({ value }) => value !== name));
  if (strangeName !== undefined) throw badCsr(`the order is for no ${quoted(strangeName)} (common name)`);

  const asked = new Set(identifiers.map(identifierKey));
  const unnamed = ordered.filter((each) => isNetworkName(each.type) && !asked.has(identifierKey(each)));
  const missing = unnamed.find(({ value }) => !inSubject.has(value));
  if (missing !== undefined) throw badCsr(`the request leaves out ${quoted(missing.value)}, which was ordered`);
  return unnamed.length === 0 ? csr.extensions : withAllNames(csr, ordered);
}

function withAllNames({ extensions }: CertificationRequest, ordered: readonly AcmeIdentifier[]): readonly Extension[] {
  const devices = readAlternativeNames(extensions).filter(({ type }) => type === 'otherName');
  const value = encodeAlternativeNames(ordered, devices);
  const others = extensions.filter(({ id }) => id !== idCeSubjectAltName);
  return [...others, { id: idCeSubjectAltName, critical: false, value }];
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) {
      throw new AcmeError('badCSR', `the PKCS #10 request is malformed: ${error.message}`);
    }
    if (error instanceof UnsupportedAlgorithmError) {
      throw badCsr(`the request is signed in a way that is not supported: ${error.message}`, 'unsupported-algorithm');
    }
    if (error instanceof UnsupportedKeyError) {
      throw badCsr(`the public key cannot be certified: ${error.message}`, 'unacceptable-key');
    }
    throw error;
  }
}

export function badCsr(detail: string, code: AcmeError['code'] = 'rejected-name'): AcmeError {
  return new AcmeError('badCSR', detail, { code });
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 260 ? `${text.slice(0, 260)}…` : text);
}
