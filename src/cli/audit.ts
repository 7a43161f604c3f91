/** `gatehouse audit`: whether the audit log is as it was written. */
import { Command } from 'commander';
import { CommandLineError } from './command-line-error.js';
import type { RunWithCore } from './run-with-core.js';

/** So many events are read at once. */
const pageSize = 10_000;

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
        let verified = 0;
        for (let from: number | undefined = 1; from !== undefined; ) {
          const page = await store.audit.verifyChain({ from, limit: pageSize });
          if (!page.intact)
            throw new CommandLineError(`the audit log was changed: event ${page.sequence} does not fit`);
          verified += page.checked;
          from = page.next;
          if (process.stderr.isTTY) process.stderr.write(`\r${verified} events`);
        }
        if (process.stderr.isTTY) process.stderr.write('\r');
        const [last] = await store.audit.list({ limit: 1 });
        const end = last ? `; the last is ${last.sequence} with hash ${Buffer.from(last.hash).toString('hex')}` : '';
        return `the chain of all ${verified} events is intact${end}`;
      }),
    );
  return command;
}
