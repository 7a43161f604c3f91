/** What the bench prints. */
import { availableParallelism, cpus } from 'node:os';
import type { Phase } from './phase.js';

export interface BenchReport {
  /** What there are so many of in a second; enrollments, if absent. */
  readonly unit?: string;
  /** CPU microseconds of what the phases' floors are made of. */
  readonly floors: readonly { readonly name: string; readonly microseconds: number }[];
  readonly phases: readonly Phase[];
}

export function formatReport({ unit = 'enrollments', floors, phases }: BenchReport): string {
  const width = Math.max(...floors.map(({ name }) => name.length));
  const lines = [
    `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}`,
    ...floors.map(({ name, microseconds }) => `floor: ${name.padEnd(width)}   ${us(microseconds)}`),
    '',
    table([
      ['', `${unit}/s`, 'median', 'p99', 'server CPU each', 'event loop', 'other threads', 'floor', 'CPU / floor'],
      ...phases.map(describe),
    ]),
  ];
  const failures = phases
    .filter(({ failed }) => failed > 0)
    .map(({ name, failed, failure }) => `${name}: ${failed} failed, the first with ${failure}`);
  return [...lines, ...failures].join('\n');
}

function describe({ name, done, seconds, median, p99, cpu, floor }: Phase): string[] {
  const rate = (done / seconds).toFixed(0);
  const latency = [`${median.toFixed(1)} ms`, `${p99.toFixed(1)} ms`];
  if (cpu === undefined) return [name, rate, ...latency, '-', '-', '-', us(floor), '-'];
  const all = cpu.eventLoop + cpu.others;
  return [
    name,
    rate,
    ...latency,
    `${(all / 1000).toFixed(3)} ms`,
    us(cpu.eventLoop),
    us(cpu.others),
    us(floor),
    (all / floor).toFixed(2),
  ];
}

function us(microseconds: number): string {
  return `${microseconds.toFixed(0)} µs`;
}

function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(columns[0] ?? 0) : cell.padStart(columns[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ')).join('\n');
}
