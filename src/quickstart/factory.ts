/**
 * A manufacturer for the quickstart: a CA outside of the gateway's hierarchy, and the certificate that one of its
 * devices was born with.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import { join } from 'node:path';
import {
  type BasicConstraints,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtension,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  type KeyUsage,
} from '../x509/extensions.js';
import { encodeName } from '../x509/names.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeBasicConstraints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeSubjectKeyIdentifier,
  idKpClientAuth,
} from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { toPem } from '../x509/pem.js';
import { subjectKeyIdentifier } from '../x509/public-key.js';
import { signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate, randomSerialNumber } from '../x509/tbs-certificate.js';
import { createFile, readIfThere, replaceFile } from './replace-file.js';

export interface FactoryFiles {
  /** PEM files: the manufacturer's CA, and a device's certificate and private key (PKCS #8). */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Makes what is missing of the files, or no longer fits, in this directory; private keys stay as they are. */
export async function ensureFactory(directory: string, now: Date): Promise<FactoryFiles> {
  const caKey = await ensureKey(join(directory, 'factory-ca.key'));
  const caFile = join(directory, 'factory-ca.pem');
  await ensureCertificate(caFile, now, { key: caKey, issuerKey: caKey, subject: caName, content: caContent });

  const keyFile = join(directory, 'factory-device.key');
  const key = await ensureKey(keyFile);
  const certificateFile = join(directory, 'factory-device.pem');
  await ensureCertificate(certificateFile, now, { key, issuerKey: caKey, subject: deviceName, content: deviceContent });
  return { caFile, certificateFile, keyFile };
}

interface CertificateContent {
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsages: readonly KeyUsage[];
  readonly purposes: readonly string[];
}

interface FactoryCertificate {
  readonly key: KeyObject;
  readonly issuerKey: KeyObject;
  readonly subject: string;
  readonly content: CertificateContent;
}

const caName = 'CN=Quickstart Factory CA,O=Example Manufacturer';
const deviceName = 'serialNumber=QS-000001,CN=quickstart-device-1,O=Example Manufacturer';
const caContent: CertificateContent = {
  basicConstraints: { ca: true, pathLength: 0 },
  keyUsages: ['keyCertSign', 'cRLSign'],
  purposes: [],
};
const deviceContent: CertificateContent = { keyUsages: ['digitalSignature'], purposes: [idKpClientAuth] };
const hourMilliseconds = 3_600_000;
const lifetimeMilliseconds = 20 * 365 * 24 * hourMilliseconds;

async function ensureKey(file: string): Promise<KeyObject> {
  const present = await readIfThere(file);
  if (present !== undefined) {
    return createPrivateKey(present);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await createFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  // Another process may have been first.
  return createPrivateKey((await readIfThere(file)) ?? '');
}

async function ensureCertificate(file: string, now: Date, wanted: FactoryCertificate): Promise<void> {
  const present = await readIfThere(file);
  if (present === undefined || !isUsable(present, now, wanted)) {
    await replaceFile(file, toPem('CERTIFICATE', issue(wanted, now)), 0o644);
  }
}

function isUsable(pem: string, now: Date, { key, issuerKey }: FactoryCertificate): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const fits = certificate.checkPrivateKey(key) && certificate.verify(createPublicKey(issuerKey));
    return fits && Date.parse(certificate.validTo) > now.getTime();
  } catch {
    // Not a certificate at all: made anew like one that does not fit.
    return false;
  }
}

function issue({ key, issuerKey, subject, content }: FactoryCertificate, now: Date): Uint8Array {
  const subjectPublicKeyInfo = publicKeyInfo(key);
  const { identifier } = signatureAlgorithmFor('ec', 'sha256');
  // An hour back, for clients whose clock is slow.
  const notBefore = new Date(Math.floor(now.getTime() / 1000) * 1000 - hourMilliseconds);
  const keyIdentifier = subjectKeyIdentifier(publicKeyInfo(issuerKey));
  const tbs = encodeTbsCertificate({
    serialNumber: randomSerialNumber(),
    signatureAlgorithm: identifier,
    issuer: encodeName(parseName(caName)),
    notBefore,
    notAfter: new Date(notBefore.getTime() + lifetimeMilliseconds),
    subject: encodeName(parseName(subject)),
    subjectPublicKeyInfo,
    extensions: [
      ...encodeContent(content),
      extension(idCeSubjectKeyIdentifier, encodeSubjectKeyIdentifier(subjectKeyIdentifier(subjectPublicKeyInfo))),
      extension(idCeAuthorityKeyIdentifier, encodeAuthorityKeyIdentifier({ keyIdentifier })),
    ],
  });
  return encodeCertificate(tbs, identifier, sign('sha256', tbs, issuerKey));
}

function encodeContent({ basicConstraints, keyUsages, purposes }: CertificateContent): Uint8Array[] {
  const extensions = [extension(idCeKeyUsage, encodeKeyUsage(keyUsages), true)];
  if (basicConstraints !== undefined) {
    extensions.unshift(extension(idCeBasicConstraints, encodeBasicConstraints(basicConstraints), true));
  }
  return purposes.length === 0 ? extensions : [...extensions, extension(idCeExtKeyUsage, encodeExtKeyUsage(purposes))];
}

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return encodeExtension({ id, critical, value });
}

function publicKeyInfo(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
