/**
 * How a batch of changes travels to the thread that writes: as one flat array. As objects, with every statement's text,
 * a batch costs four times as much to copy, and few texts are ever new.
 */
import type { ErrorCode } from '../errors.js';
import type { AuditRecord, Bindable, Change, Statement } from './change.js';

export interface PackedBatch {
  /** SQL that has not travelled before, in the order of its numbers; a program has as many texts as it has compiled. */
  readonly texts: readonly string[];
  /**
   * For each change: the number of its statements; of each the text's number, `rows` and `otherwise` or null, the number
   * of its parameters, and those; the number of its audit records; of each the fields,
   * null for a device that is not given.
   */
  readonly values: readonly Bindable[];
}

/** The sender's side. Batches must arrive in the order in which they were packed. */
export function createPacker(): (batch: readonly Change[]) => PackedBatch {
  const numbers = new Map<string, number>();
  return (batch) => {
    const texts: string[] = [];
    const values: Bindable[] = [];
    for (const { statements, audit } of batch) {
      values.push(statements.length);
      for (const { sql, parameters, rows, otherwise } of statements) {
        let number = numbers.get(sql);
        if (number === undefined) {
          number = numbers.size;
          numbers.set(sql, number);
          texts.push(sql);
        }
        values.push(number, rows ?? null, otherwise ?? null, parameters.length);
        for (const parameter of parameters) values.push(parameter);
      }
      values.push(audit.length);
      for (const { id, at, action, outcome, subject, device, content } of audit) {
        values.push(id, at, action, outcome, subject, device ?? null, content);
      }
    }
    return { texts, values };
  };
}

/** The receiver's side. */
export function createUnpacker(): (packed: PackedBatch) => Change[] {
  const known: string[] = [];
  return ({ texts, values }) => {
    known.push(...texts);
    const changes: Change[] = [];
    let at = 0;
    const number = () => Number(values[at++]);
    const text = () => String(values[at++]);
    const device = () => {
      const id = values[at++];
      return typeof id === 'string' ? { device: id } : {};
    };
    while (at < values.length) {
      const statements = repeat(number(), (): Statement => {
        const sql = known[number()] ?? '';
        const rows = values[at++];
        const otherwise = values[at++] as ErrorCode | null;
        const count = number();
        const parameters = values.slice(at, at + count);
        at += count;
        return {
          sql,
          parameters,
          ...(typeof rows === 'number' ? { rows } : {}),
          ...(otherwise === null ? {} : { otherwise }),
        };
      });
      const audit = repeat(
        number(),
        (): AuditRecord => ({
          id: text(),
          at: number(),
          action: text(),
          outcome: text(),
          subject: text(),
          ...device(),
          content: text(),
        }),
      );
      changes.push({ statements, audit });
    }
    return changes;
  };
}

function repeat<T>(times: number, make: () => T): T[] {
  return Array.from({ length: times }, make);
}
