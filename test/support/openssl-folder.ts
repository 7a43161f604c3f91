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
