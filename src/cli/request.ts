/** `gatehouse request`: list, show, approve and reject. */
import { Command, Option } from 'commander';
import { listRequests } from '../certificates/list-requests.js';
import { openStates, type RequestJson, requestJson, requireVisibleRequest } from '../certificates/requests.js';
import { requestStory } from '../certificates/story.js';
import { type ApprovalResult, approveRequest, rejectRequest } from '../enrollment/approve.js';
import type { Core } from '../open-core.js';
import type { EnrollmentTransactionRecord, TransactionPlace } from '../store/enrollment-transaction-repository.js';
import { parseCount } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { describeEvent, eventJson } from './describe-event.js';
import { describeLine, describeRevoked } from './describe-request.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote } from './table.js';

export function requestCommand(run: RunWithCore): Command {
  return new Command('request')
    .description('requests: those that wait for approval, and why each was decided as it was')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(approveCommand(run))
    .addCommand(rejectCommand(run));
}

interface ListOptions {
  readonly state: (typeof openStates)[number];
  readonly policy?: string;
  readonly division?: string;
  readonly device?: string;
  readonly search?: string;
  readonly sort: keyof typeof orders;
  readonly limit: number;
  readonly json?: true;
}

const orders = {
  oldest: { by: 'createdAt', descending: false },
  latest: { by: 'createdAt', descending: true },
  changed: { by: 'updatedAt', descending: true },
} as const;

function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list requests; those that were answered are certificates')
    .addOption(new Option('--state <state>', 'only those in this state').choices(openStates).default('pending'))
    .option('--policy <name>', 'only those to this policy')
    .option('--division <name>', 'only those to the policies of this division')
    .option('--device <name>', 'only those about this device, registered or not')
    .option('--search <text>', 'only those with this text in their subject or a subject alternative name')
    .addOption(
      new Option('--sort <order>', 'oldest first, latest first, or those that have changed last first')
        .choices(Object.keys(orders))
        .default('oldest'),
    )
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse request list\n  gatehouse request list --device pump-17\n  gatehouse request list --state rejected --json',
    )
    .action((options: ListOptions) => run((core) => list(options, core)));
}

async function list(options: ListOptions, core: Core): Promise<string> {
  const { state, policy, division, device, search, sort, limit, json } = options;
  const query = {
    scope: 'everywhere',
    state,
    ...(policy === undefined ? {} : { policy }),
    ...(division === undefined ? {} : { division }),
    ...(device === undefined ? {} : { device }),
    ...(search === undefined ? {} : { search }),
    order: orders[sort],
  } as const;
  const found: EnrollmentTransactionRecord[] = [];
  let after: TransactionPlace | undefined;
  do {
    const page = await listRequests(query, { limit: limit + 1 - found.length, ...(after ? { after } : {}) }, core);
    found.push(...page.requests);
    after = page.next;
  } while (after && found.length <= limit);
  const { shown, note } = cutListing({ found, limit, plural: 'requests' });
  printNote(note);
  const described = await Promise.all(shown.map((transaction) => requestJson(transaction, core)));
  if (json) return jsonLines(described);
  return described.length === 0 ? `no ${state} requests` : described.map(describeLine).join('\n');
}

function showCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<id>')
    .description('show a request and the trace of its decision; the id is the X-Request-Id that the client saw')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse request show 01a1fd49-0f0b-7774-8b7e-efa93fac3ef9')
    .action((id: string, options: { json?: true }) => run((core) => show(id, options, core)));
}

async function show(id: string, { json }: { readonly json?: true }, core: Core): Promise<string> {
  const transaction = await core.store.enrollmentTransactions.findByRequestId({ requestId: id });
  const events = await requestStory(id, transaction, core);
  if (!transaction && events.length === 0) throw new CommandLineError(`nothing is on record for request ${id}`);
  const described = transaction && (await requestJson(transaction, core));
  if (json) return jsonLines([{ ...(described ?? { id }), events: events.map(eventJson) }]);
  const lines = described
    ? [
        `request ${id}: ${described.state}`,
        `  ${describeLine(described)}`,
        ...described.approvals.map(describeApproval),
      ]
    : [`request ${id}`];
  return [...lines, ...events.flatMap(describeEvent)].join('\n');
}

function describeApproval({ by, at, comment }: RequestJson['approvals'][number]): string {
  return `  approved by ${by} on ${at}${comment === null ? '' : `: ${comment}`}`;
}

interface DecisionOptions {
  readonly as?: string;
  readonly comment?: string;
  readonly json?: true;
}

function approveCommand(run: RunWithCore): Command {
  return new Command('approve')
    .argument('<id>')
    .description('approve a pending request; a revocation is carried out, all else the device gets when it asks again')
    .option('--as <name>', "who approves; the operating system's user if not given")
    .option('--comment <text>', 'why, for those who look at it later')
    .addOption(jsonOption())
    .addHelpText('after', "\nExample:\n  gatehouse request approve 6f1c… --as alice --comment 'checked with the plant'")
    .action((id: string, options: DecisionOptions) =>
      run(async (core) => {
        const result = await approveRequest(id, decisionOf(options), core);
        if (result.outcome === 'revoked') {
          await core.crls.publish(result.certificate.issuerId, result.certificate.crlPartition);
        }
        return await say(id, describeApproved(result, options), options, core);
      }),
    );
}

function rejectCommand(run: RunWithCore): Command {
  return new Command('reject')
    .argument('<id>')
    .description('reject a pending request')
    .option('--as <name>', "who rejects; the operating system's user if not given")
    .option('--comment <text>', 'why; the device is told as well')
    .addOption(jsonOption())
    .addHelpText('after', "\nExample:\n  gatehouse request reject 6f1c… --comment 'not one of ours'")
    .action((id: string, options: DecisionOptions) =>
      run(async (core) => {
        await rejectRequest(id, decisionOf(options), core);
        return await say(id, 'rejected', options, core);
      }),
    );
}

function decisionOf({ as, comment }: DecisionOptions) {
  return { actor: person(as), ...(comment === undefined ? {} : { comment }) };
}

async function say(id: string, said: string, { json }: DecisionOptions, core: Core): Promise<string> {
  if (!json) return said;
  return jsonLines([await requestJson(await requireVisibleRequest(id, 'everywhere', core), core)]);
}

function describeApproved(result: ApprovalResult, { as }: DecisionOptions): string {
  switch (result.outcome) {
    case 'waiting':
      return `approved by ${person(as).name}; a second person has to approve it too`;
    case 'ready':
      return 'approved; key and certificate are made when the device asks again';
    case 'answerable':
      return 'approved; the device gets its answer when it asks again';
    case 'revoked':
      return `approved; ${describeRevoked(result)}`;
    case 'issued':
      return `approved; certificate ${result.serialNumber} is issued and waits for the device to ask again`;
  }
}
