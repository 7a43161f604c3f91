/** openssl in a folder of its own: keys, requests and certificates of others. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromPem } from '../../src/x509/pem.js';

/** A folder in which openssl works. */
export interface OpensslFolder {
  run(...words: string[]): Buffer;
  path(name: string): string;
  write(name: string, content: string | Uint8Array): string;
  read(name: string): Buffer;
  /** DER of the certificates in a PEM file. */
  certificates(name: string): readonly Uint8Array[];
}

export async function withOpenssl(work: (openssl: OpensslFolder) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-openssl-'));
  const path = (name: string) => join(folder, name);
  try {
    await work({
      run: (...words) => execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }),
      path,
      write(name, content) {
        writeFileSync(path(name), content);
        return path(name);
      },
      read: (name) => readFileSync(path(name)),
      certificates: (name) => fromPem(readFileSync(path(name), 'latin1'), 'CERTIFICATE'),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A self-signed CA: `<name>.key` and `<name>.pem`, for 10 years from 2026-01-01 unless told otherwise. */
export function makeRoot(
  openssl: OpensslFolder,
  name: string,
  {
    subject = '/O=Example/CN=External Root',
    key = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    options = [],
  }: RootOptions = {},
): void {
  openssl.run('genpkey', '-algorithm', ...key, '-out', `${name}.key`);
  const extensions = [
    '-addext',
    'basicConstraints=critical,CA:true',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ];
  openssl.run(
    'req',
    '-new',
    '-x509',
    '-key',
    `${name}.key`,
    '-subj',
    subject,
    '-out',
    `${name}.pem`,
    '-days',
    '3650',
    '-config',
    openssl.write('req.cnf', '[req]\ndistinguished_name=dn\n[dn]\n'),
    ...(options.length > 0 ? options : extensions),
  );
}

interface RootOptions {
  readonly subject?: string;
  readonly key?: readonly string[];
  /** In place of the usual ones. */
  readonly options?: readonly string[];
}

/** What a foreign CA has revoked, `<ca>.crl`, PEM: number 12, of now, for 30 days unless told otherwise. */
export function makeCrl(
  openssl: OpensslFolder,
  ca: string,
  { revoked = [], extensions = '', options = ['-crldays', '30'] }: CrlOptions = {},
): void {
  const lines = revoked.map(({ serial, date = '260101000000Z', reason }) =>
    ['R', '300101000000Z', reason ? `${date},${reason}` : date, serial, 'unknown', `/CN=${serial}`].join('\t'),
  );
  openssl.write('index', lines.map((line) => `${line}\n`).join(''));
  openssl.write('number', '0C\n');
  const settings = 'database=index\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=extensions\nunique_subject=no';
  openssl.write('ca.cnf', `[ca]\ndefault_ca=this\n[this]\n${settings}\n[extensions]\n${extensions}\n`);
  const files = ['-keyfile', `${ca}.key`, '-cert', `${ca}.pem`, '-out', `${ca}.crl`];
  openssl.run('ca', '-gencrl', '-config', 'ca.cnf', ...files, ...options);
}

interface CrlOptions {
  /** Serial numbers in hex with what openssl calls the reason, such as `keyCompromise` and `keyTime,20251231000000Z`. */
  readonly revoked?: readonly { readonly serial: string; readonly date?: string; readonly reason?: string }[];
  /** As in openssl's configuration. */
  readonly extensions?: string;
  readonly options?: readonly string[];
}
