/** Whether a message that asks for no certificate has to wait for people. */
import type { Policy } from '../model/policy.js';
import type { TraceEntry } from './decision.js';

/** A message that a policy may want people to approve, by CMP's name for it. */
export type ApprovableMessage = Policy['cmp']['approve'][number];

/** What makes the message wait, for the record; undefined where nothing does. */
export function approvalOfMessage(
  { name, approval, cmp }: Pick<Policy, 'name' | 'approval' | 'cmp'>,
  message: ApprovableMessage,
): TraceEntry | undefined {
  if (!cmp.approve.includes(message)) return undefined;
  const by = approval === 'two-people' ? 'two people' : 'a person';
  return { rule: 'approval', outcome: 'pending', said: `policy ${name} wants the approval of ${by} for ${message}` };
}
