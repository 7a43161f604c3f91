/** A device with a TPM in software (swtpm), worked with by tpm2-tools: a key of its own, attested as device-attest-01 has it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DerReader } from '../../../src/x509/der.js';
import { bitString, sequence } from '../../../src/x509/der-writer.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { extendedKeyUsage, keyUsage, makeCertificate } from '../make-chain.js';
import { type CsrOptions, makeCsr } from '../make-csr.js';
import { aikPurpose, attestationCa, spkiOf } from './attestation.js';
import { cbor } from './cbor.js';
import { type DeviceName, deviceAltName } from './device-names.js';
import { number, sized } from './tpm-structures.js';

/** What has to be on the PATH. */
export const softwareTpmTools = ['swtpm', 'tpm2_createak', 'tpm2_send'];

export interface SoftwareTpmOptions {
  /** The names in the certificate of its attestation key. */
  readonly names: readonly DeviceName[];
  readonly attestationKey?: keyof typeof attestationKeys;
  readonly key?: 'ecc256' | 'ecc256:ecdsa-sha256:null' | 'ecc384' | 'rsa2048';
  /** Of the key, as tpm2_create takes them. */
  readonly attributes?: string;
}

export interface SoftwareTpm {
  /** DER of the CA that has certified the attestation key; it is the same for all of a process. */
  readonly authority: Uint8Array;
  /** DER SubjectPublicKeyInfo of the key. */
  readonly publicKey: Uint8Array;
  /** An attestation object about the key. */
  attest(keyAuthorization: string): Promise<Uint8Array>;
  /** DER of a request that the key has signed. */
  csr(options: Pick<CsrOptions, 'subject' | 'alternatives'>): Promise<Uint8Array>;
  /** Ends it; nothing of it is left. */
  close(): Promise<void>;
}

const attestationKeys = {
  ecdsa: { type: 'ecc', alg: -7 },
  rsassa: { type: 'rsa', alg: -257 },
  rsapss: { type: 'rsa', alg: -37 },
} as const;

const akHandle = 0x81010001;
const keyHandle = 0x81010002;

export async function createSoftwareTpm(options: SoftwareTpmOptions): Promise<SoftwareTpm> {
  const { attestationKey = 'ecdsa', key = 'ecc256', names } = options;
  const { attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' } = options;
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-tpm-'));
  const tpm = startTpm(directory);
  const close = async () => {
    await stop(tpm);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await awaitSocket(tpm, join(directory, 'tpm'));
    await run(
      directory,
      'tpm2_createek -Q -c ek.ctx -G ecc -u ek.pub',
      // There is no resource manager: a TPM has room for three objects.
      'tpm2_flushcontext -t',
      `tpm2_createak -Q -C ek.ctx -c ak.ctx -G ${attestationKeys[attestationKey].type} -g sha256 -s ${attestationKey} -u ak.pem -f pem`,
      'tpm2_flushcontext -t',
      `tpm2_evictcontrol -Q -C o -c ak.ctx ${akHandle}`,
      'tpm2_flushcontext -t',
      'tpm2_createprimary -Q -C o -G ecc -c primary.ctx',
      'tpm2_flushcontext -t',
      `tpm2_create -Q -C primary.ctx -G ${key} -a '${attributes}' -u key.pub -r key.priv -c key.ctx`,
      'tpm2_flushcontext -t',
      `tpm2_evictcontrol -Q -C o -c key.ctx ${keyHandle}`,
      'tpm2_flushcontext -t',
      `tpm2_readpublic -Q -c ${keyHandle} -f pem -o key.pem`,
    );
  } catch (error) {
    await close();
    throw error;
  }
  const publicKey = await publicKeyIn(join(directory, 'key.pem'));
  const certificate = makeCertificate({
    subject: '',
    issuer: 'O=Maker,CN=Attestation CA',
    signer: 'O=Maker,CN=Attestation CA',
    subjectPublicKeyInfo: await publicKeyIn(join(directory, 'ak.pem')),
    extensions: [
      keyUsage('digitalSignature'),
      extendedKeyUsage(aikPurpose),
      // Where the subject is empty, it has to be (RFC 5280 4.2.1.6).
      { ...deviceAltName(...names), critical: true },
    ],
  });
  return {
    authority: attestationCa,
    publicKey,
    attest: async (keyAuthorization) => {
      const statement = {
        ver: '2.0',
        alg: attestationKeys[attestationKey].alg,
        x5c: [certificate, attestationCa],
        ...(await certify(directory, createHash('sha256').update(keyAuthorization).digest())),
        pubArea: (await readFile(join(directory, 'key.pub'))).subarray(2),
      };
      return cbor({ fmt: 'tpm', attStmt: statement });
    },
    csr: async (csrOptions) => {
      const kind = key === 'rsa2048' ? 'rsa' : 'ec';
      const unsigned = makeCsr({ ...csrOptions, subjectPublicKeyInfo: publicKey });
      const info = DerReader.decode(unsigned, (r) =>
        r.sequence((csr) => {
          const signed = csr.element();
          csr.element();
          csr.element();
          return signed;
        }),
      );
      await writeFile(join(directory, 'info.der'), info);
      await run(
        directory,
        `tpm2_sign -Q -c ${keyHandle} -g sha256 -s ${kind === 'rsa' ? 'rsassa' : 'ecdsa'} -f plain -o info.sig info.der`,
      );
      return sequence(
        info,
        signatureAlgorithmFor(kind, 'sha256').identifier,
        bitString(await readFile(join(directory, 'info.sig'))),
      );
    },
    close,
  };
}

/** Runs lines, and stops at the first that fails. @throws Error with what it has printed */
async function run(directory: string, ...lines: string[]): Promise<void> {
  const env = { PATH: process.env.PATH, HOME: directory, TPM2TOOLS_TCTI: 'swtpm:path=tpm' };
  await promisify(execFile)('sh', ['-euc', lines.join('\n')], { cwd: directory, env, timeout: 20_000 });
}

function startTpm(directory: string): ChildProcess {
  const words = ['socket', '--tpm2', '--tpmstate', 'dir=.', '--flags', 'not-need-init,startup-clear'];
  const sockets = ['--server', 'type=unixio,path=tpm', '--ctrl', 'type=unixio,path=tpm.ctrl'];
  return spawn('swtpm', [...words, ...sockets], { cwd: directory, stdio: 'ignore' });
}

async function awaitSocket(tpm: ChildProcess, path: string): Promise<void> {
  for (let i = 0; i < 500 && tpm.exitCode === null; i++) {
    if (existsSync(path)) return;
    await setTimeout(20);
  }
  throw new Error('swtpm has opened no socket');
}

async function stop(tpm: ChildProcess): Promise<void> {
  if (tpm.exitCode !== null || tpm.signalCode !== null) return;
  const ended = once(tpm, 'exit');
  tpm.kill();
  await ended;
}

async function publicKeyIn(file: string): Promise<Uint8Array> {
  return spkiOf(createPublicKey(await readFile(file)));
}

/** TPM2_Certify (TPM 2.0 Library, part 3, 18.2) as octets: tpm2_certify has no option for the qualifying data before version 5.5. */
async function certify(directory: string, qualifyingData: Uint8Array) {
  const password = Buffer.from('400000090000000000', 'hex');
  const handles = [number(4, keyHandle), number(4, akHandle)];
  const authorizations = [number(4, 2 * password.length), password, password];
  const ownScheme = number(2, 0x10);
  const body = Buffer.concat([number(4, 0x148), ...handles, ...authorizations, sized(qualifyingData), ownScheme]);
  await writeFile(join(directory, 'certify.in'), Buffer.concat([number(2, 0x8002), number(4, 6 + body.length), body]));
  await run(directory, 'tpm2_send -o certify.out certify.in');
  const answer = await readFile(join(directory, 'certify.out'));
  const code = answer.readUInt32BE(6);
  if (code !== 0) throw new Error(`TPM2_Certify: 0x${code.toString(16)}`);
  const parameters = answer.subarray(14, 14 + answer.readUInt32BE(10));
  const length = parameters.readUInt16BE(0);
  return { certInfo: parameters.subarray(2, 2 + length), sig: parameters.subarray(2 + length) };
}
