/** What the bench's commands have in common. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.js';
import { type BenchReport, formatReport } from './report.js';

export interface BenchOptions {
  readonly url?: string;
  readonly ca?: string;
  readonly pid?: number;
  readonly seconds: number;
  readonly clients: readonly number[];
  readonly data?: string;
  readonly profile?: string;
}

/** Adds the options that every bench has. */
export function addBenchOptions(command: Command): Command {
  return command
    .option('--ca <file>', 'PEM roots to verify the server with')
    .option('--pid <process>', 'process id of the server, if it runs here, to read its CPU time', positive)
    .option('--seconds <number>', 'how long each phase sends', positive, 3)
    .option('--clients <list>', 'numbers of clients over keep-alive connections', numbers, [1, 16, 64])
    .option('--data <folder>', 'where the started gateway keeps its data: the disk that commits are flushed to')
    .option('--profile <folder>', 'write CPU profiles of the started gateway there, one of each thread');
}

/** Starts a gateway of this build for `use`, and ends it afterwards. */
export async function withGateway(
  { data, profile }: BenchOptions,
  use: (gateway: GatewayProcess) => Promise<void>,
): Promise<void> {
  const gateway = await startGatewayProcess({
    ...(data === undefined ? {} : { parentDirectory: data }),
    ...(profile === undefined ? {} : { profileDirectory: profile }),
  });
  try {
    await use(gateway);
  } finally {
    await gateway.close();
  }
}

/** Refusals make the command fail. */
export function print(report: BenchReport): void {
  clearProgress();
  console.log(formatReport(report));
  if (report.phases.some(({ failed }) => failed > 0)) process.exitCode = 1;
}

const barWidth = 30;

/** One line on a terminal, rewritten; nothing where output goes elsewhere. */
export function showProgress(phase: string, share: number, enrollmentsPerSecond: number): void {
  if (!process.stderr.isTTY) return;
  const filled = Math.min(barWidth, Math.round(share * barWidth));
  process.stderr.write(
    `\r\x1b[K${phase.padEnd(36)} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${enrollmentsPerSecond.toFixed(0)}/s`,
  );
}

export function read(file: string): string {
  return readFileSync(file, 'utf8');
}

/** The argument of an option. */
export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new InvalidArgumentError('a port, 1 to 65535, is needed');
  return value;
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

function numbers(text: string): number[] {
  return text.split(',').map(positive);
}
