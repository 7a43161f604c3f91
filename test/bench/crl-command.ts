/** `npm run bench -- crl` */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { benchCrl, describeCrlBench } from './crl-bench.js';

interface CrlOptions {
  readonly revoked: readonly number[];
  readonly maximumCertificates: number;
  readonly revocations: number;
  readonly delta?: true;
  readonly data?: string;
}

export function addCrlCommand(program: Command): void {
  program
    .command('crl')
    .description('a revocation, with the CRL that it is on: CPU of each, where few and where many are revoked already')
    .option('--revoked <numbers>', 'how many are revoked before, separated by commas', counts, [200, 200_000])
    .option('--maximum-certificates <number>', 'how many certificates share a CRL', count, 2000)
    .option('--revocations <number>', 'how many are measured', count, 200)
    .option('--delta', 'with delta CRLs')
    .option('--data <folder>', 'where the database is: the disk that commits are flushed to')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run bench -- crl\n  npm run bench -- crl --delta\n  npm run bench -- crl --revoked 200000 --maximum-certificates 1000000',
    )
    .action(runCrl);
}

async function runCrl({ revoked, data = tmpdir(), ...options }: CrlOptions): Promise<void> {
  const directory = await mkdtemp(join(data, 'gatehouse-bench-'));
  try {
    const results = [];
    for (const before of revoked) {
      results.push(await benchCrl({ ...options, hasDelta: options.delta ?? false, before, directory }));
    }
    console.log(describeCrlBench(results));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function counts(text: string): readonly number[] {
  return text.split(',').map(count);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000)
    throw new InvalidArgumentError('1 to 1000000 is needed');
  return value;
}
