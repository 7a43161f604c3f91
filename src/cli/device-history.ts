/** `gatehouse device history`: all that has happened to a device. */
import { Command } from 'commander';
import type { Core } from '../open-core.js';
import { parseCount } from './arguments.js';
import { describeEvent, eventJson } from './describe-event.js';
import { findDevice } from './find-device.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote } from './table.js';

interface HistoryOptions {
  readonly division?: string;
  readonly limit: number;
  readonly json?: true;
}

export function deviceHistoryCommand(run: RunWithCore): Command {
  return new Command('history')
    .argument('<name>')
    .description(
      'show what has happened to a device and its certificates, latest first: enrollments, refusals, moves …',
    )
    .option('--division <name>', 'its division; needed where two have a device of this name')
    .option('--limit <number>', 'how many events at most', parseCount, 100)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse device history pump-17\n  gatehouse device history pump-17 --json | jq -r .action',
    )
    .action((name: string, options: HistoryOptions) => run((core) => history(name, options, core)));
}

async function history(name: string, { division, limit, json }: HistoryOptions, core: Core): Promise<string> {
  const { id } = await findDevice(name, division, core);
  const found = await core.store.audit.list({ device: id, limit: limit + 1 });
  const { shown, note } = cutListing({ found, limit, plural: 'events' });
  printNote(note);
  if (json) return jsonLines(shown.map(eventJson));
  return shown.flatMap(describeEvent).join('\n').trimStart();
}
