/** What a device would bring along: a key, a PKCS #10 request for it and, where it has one, its certificate. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { Tag } from '../../src/x509/der.js';
import { bitString, sequence, smallInteger, tlv } from '../../src/x509/der-writer.js';
import { encodeBasicConstraints, encodeExtension, encodeKeyUsage } from '../../src/x509/extensions.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeBasicConstraints, idCeKeyUsage } from '../../src/x509/oids.js';
import { parseName } from '../../src/x509/parse-name.js';
import { toPem } from '../../src/x509/pem.js';
import { signatureAlgorithmFor } from '../../src/x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate, randomSerialNumber } from '../../src/x509/tbs-certificate.js';

export interface ClientIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface PreparedRequest {
  /** DER CertificationRequest with a P-256 key, signed with ECDSA and SHA-256. */
  readonly csr: Uint8Array;
  /** Its own body for EST: base64. */
  readonly body: Buffer;
  readonly identity?: ClientIdentity;
}

/** A CA that the server takes client certificates from. */
export interface ClientCa {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Makes requests with keys and device names of their own; with a CA, each with a client certificate as well. */
export function createRequestFactory(clientCa?: ClientCa): () => PreparedRequest {
  const run = randomBytes(4).toString('hex');
  const issueIdentity = clientCa && createIssuer(clientCa);
  let count = 0;
  return () => {
    const name = encodeName(parseName(`CN=bench-${run}-${count++}`));
    const csr = encodeRequest(name);
    const body = Buffer.from(Buffer.from(csr).toString('base64'));
    return issueIdentity ? { csr, body, identity: issueIdentity(name) } : { csr, body };
  };
}

/** A certificate and key for a TLS server on localhost. */
export function makeServerIdentity(): ClientIdentity {
  const key = newKey();
  const subject = encodeName(parseName('CN=localhost'));
  const der = encodeSigned({ subject, key, issuer: subject, issuerKey: key.privateKey });
  return { certificatePem: toPem('CERTIFICATE', der), privateKeyPem: pemOf(key.privateKey) };
}

/** A CA of its own, for servers that are to be told about it. */
export function makeClientCa(): ClientCa {
  const key = newKey();
  const subject = encodeName(parseName('CN=Bench Client CA'));
  const extensions = [
    encodeExtension({ id: idCeBasicConstraints, critical: true, value: encodeBasicConstraints({ ca: true }) }),
    encodeExtension({ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(['keyCertSign']) }),
  ];
  const der = encodeSigned({ subject, key, issuer: subject, issuerKey: key.privateKey, extensions });
  return { certificatePem: toPem('CERTIFICATE', der), privateKeyPem: pemOf(key.privateKey) };
}

/** Issues certificates of this CA, each for a key of its own. */
export function createIssuer({ certificatePem, privateKeyPem }: ClientCa): (subject: Uint8Array) => ClientIdentity {
  const issuer = decodeCertificate(new X509Certificate(certificatePem).raw).subject;
  const issuerKey = createPrivateKey(privateKeyPem);
  return (subject) => {
    const key = newKey();
    const value = encodeKeyUsage(['digitalSignature']);
    const extensions = [encodeExtension({ id: idCeKeyUsage, critical: true, value })];
    const der = encodeSigned({ subject, key, issuer, issuerKey, extensions });
    return { certificatePem: toPem('CERTIFICATE', der), privateKeyPem: pemOf(key.privateKey) };
  };
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const algorithm = signatureAlgorithmFor('ec', 'sha256').identifier;
const dayMilliseconds = 86_400_000;

function newKey(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function encodeRequest(subject: Uint8Array): Uint8Array {
  const { privateKey, publicKey } = newKey();
  const noAttributes = tlv(Tag.context(0));
  const info = sequence(smallInteger(0), subject, spkiOf(publicKey), noAttributes);
  return sequence(info, algorithm, bitString(sign('sha256', info, privateKey)));
}

interface CertificateContent {
  readonly subject: Uint8Array;
  readonly key: KeyPair;
  readonly issuer: Uint8Array;
  readonly issuerKey: KeyObject;
  readonly extensions?: readonly Uint8Array[];
}

function encodeSigned({ subject, key, issuer, issuerKey, extensions = [] }: CertificateContent): Uint8Array {
  const now = Date.now();
  const tbs = encodeTbsCertificate({
    serialNumber: randomSerialNumber(),
    signatureAlgorithm: algorithm,
    issuer,
    notBefore: new Date(now - dayMilliseconds),
    notAfter: new Date(now + dayMilliseconds),
    subject,
    subjectPublicKeyInfo: spkiOf(key.publicKey),
    extensions,
  });
  return encodeCertificate(tbs, algorithm, sign('sha256', tbs, issuerKey));
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}
