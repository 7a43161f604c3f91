/** `gatehouse apply` and `gatehouse export`: the configuration as a file. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import type { Difference } from '../catalog/differences.js';
import { readDocumentFile } from '../catalog/document-file.js';
import type { Json } from '../catalog/objects.js';
import { applyDocument } from '../declaration/apply.js';
import { exportDevices, exportDocument } from '../declaration/export.js';
import { type DocumentPlan, type DocumentStep, planDocument } from '../declaration/plan.js';
import type { Core } from '../open-core.js';
import { person } from './person.js';
import { jsonLines, jsonOption } from './table.js';

/** Runs a command against the opened data directory, and prints what it returns. */
type Run<Needed extends keyof Core> = (act: (core: Pick<Core, Needed>) => Promise<string>) => Promise<void>;

type Applying = 'store' | 'sealing' | 'passcodeLookup' | 'clock' | 'holder' | 'ensureCas';

export function applyCommand(run: Run<Applying>): Command {
  return new Command('apply')
    .description('apply a configuration file; what the file does not name stays as it is')
    .requiredOption('-f, --file <file>', 'YAML file; it may name environment variables')
    .option('--dry-run', 'only show what would change')
    .addOption(jsonOption())
    .addHelpText('after', applyHelp)
    .action(({ file, dryRun, json }: { file: string; dryRun?: true; json?: true }) =>
      run(async (core) => {
        const plan = await planDocument(readDocumentFile(file, process.env), core);
        const shown = json ? planJson(plan) : describePlan(plan);
        if (dryRun) {
          return json ? shown : `${shown}\ndry run: nothing was changed`;
        }
        const actor = person();
        if (!(await applyDocument(plan, { ...core, actor }))) {
          return shown;
        }
        await core.holder.refresh();
        const made = await core.ensureCas();
        if (json) return shown;
        return [shown, ...made.map((name) => `made the key and certificate of certificate authority ${name}`)].join(
          '\n',
        );
      }),
    );
}

export function exportCommand(run: Run<'store'>): Command {
  return new Command('export')
    .description('write the present configuration as YAML that `gatehouse apply` takes back, without secrets')
    .option('--devices', 'with the devices, but for suspended and retired ones')
    .addHelpText('after', exportHelp)
    .action(({ devices }: { devices?: true }) =>
      run(async ({ store }) => {
        const text = await exportDocument(store);
        if (!devices) return text;
        await pipeline(Readable.from(withDevices(text, store)), process.stdout, { end: false });
        return '';
      }),
    );
}

const applyHelp = `
Shows each object with a sign: + created, ~ changed, = unchanged.

Examples:
  gatehouse apply -f fleet.yaml --dry-run
  gatehouse apply -f fleet.yaml --dry-run --json | jq 'select(.action != "unchanged")'
  PASSCODE=… gatehouse apply -f fleet.yaml`;

const exportHelp = `
Credentials are without their secrets; API keys and passcodes are named in comments.

Examples:
  gatehouse export > fleet.yaml
  gatehouse export --devices > fleet.yaml`;

async function* withDevices(text: string, store: Core['store']): AsyncGenerator<string> {
  yield text;
  yield* exportDevices(store);
}

const signs = { create: '+', change: '~', unchanged: '=' } as const;

/** The plan as lines of text, without secrets. */
export function describePlan({ steps }: DocumentPlan): string {
  const count = (action: DocumentStep['action']) => steps.filter((step) => step.action === action).length;
  const isIdle = steps.every(({ action }) => action === 'unchanged');
  const sum = `${count('create')} to create, ${count('change')} to change, ${count('unchanged')} unchanged`;
  return [...steps.flatMap(describeStep), isIdle ? 'nothing to do' : sum].join('\n');
}

/** One line for each step. */
function planJson({ steps }: DocumentPlan): string {
  return jsonLines(
    steps.map(({ action, kind, name, differences, note }) => ({ action, kind, name, differences, note: note ?? null })),
  );
}

function describeStep({ action, kind, name, differences, note }: DocumentStep): string[] {
  return [
    `${signs[action]} ${kind.replaceAll('-', ' ')} ${name}`,
    ...differences.map(describeDifference),
    ...(note === undefined ? [] : [`    note: ${note}`]),
  ];
}

function describeDifference({ path, from, to }: Difference): string {
  return `    ${path}: ${describeValue(from)} -> ${describeValue(to)}`;
}

function describeValue(value: Json | undefined): string {
  if (value === undefined) {
    return '(none)';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
