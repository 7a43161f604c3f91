/** `gatehouse init`: a data directory, and a configuration file to begin with. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { Settings } from '../settings.js';
import { CommandLineError } from './command-line-error.js';
import { columns, jsonLines, jsonOption } from './table.js';

/** Each with what it is for, and its file below config. */
export const templates = {
  minimal: { about: 'the smallest fleet that works: a passcode, one policy', file: 'examples/minimal.yaml' },
  quickstart: { about: 'what a first start applies by itself: something of everything', file: 'quickstart.yaml' },
  'one-time-passcodes': { about: 'servers, each with its own passcode', file: 'examples/one-time-passcodes.yaml' },
  'factory-bootstrap': {
    about: "devices that come with their manufacturer's certificate",
    file: 'examples/factory-bootstrap.yaml',
  },
  'acme-servers': { about: 'servers that prove their names over ACME', file: 'examples/acme-servers.yaml' },
  'acme-fleet': { about: 'gateways that enroll over ACME with a key each', file: 'examples/acme-fleet.yaml' },
  'acme-tpm': { about: 'devices that attest themselves with a TPM', file: 'examples/acme-tpm.yaml' },
} as const satisfies Readonly<Record<string, { about: string; file: string }>>;
type Template = keyof typeof templates;

const templateNames = Object.keys(templates) as readonly Template[];

/** Beside `dist` or `.build`, where this file is compiled to. */
const configFolder = new URL('../../../config/', import.meta.url);

interface InitOptions {
  readonly template?: Template;
  readonly json?: true;
}

/** @param choose asks which template; absent where nobody is there to be asked */
export function initCommand(settings: () => Settings, choose = process.stdin.isTTY ? askTemplate : undefined): Command {
  return new Command('init')
    .argument('[file]', 'the configuration file to write', 'fleet.yaml')
    .description('make a data directory and a commented configuration file to begin with; overwrites nothing')
    .addOption(
      new Option('--template <name>', 'what to begin with (minimal, where nobody can be asked)').choices(templateNames),
    )
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(async (file: string, { template, json }: InitOptions) => {
      const target = resolve(file);
      refuseToOverwrite(target);
      const chosen = template ?? (await choose?.()) ?? 'minimal';
      const { data, database } = settings();
      await initialize(target, chosen, data);
      const lines = existsSync(database) ? [describe(target, chosen, data), inUse] : [describe(target, chosen, data)];
      console.log(json ? jsonLines([{ template: chosen, file: target, data }]) : lines.join('\n'));
    });
}

/** A template is a whole fleet, with a default policy of its own. */
const inUse =
  'that directory has a database already, to which this would be added: for a gateway of its own give all commands --data with a new folder';

const help = `
Templates:
${templateNames.map((name) => `  ${name.padEnd(20)}${templates[name].about}`).join('\n')}

Examples:
  gatehouse init
  gatehouse init --template factory-bootstrap --data /var/lib/gatehouse /etc/gatehouse/fleet.yaml`;

/** On the terminal; an empty line takes the first. */
async function askTemplate(): Promise<Template> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (;;) {
      const list = templateNames.map((name) => `  ${name.padEnd(20)}${templates[name].about}`).join('\n');
      const answer = (await terminal.question(`${list}\nbegin with which of these? [minimal] `)).trim();
      const found = templateNames.find((name) => name === (answer === '' ? 'minimal' : answer));
      if (found) return found;
    }
  } finally {
    terminal.close();
  }
}

function refuseToOverwrite(file: string): void {
  if (existsSync(file))
    throw new CommandLineError(`${file} exists, and init overwrites nothing: name another file, or edit this one`);
  if (!existsSync(dirname(file))) throw new CommandLineError(`there is no folder ${dirname(file)}: make it first`);
}

async function initialize(file: string, template: Template, data: string): Promise<void> {
  const text = await readFile(new URL(templates[template].file, configFolder), 'utf8').catch((cause) => {
    throw new CommandLineError(`the template cannot be read: ${fileURLToPath(configFolder)} is incomplete`, { cause });
  });
  // wx: also not what somebody else has written in this moment.
  await writeFile(file, text, { flag: 'wx' });
  if (existsSync(data)) return;
  await mkdir(data, { recursive: true, mode: 0o700 });
  await chmod(data, 0o700);
}

function describe(file: string, template: Template, data: string): string {
  const short = relative(process.cwd(), file);
  const shown = short.startsWith('..') ? file : short;
  return [
    `wrote ${shown} (template ${template}); the data directory is ${data}`,
    `next: edit ${shown}; it says which environment variables it needs`,
    columns([
      [`      gatehouse apply -f ${shown} --dry-run`, 'shows what it would do'],
      [`      gatehouse apply -f ${shown}`, 'does it'],
      ['      gatehouse serve', 'starts the gateway'],
    ]),
  ].join('\n');
}
