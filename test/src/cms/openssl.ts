/** The openssl command as an independent oracle, and identities that it and the gateway share. */

import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CmsSigner } from '../../../src/cms/signed-data.js';
import { fromPem } from '../../../src/x509/pem.js';

/** A temporary folder with the openssl command in it. */
export interface OpenSsl {
  /** Runs openssl in the folder and returns what it prints. */
  run(...args: string[]): Buffer;
  write(name: string, data: Uint8Array): string;
  read(name: string): Uint8Array;
  remove(): void;
}

/** A self-signed certificate `<name>.pem` with its key `<name>.key`. */
export interface Identity {
  readonly name: string;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
  readonly signer: CmsSigner;
}

export const keyOptions = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['-algorithm', 'ED25519'],
} as const;

export function createOpenSsl(): OpenSsl {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cms-'));
  return {
    run: (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }),
    write(name, data) {
      writeFileSync(join(folder, name), data);
      return name;
    },
    read: (name) => Uint8Array.from(readFileSync(join(folder, name))),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function createIdentity(openssl: OpenSsl, name: string, key: keyof typeof keyOptions): Identity {
  openssl.run('genpkey', ...keyOptions[key], '-out', `${name}.key`);
  openssl.run(
    'req',
    '-x509',
    '-new',
    '-key',
    `${name}.key`,
    '-subj',
    `/CN=${name}`,
    '-days',
    '30',
    '-out',
    `${name}.pem`,
  );
  const [certificate] = fromPem(Buffer.from(openssl.read(`${name}.pem`)).toString('latin1'));
  if (certificate === undefined) throw new Error('openssl made no certificate');
  const privateKey = createPrivateKey(Buffer.from(openssl.read(`${name}.key`)));
  return { name, certificate, privateKey, signer: createSigner(certificate, privateKey) };
}

function createSigner(certificate: Uint8Array, privateKey: KeyObject): CmsSigner {
  const algorithm = privateKey.asymmetricKeyType;
  if (algorithm !== 'rsa' && algorithm !== 'ec' && algorithm !== 'ed25519') throw new Error('unexpected key');
  return {
    certificate,
    algorithm,
    sign: async (data, hash) => sign(algorithm === 'ed25519' ? null : hash, data, privateKey),
  };
}
