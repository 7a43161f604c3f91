/** `gatehouse request`: list, show, approve and reject. */
import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { approveRequest, rejectRequest } from '../enrollment/approve.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { decodeRequest } from '../enrollment/stored-request.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import { formatName } from '../x509/names.js';
import { CommandLineError } from './command-line-error.js';
import type { RunWithCore } from './run-with-core.js';

const states = ['pending', 'approved', 'issued', 'rejected'] as const;

export function requestCommand(run: RunWithCore): Command {
  const command = new Command('request').description(
    'requests: those that wait for approval, and why each was decided as it was',
  );

  command
    .command('list')
    .description('list requests, oldest first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(states).default('pending'))
    .option('--policy <name>', 'only those to this policy')
    .action((options: { state: (typeof states)[number]; policy?: string }) =>
      run(async ({ store }) => {
        const requests = await store.enrollmentTransactions.list({
          state: options.state,
          limit: 1000,
          ...(options.policy === undefined ? {} : { policy: options.policy }),
        });
        return requests.length === 0 ? `no ${options.state} requests` : requests.map(describeLine).join('\n');
      }),
    );

  command
    .command('show <id>')
    .description('show a request and the trace of its decision; the id is the X-Request-Id that the client saw')
    .action((id: string) => run(async (core) => await describe(id, core)));

  command
    .command('approve <id>')
    .description('approve a pending request; the device gets its certificate when it asks again')
    .option('--as <name>', 'who approves', userInfo().username)
    .addHelpText('after', '\nExample:\n  gatehouse request approve 6f1c… --as alice')
    .action((id: string, options: { as: string }) =>
      run(async (core) => {
        const result = await approveRequest(id, options.as, core);
        switch (result.outcome) {
          case 'waiting':
            return `approved by ${options.as}; a second person has to approve it too`;
          case 'ready':
            return 'approved; key and certificate are made when the device asks again';
          case 'issued':
            return `approved; certificate ${result.serialNumber} is issued and waits for the device to ask again`;
        }
      }),
    );

  command
    .command('reject <id>')
    .description('reject a pending request')
    .option('--as <name>', 'who rejects', userInfo().username)
    .option('--reason <text>', 'told to the device')
    .action((id: string, options: { as: string; reason?: string }) =>
      run(async (core) => {
        await rejectRequest(id, options.as, options.reason ?? null, core);
        return 'rejected';
      }),
    );

  return command;
}

function describeLine(transaction: EnrollmentTransactionRecord): string {
  const { requestId, policy, groupName, protocol, createdAt } = transaction;
  const label = groupName === null ? policy : `${policy}~${groupName}`;
  return `${requestId}  ${new Date(createdAt).toISOString()}  ${protocol}  ${label}  ${wishedName(transaction)}`;
}

/** Answered requests keep no wishes: the certificate says it all. */
function wishedName({ request, certificateIssuer, certificateSerial }: EnrollmentTransactionRecord): string {
  if (request === '{}') return `certificate ${certificateIssuer}:${certificateSerial}`;
  return formatName(decodeRequest(request).requested.subject) || '(no subject)';
}

async function describe(id: string, { store }: EnrollmentServices): Promise<string> {
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId: id });
  const own = await store.audit.findById({ id });
  const about = await store.audit.list({ subject: id, limit: 100 });
  const issued = await store.certificates.list({ requestId: id, limit: 10 });
  const ofCertificates = (
    await Promise.all(issued.map((certificate) => store.audit.list({ subject: certificate.id, limit: 100 })))
  ).flat();
  const bySequence = new Map(
    [...(own ? [own] : []), ...about, ...ofCertificates].map((event) => [event.sequence, event]),
  );
  if (!transaction && bySequence.size === 0) throw new CommandLineError(`nothing is on record for request ${id}`);
  const lines = transaction
    ? [`request ${id}: ${transaction.state}`, `  ${describeLine(transaction)}`]
    : [`request ${id}`];
  for (const event of [...bySequence.values()].sort((a, b) => a.sequence - b.sequence)) {
    lines.push(...describeEvent(event.content, event.sequence));
  }
  return lines.join('\n');
}

function describeEvent(content: string, sequence: number): string[] {
  const { id: _id, at, action, outcome, subject, trace, ...details } = JSON.parse(content);
  const lines = ['', `${new Date(at).toISOString()}  #${sequence}  ${action}  ${outcome}  ${subject}`];
  for (const [name, value] of Object.entries(details)) {
    lines.push(`  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  for (const entry of Array.isArray(trace) ? trace : [])
    lines.push(`  ${String(entry.outcome).padEnd(8)} ${entry.rule}: ${entry.said}`);
  return lines;
}
