/** `gatehouse request`: list, show, approve and reject. */
import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { type ApprovalResult, approveRequest, rejectRequest } from '../enrollment/approve.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { decodeMessage, type StoredRevocation } from '../enrollment/stored-message.js';
import { decodeRequest } from '../enrollment/stored-request.js';
import type { AuditEventRecord } from '../store/audit-repository.js';
import { certificateId } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import { formatName } from '../x509/names.js';
import { CommandLineError } from './command-line-error.js';
import { describeEvent } from './describe-event.js';
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
    .description('approve a pending request; a revocation is carried out, all else the device gets when it asks again')
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
          case 'answerable':
            return 'approved; the device gets its answer when it asks again';
          case 'revoked':
            await core.crls.publish(result.certificate.issuerId, result.certificate.crlPartition);
            return `approved; ${describeRevoked(result)}`;
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
  return `${requestId}  ${new Date(createdAt).toISOString()}  ${protocol}  ${label}  ${describeWish(transaction)}`;
}

/** Answered requests keep no wishes: the certificate says it all. */
function describeWish({ request, certificateIssuer, certificateSerial }: EnrollmentTransactionRecord): string {
  if (request === '{}') return `certificate ${certificateIssuer}:${certificateSerial}`;
  const message = decodeMessage(request);
  switch (message?.kind) {
    case 'revocation':
      return describeRevocation(message);
    case 'message':
      return message.operation;
    case undefined:
      return formatName(decodeRequest(request).requested.subject) || '(no subject)';
  }
}

function describeRevocation({ subject, serialNumber, reason }: StoredRevocation): string {
  const certificate = `${subject || '(no subject)'} (${serialNumber})`;
  switch (reason) {
    case 'certificateHold':
      return `hold of ${certificate}`;
    case 'removeFromCRL':
      return `end of the hold of ${certificate}`;
    default:
      return `revocation of ${certificate}, reason ${reason}`;
  }
}

function describeRevoked({ certificate, reason }: Extract<ApprovalResult, { outcome: 'revoked' }>): string {
  const { id, subject } = certificate;
  switch (reason) {
    case 'certificateHold':
      return `${id} (${subject}) is on hold, and on the CRL now`;
    case 'removeFromCRL':
      return `${id} (${subject}) is valid again`;
    default:
      return `${id} (${subject}) is revoked, reason ${reason}, and on the CRL now`;
  }
}

/** What was done to the certificate by this request, among all that happened to it. */
async function eventsOfRevocation(
  { request, requestId }: EnrollmentTransactionRecord,
  { audit }: Pick<Store, 'audit'>,
): Promise<readonly AuditEventRecord[]> {
  const message = decodeMessage(request);
  if (message?.kind !== 'revocation') return [];
  const events = await audit.list({ subject: certificateId(message.issuerId, message.serialNumber), limit: 100 });
  return events.filter(({ content }) => JSON.parse(content).requestId === requestId);
}

async function describe(id: string, { store }: EnrollmentServices): Promise<string> {
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId: id });
  const own = await store.audit.findById({ id });
  const about = await store.audit.list({ subject: id, limit: 100 });
  const issued = await store.certificates.list({ requestId: id, limit: 10 });
  const ofCertificates = (
    await Promise.all(issued.map((certificate) => store.audit.list({ subject: certificate.id, limit: 100 })))
  ).flat();
  const ofRevocation = transaction ? await eventsOfRevocation(transaction, store) : [];
  const bySequence = new Map(
    [...(own ? [own] : []), ...about, ...ofCertificates, ...ofRevocation].map((event) => [event.sequence, event]),
  );
  if (!transaction && bySequence.size === 0) throw new CommandLineError(`nothing is on record for request ${id}`);
  const lines = transaction
    ? [`request ${id}: ${transaction.state}`, `  ${describeLine(transaction)}`]
    : [`request ${id}`];
  for (const event of [...bySequence.values()].sort((a, b) => a.sequence - b.sequence)) {
    lines.push(...describeEvent(event));
  }
  return lines.join('\n');
}
