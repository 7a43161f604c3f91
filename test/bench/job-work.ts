/** What the jobs of the bench do: their options, their rows, and what is to be on record once they have ended. */
import { execFileSync } from 'node:child_process';
import { createECDH, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Core } from '../../src/open-core.js';
import { readProcessCpu, since } from './process-cpu.js';

export const jobWorks = ['register', 'issue'] as const;

export interface JobWork {
  readonly kind: string;
  readonly options: object;
  /** CSV. */
  rows(count: number): AsyncIterable<Uint8Array>;
  /** How many things it has made; names of columns of the results that are different in each row. */
  count(core: Core): Promise<number>;
  readonly unique: string;
  readonly hasArchive: boolean;
  /** The bare cryptography of a row, microseconds; 0 where there is none. */
  floor(): number;
}

/** @param directory has the key that the archive is encrypted to */
export function workOf(name: (typeof jobWorks)[number], directory: string): JobWork {
  return name === 'register' ? registration : issuance(directory);
}

const most = 2_000_000;

const registration: JobWork = {
  kind: 'register-devices',
  options: { group: 'pumps' },
  rows: (count) =>
    csv(count, 'name,identifier.serial,attribute.site', (i) => `device-${i},SN${i * 7919},site-${i % 50}`),
  count: async ({ store }) => (await store.devices.list({ limit: most })).length,
  unique: 'deviceId',
  hasArchive: false,
  floor: () => 0,
};

function issuance(directory: string): JobWork {
  const [key, certificate] = [join(directory, 'owner.key'), join(directory, 'owner.pem')];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-subj', '/CN=owner'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const archive = { recipient: readFileSync(certificate, 'utf8') };
  return {
    kind: 'issue-certificates',
    options: { policy: 'batch', keys: 'gateway', keyType: 'ec-p256', archive },
    rows: (count) => csv(count, 'device,subject', (i) => `device-${i},CN=device-${i}`),
    count: async ({ store }) => (await store.devices.list({ limit: most })).length,
    unique: 'serialNumber',
    hasArchive: true,
    floor: measureFloor,
  };
}

async function* csv(count: number, header: string, line: (i: number) => string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${header}\n`);
  for (let first = 0; first < count; first += 1000) {
    const lines = Array.from({ length: Math.min(1000, count - first) }, (_, i) => `${line(first + i)}\n`);
    yield Buffer.from(lines.join(''));
  }
}

const rounds = 1000;

/** Making a P-256 key and signing a certificate, as cheaply as it can be done here: without key objects. */
function measureFloor(): number {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const none = { eventLoop: 0, others: 0 };
  const before = readProcessCpu(process.pid) ?? none;
  for (let i = 0; i < rounds; i++) {
    const pair = createECDH('prime256v1');
    sign('sha256', pair.generateKeys(), ca);
    pair.getPrivateKey();
  }
  return since(before, readProcessCpu(process.pid) ?? none).eventLoop / rounds;
}
