/** `openssl verify` as an independent judge of certification paths. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version: string | null = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout;

/** Whether it is at hand, in the version whose differences from us the tests list. */
export const hasOpenssl = version?.startsWith('OpenSSL 3.0.') ?? false;

if (!hasOpenssl) process.stderr.write('paths are not compared with `openssl verify`: there is no OpenSSL 3.0 here\n');

/** Whether it accepts the chain, root first and leaf last, with these arguments. */
export function opensslAccepts(chain: readonly Uint8Array[], parameters: readonly string[]): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-verify-'));
  try {
    const file = (name: string, certificates: readonly Uint8Array[]) => {
      const path = join(directory, name);
      writeFileSync(path, certificates.map(toPem).join(''));
      return path;
    };
    const trusted = file('root.pem', chain.slice(0, 1));
    const untrusted = file('untrusted.pem', chain.slice(1, -1));
    const target = file('leaf.pem', chain.slice(-1));
    const bag = chain.length > 2 ? ['-untrusted', untrusted] : [];
    execFileSync(
      'openssl',
      ['verify', '-no-CApath', '-no-CAstore', '-CAfile', trusted, ...bag, ...parameters, target],
      {
        stdio: 'pipe',
      },
    );
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function toPem(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}
