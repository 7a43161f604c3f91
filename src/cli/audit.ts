/** `gatehouse audit`: what happened, and whether the log of it is as it was written. */
import { Command, Option } from 'commander';
import type { AuditEventRecord, AuditFilter, AuditPosition, AuditSearch } from '../store/audit-repository.js';
import type { Store } from '../store/store.js';
import { parseCount, parseSequence, parseTime } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { describeEvent, eventJson } from './describe-event.js';
import { createProgress } from './progress.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table, timeText } from './table.js';
import { verifyAuditLog } from './verify-audit-log.js';

export function auditCommand(run: RunWithCore): Command {
  return new Command('audit')
    .description('the audit log: who did what, when and from where')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(verifyCommand(run));
}

interface ListOptions {
  readonly action?: string;
  readonly outcome?: string;
  readonly subject?: string;
  readonly device?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly before?: number;
  readonly limit: number;
  readonly json?: true;
}

function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list events, the latest first; those that fit every condition')
    .option('--action <action>', 'those of this action, such as certificate.issued')
    .addOption(new Option('--outcome <outcome>', 'those that ended so').choices(['success', 'refused', 'pending']))
    .option('--subject <id>', 'those about this: the id of a certificate, device, request or account')
    .option('--device <id>', 'those of the history of this device')
    .option('--actor <who>', 'those that this one has done, such as "user alice"')
    .option('--since <time>', 'those of this time or later')
    .option('--until <time>', 'those before this time')
    .option('--before <sequence>', 'those before this event: the last one of the list before', parseSequence)
    .option('--limit <number>', 'how many at most', parseCount, 100)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse audit list --outcome refused --since 2026-11-01T00:00:00Z\n  gatehouse audit list --action certificate.issued --limit 10000 --json | jq -r .subject',
    )
    .action((options: ListOptions) => run(({ store }) => list(options, store)));
}

async function list({ limit, json, ...wanted }: ListOptions, { audit }: Pick<Store, 'audit'>): Promise<string> {
  const found: AuditEventRecord[] = [];
  for await (const event of eachEvent(wanted, audit)) {
    found.push(event);
    if (found.length > limit) break;
  }
  const { shown, note } = cutListing({ found, limit, plural: 'events' });
  printNote(note);
  if (json) return jsonLines(shown.map(eventJson));
  if (shown.length === 0) return 'no events';
  return table(
    ['SEQUENCE', 'TIME', 'ACTION', 'OUTCOME', 'WHO', 'SUBJECT'],
    shown.map((event) => [
      String(event.sequence),
      timeText(event.at),
      event.action,
      event.outcome,
      actorOf(event),
      event.subject,
    ]),
  );
}

/** Those that fit, latest first. */
async function* eachEvent(
  { actor, since, until, before = Number.MAX_SAFE_INTEGER, ...columns }: Omit<ListOptions, 'limit' | 'json'>,
  audit: Store['audit'],
): AsyncGenerator<AuditEventRecord> {
  const period = {
    ...(since === undefined ? {} : { from: parseTime(since).getTime() }),
    ...(until === undefined ? {} : { to: parseTime(until).getTime() }),
  };
  const isTimed = since !== undefined || until !== undefined;
  const events = isTimed ? eachOfPeriod({ ...columns, ...period }, audit) : eachBefore({ ...columns, before }, audit);
  for await (const event of events) {
    if (event.sequence < before && (actor === undefined || actorOf(event) === actor)) yield event;
  }
}

/** In the order of the log. */
async function* eachBefore(
  filter: Omit<AuditFilter, 'limit'>,
  audit: Store['audit'],
): AsyncGenerator<AuditEventRecord> {
  let last = filter.before;
  for (;;) {
    const page = await audit.list({ ...filter, ...(last === undefined ? {} : { before: last }), limit: pageSize });
    yield* page;
    last = page.at(-1)?.sequence;
    if (page.length < pageSize) return;
  }
}

/** By time, for which there is an index. */
async function* eachOfPeriod(
  wanted: Omit<AuditSearch, 'limit' | 'window' | 'after'>,
  audit: Store['audit'],
): AsyncGenerator<AuditEventRecord> {
  let after: AuditPosition | undefined;
  do {
    const page = await audit.search({ ...wanted, ...(after ? { after } : {}), limit: pageSize, window: pageSize });
    yield* page.found;
    after = page.next;
  } while (after);
}

const pageSize = 1000;

/** People and programs that manage the gateway, or else who asked for something. */
function actorOf({ content }: Pick<AuditEventRecord, 'content'>): string {
  const { actor, requestedBy, approver, requester } = JSON.parse(content);
  return String(actor ?? requestedBy ?? approver ?? requester?.id ?? requester ?? '');
}

function showCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<event>', 'its sequence number, or its id: the X-Request-Id that a client saw')
    .description('show an event with all its details, and the trace of a decision')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  gatehouse audit show 4711\n  gatehouse audit show 01a1fd49-… --json')
    .action((name: string, { json }: { json?: true }) =>
      run(async ({ store }) => {
        const event = await findEvent(name, store);
        return json ? jsonLines([eventJson(event)]) : describeEvent(event).slice(1).join('\n');
      }),
    );
}

async function findEvent(name: string, { audit }: Pick<Store, 'audit'>): Promise<AuditEventRecord> {
  const isNumber = /^[1-9]\d{0,14}$/.test(name);
  const [found] = isNumber ? await audit.list({ before: Number(name) + 1, limit: 1 }) : [];
  const event = isNumber ? found : await audit.findById({ id: name });
  if (event && (!isNumber || event.sequence === Number(name))) return event;
  throw new CommandLineError(`the audit log has no event ${name}`);
}

function verifyCommand(run: RunWithCore): Command {
  return new Command('verify')
    .description('compute the hash chain of the audit log anew, and name the first event that does not fit')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nEvents cut off at the end do not show: note the last sequence and hash elsewhere, and compare.\n\nExample:\n  gatehouse audit verify',
    )
    .action(({ json }: { json?: true }) =>
      run(async ({ store }) => {
        const { verified, last } = await verifyAuditLog(store, createProgress());
        if (json) return jsonLines([{ verified, last: last ?? null }]);
        const end = last ? `; the last is ${last.sequence} with hash ${last.hash}` : '';
        return `the chain of all ${verified} events is intact${end}`;
      }),
    );
}
