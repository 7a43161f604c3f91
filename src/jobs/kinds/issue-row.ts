/** Rows of jobs that issue certificates: what is asked for, with a key of the row's own or one that the gateway makes. */
import { z } from 'zod';
import { GatewayError } from '../../errors.js';
import type { RequestedCertificate } from '../../model/requested-certificate.js';
import { DerError } from '../../x509/der.js';
import { encodeGeneralNames, type GeneralName } from '../../x509/general-names.js';
import { encodeName } from '../../x509/names.js';
import { idCeSubjectAltName } from '../../x509/oids.js';
import { parseName } from '../../x509/parse-name.js';
import { fromPem } from '../../x509/pem.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../../x509/pkcs10.js';
import { UnsupportedKeyError } from '../../x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../../x509/signature-algorithms.js';

const namesSchema = z.array(z.string().min(1).max(1024)).max(100).optional();

export const issueRowSchema = z.strictObject({
  device: z.string().min(1).max(255).optional(),
  csr: z.string().min(1).max(65_536).optional(),
  subject: z.string().min(1).max(4096).optional(),
  dns: namesSchema,
  ip: namesSchema,
  email: namesSchema,
  uri: namesSchema,
  notAfter: z.iso.datetime({ offset: true }).optional(),
});
export type IssueRow = z.output<typeof issueRowSchema>;

/** @throws GatewayError for a row that does not go with the job's kind of keys, or cannot be read */
export function readIssueRow(row: IssueRow, keys: 'csr' | 'gateway'): RequestedCertificate {
  const requested = keys === 'csr' ? readRequest(row) : readNames(row);
  return row.notAfter === undefined ? requested : { ...requested, notAfter: new Date(row.notAfter) };
}

const alternatives = ['dns', 'ip', 'email', 'uri'] as const;

function readRequest(row: IssueRow): RequestedCertificate {
  if (row.csr === undefined) throw malformed('the row has no csr, and the keys of this job come from the rows');
  const extra = (['subject', ...alternatives] as const).find((column) => row[column] !== undefined);
  if (extra !== undefined) throw malformed(`the row has a ${extra} beside its csr, which has all names in it`);
  const der = readCsr(row.csr);
  return decoding(() => {
    const csr = decodeCertificationRequest(der);
    if (!verifyCertificationRequest(csr)) {
      throw new GatewayError('invalid-proof-of-possession', 'the signature of the csr does not fit its public key');
    }
    const { subject, subjectPublicKeyInfo, extensions } = csr;
    const { hash } = decodeSignatureAlgorithm(csr.signatureAlgorithm);
    return { subject, subjectPublicKeyInfo, extensions, ...(hash === undefined ? {} : { requestHash: hash }) };
  });
}

function readNames(row: IssueRow): RequestedCertificate {
  if (row.csr !== undefined) throw malformed('the row has a csr, and the gateway makes the keys of this job');
  const names = alternatives.flatMap((type) => (row[type] ?? []).map((value): GeneralName => ({ type, value })));
  if (row.subject === undefined && names.length === 0 && row.device === undefined) {
    throw malformed('the row has neither device nor subject nor another name');
  }
  const subject = reading('subject', () => encodeName(parseName(row.subject ?? '')));
  if (names.length === 0) return { subject, extensions: [] };
  const value = reading('dns, ip, email or uri', () => encodeGeneralNames(names));
  return { subject, extensions: [{ id: idCeSubjectAltName, critical: false, value }] };
}

/** PEM, or DER in base64. */
function readCsr(text: string): Uint8Array {
  if (!text.includes('-----BEGIN')) {
    const base64 = text.replace(/\s/g, '');
    if (base64.length % 4 > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      throw malformed('the csr is neither PEM nor DER in base64');
    }
    return Uint8Array.from(Buffer.from(base64, 'base64'));
  }
  const [block, second] = reading('csr', () =>
    ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'].flatMap((label) => fromPem(text, label)),
  );
  if (block === undefined || second !== undefined) throw malformed('the csr is not one PEM block CERTIFICATE REQUEST');
  return block;
}

function decoding<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DerError) throw malformed(`the csr is malformed: ${error.message}`);
    if (error instanceof UnsupportedAlgorithmError) {
      throw new GatewayError('unsupported-algorithm', `the signature of the csr is not supported: ${error.message}`);
    }
    if (error instanceof UnsupportedKeyError) {
      throw new GatewayError('unacceptable-key', `the public key cannot be certified: ${error.message}`);
    }
    throw error;
  }
}

function reading<T>(column: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError || error instanceof DerError)) throw error;
    // What the row has in it may be long.
    throw malformed(`${column} cannot be read: ${error.message.slice(0, 200)}`);
  }
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed-request', message);
}
