/** `gatehouse audit`: whether the audit log is as it was written. */
import { Command } from 'commander';
import { createProgress } from './progress.js';
import type { RunWithCore } from './run-with-core.js';
import { verifyAuditLog } from './verify-audit-log.js';

export function auditCommand(run: RunWithCore): Command {
  const command = new Command('audit').description('the audit log');
  command
    .command('verify')
    .description('compute the hash chain of the audit log anew, and name the first event that does not fit')
    .addHelpText(
      'after',
      '\nEvents cut off at the end do not show: note the last sequence and hash elsewhere, and compare.\n\nExample:\n  gatehouse audit verify',
    )
    .action(() =>
      run(async ({ store }) => {
        const { verified, last } = await verifyAuditLog(store, createProgress());
        const end = last ? `; the last is ${last.sequence} with hash ${last.hash}` : '';
        return `the chain of all ${verified} events is intact${end}`;
      }),
    );
  return command;
}
