/** `gatehouse ca publish`, and what `gatehouse ca show` says of CRLs. */
import { Command } from 'commander';
import { type CrlSummary, publishCrls } from '../authorities/crls.js';
import { countOf } from './amount.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

export function publishCommand(run: RunWithCore): Command {
  return new Command('publish')
    .argument('[name]', 'of a CA; all, if none is given')
    .description('publish new CRLs and deltas now, of all generations whose keys are in the gateway')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  gatehouse ca publish\n  gatehouse ca publish quickstart-ec --json')
    .action((ca: string | undefined, { json }: { readonly json?: true }) =>
      run(async (core) => {
        const { crls, skipped } = await publishCrls({ ca, actor: person() }, core);
        if (json) return jsonLines([...crls, ...skipped]);
        return [...crls.map(sentenceOf), ...skipped.map(({ reason }) => reason)].join('\n');
      }),
    );
}

/** A line for each of a few; of many CRLs their number, and which ends first. */
export function crlLines(crls: readonly CrlSummary[]): readonly string[] {
  const ids = [...new Set(crls.map(({ generation }) => generation))];
  return ids.flatMap((id) => {
    const own = crls.filter(({ generation }) => generation === id);
    if (own.length <= mostLines) return own.map(sentenceOf);
    const full = own.filter(({ kind }) => kind === 'full');
    const entries = full.reduce((sum, crl) => sum + crl.entries, 0);
    const ends = Math.min(...full.map(({ nextUpdate }) => nextUpdate.getTime()));
    const total = `${countOf(full.length, 'CRL')} with ${entries} of its certificates`;
    return [`${id}: ${total}, nextUpdate of the first ${new Date(ends).toISOString()}`];
  });
}

const mostLines = 10;

function sentenceOf({ generation, partition, kind, number, entries, nextUpdate }: CrlSummary): string {
  const which = `${kind === 'delta' ? 'delta' : 'CRL'} ${partition}`;
  return `${generation}: ${which}, number ${number}, entries ${entries}, nextUpdate ${nextUpdate.toISOString()}`;
}
