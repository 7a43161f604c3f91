/** Rows of jobs that issue certificates: what is asked for, with a key of the row's own or one that the gateway makes. */
import { z } from 'zod';
import { GatewayError } from '../../errors.js';
import type { RequestedCertificate } from '../../model/requested-certificate.js';
import { encodeWrittenNames, readCsrPem, readProvenCsr, writtenNameTypes } from '../../x509/written-request.js';

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

function readRequest(row: IssueRow): RequestedCertificate {
  if (row.csr === undefined) throw malformed('the row has no csr, and the keys of this job come from the rows');
  const extra = (['subject', ...writtenNameTypes] as const).find((column) => row[column] !== undefined);
  if (extra !== undefined) throw malformed(`the row has a ${extra} beside its csr, which has all names in it`);
  return readProvenCsr(readCsr(row.csr), 'the csr');
}

function readNames({ csr, device, subject, ...subjectAltNames }: IssueRow): RequestedCertificate {
  if (csr !== undefined) throw malformed('the row has a csr, and the gateway makes the keys of this job');
  const hasName = subject !== undefined || writtenNameTypes.some((type) => subjectAltNames[type]?.length);
  if (device === undefined && !hasName) throw malformed('the row has neither device nor subject nor another name');
  return encodeWrittenNames({ subject, subjectAltNames });
}

/** PEM, or DER in base64. */
function readCsr(text: string): Uint8Array {
  if (text.includes('-----BEGIN')) return readCsrPem('csr', text);
  const base64 = text.replace(/\s/g, '');
  if (base64.length % 4 > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw malformed('the csr is neither PEM nor DER in base64');
  }
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed-request', message);
}
