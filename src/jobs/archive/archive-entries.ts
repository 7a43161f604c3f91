/** The files of a job's archive, in the order in which they are written. */

import type { Authority } from '../../ca/authority.js';
import { encodeEncryptedPrivateKey } from '../../cms/encrypted-private-key.js';
import type { PasswordKey } from '../../cms/pbes2.js';
import { GatewayError } from '../../errors.js';
import type { ArchivedRow } from '../../store/job-archive-repository.js';
import type { Store } from '../../store/store.js';
import { type Certificate, decodeCertificate } from '../../x509/certificate.js';
import { formatName } from '../../x509/names.js';
import { toPem } from '../../x509/pem.js';
import { csvLine } from '../csv-text.js';
import { createIssuerFiles, type IssuerFiles } from './issuer-files.js';
import type { JobKeys } from './job-keys.js';
import type { ZipEntry } from './zip-stream.js';

export interface ArchiveContent {
  readonly jobId: string;
  /** Absent where the rows have brought their keys. */
  readonly keys?: JobKeys;
  /** What each key file is encrypted with; absent where the whole archive is. */
  readonly passwordKey?: PasswordKey;
}

interface Services {
  readonly store: Pick<Store, 'jobArchives'>;
  readonly authority: Pick<Authority, 'generations' | 'chain'>;
}

/** The rows are read twice: for the list of all, which comes first, and for their files. So no row stays in memory. */
export async function* archiveEntries(
  content: ArchiveContent,
  services: Services,
): AsyncGenerator<ZipEntry, void, undefined> {
  const issuers = createIssuerFiles(services.authority);
  yield { name: 'manifest.csv', content: manifest(content, issuers, services) };
  yield* issuers.files();
  for await (const rows of pagesOf(content.jobId, services)) {
    for (const row of rows) {
      const folder = folderOf(row);
      yield { name: `${folder}/certificate.pem`, content: Buffer.from(toPem('CERTIFICATE', row.certificate)) };
      if (content.keys !== undefined && hasKey(row))
        yield { name: `${folder}/key.pem`, content: keyFile(row, content.keys, content), isPrivate: true };
    }
  }
}

async function* manifest(
  { jobId, keys }: ArchiveContent,
  issuers: IssuerFiles,
  services: Services,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(csvLine(['row', 'device', 'serialNumber', 'subject', 'notAfter', 'files']));
  for await (const rows of pagesOf(jobId, services)) {
    const lines = rows.map((row) => {
      const certificate = decodeCertificate(row.certificate);
      const folder = folderOf(row);
      const own = keys === undefined || !hasKey(row) ? ['certificate.pem'] : ['certificate.pem', 'key.pem'];
      const files = [...own.map((name) => `${folder}/${name}`), ...issuers.of(certificate)];
      return csvLine([String(row.row), deviceOf(row), ...describe(certificate), files.join(' ')]);
    });
    yield Buffer.from(lines.join(''));
  }
}

function describe({ serialNumber, subject, notAfter }: Certificate): string[] {
  return [serialNumber, formatName(subject), notAfter.toISOString().replace(/\.\d+Z$/, 'Z')];
}

async function* pagesOf(jobId: string, { store }: Services): AsyncGenerator<readonly ArchivedRow[], void, undefined> {
  for (let after = 0; ; ) {
    const rows = await store.jobArchives.archiveRows({ jobId, after, limit: pageSize });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = last.row;
  }
}

const pageSize = 100;

/** The row's number keeps folders apart, whatever devices are called and file systems make of it. */
function folderOf(row: ArchivedRow): string {
  const number = String(row.row).padStart(7, '0');
  const device = deviceOf(row)
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .slice(0, 64)
    .replace(/\.+$/, '');
  return device === '' ? number : `${number}-${device}`;
}

function deviceOf({ result }: ArchivedRow): string {
  const { issuedTo = '' }: { issuedTo?: string } = JSON.parse(result);
  return issuedTo;
}

/** The key of a device that was compromised before somebody has come for it is gone. */
function hasKey({ sealedKey }: ArchivedRow): boolean {
  return sealedKey?.length !== 0;
}

/** @throws GatewayError 'invalid-state' where another download has ended long ago, and the keys with it */
function keyFile({ row, sealedKey }: ArchivedRow, keys: JobKeys, { passwordKey }: ArchiveContent): Uint8Array {
  if (sealedKey === null) throw new GatewayError('invalid-state', 'the keys of the job were destroyed meanwhile');
  const pkcs8 = keys.openRowKey(row, sealedKey);
  const pem =
    passwordKey === undefined
      ? toPem('PRIVATE KEY', pkcs8)
      : toPem('ENCRYPTED PRIVATE KEY', encodeEncryptedPrivateKey(passwordKey, pkcs8));
  pkcs8.fill(0);
  return Buffer.from(pem);
}
