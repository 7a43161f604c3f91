/** Audit events as people read them. */
import type { AuditEventRecord } from '../store/audit-repository.js';

/** Lines: what happened, when and to what; its details; and the trace of a decision, rule by rule. */
export function describeEvent({ content, sequence }: Pick<AuditEventRecord, 'content' | 'sequence'>): string[] {
  const { id: _id, at, action, outcome, subject, trace, ...details } = JSON.parse(content);
  const lines = ['', `${new Date(at).toISOString()}  #${sequence}  ${action}  ${outcome}  ${subject}`];
  for (const [name, value] of Object.entries(details)) {
    lines.push(`  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  for (const entry of Array.isArray(trace) ? trace : [])
    lines.push(`  ${String(entry.outcome).padEnd(8)} ${entry.rule}: ${entry.said}`);
  return lines;
}

/** An event for programs: with its place in the log, its time as text. */
export function eventJson({ content, sequence }: Pick<AuditEventRecord, 'content' | 'sequence'>): object {
  const event = JSON.parse(content);
  return { sequence, ...event, at: new Date(event.at).toISOString() };
}
