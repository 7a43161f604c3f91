/** docs/configuration-reference.md, made from the schemas that check the configuration. */
import { catalogKinds, kindsInOrder } from '../../src/catalog/objects.js';
import { credentialSchema } from '../../src/model/credential.js';
import { deviceConfigSchema } from '../../src/model/device.js';
import { userConfigSchema } from '../../src/model/user.js';
import { settingDescriptions } from '../../src/settings.js';
import { type SchemaRow, schemaRows } from './schema-rows.js';

const headings = {
  division: 'Divisions',
  'device-group': 'Device groups',
  template: 'Certificate templates',
  profile: 'Certificate profiles',
  'authentication-policy': 'Authentication policies',
  'certificate-authority': 'Certificate authorities',
  policy: 'Certificate management policies',
} as const satisfies Readonly<Record<keyof typeof catalogKinds, string>>;

/** Markdown. */
export function configurationReference(): string {
  const sections = kindsInOrder.flatMap((kind) => [
    `## ${headings[kind]}`,
    `Each one in the list \`${catalogKinds[kind].list}\`.`,
    tableOf(schemaRows(catalogKinds[kind].schema, new Set(['credentials']))),
    ...(kind === 'authentication-policy' ? credentialSections() : []),
  ]);
  const others = [
    '## Users',
    'Each one in the list `users`.',
    tableOf(schemaRows(userConfigSchema)),
    '## Devices',
    'Each one in the list `devices`.',
    tableOf(schemaRows(deviceConfigSchema)),
  ];
  return `${[introduction, ...sections, ...others, '## Settings', settings()].join('\n\n')}\n`;
}

const introduction = `# Configuration reference

Every key of the YAML file that \`gatehouse apply\` takes, and every setting of the process. This page is made by \`npm run docs\` from the
schemas that check the file: change those, not this. What it all means, with examples, is in [configuration.md](configuration.md), and how
it hangs together in [concepts.md](concepts.md).

| type | written |
| --- | --- |
| name | 1 to 64 of \`A-Z a-z 0-9 . _ -\`, beginning with a letter or digit |
| duration | a whole number and a unit: \`30s\` \`10m\` \`12h\` \`90d\` \`4w\` \`2y\` |
| time | RFC 3339, such as \`2026-01-31T12:00:00Z\` |
| object identifier | with dots, such as \`1.3.6.1.5.5.7.3.2\` |
| address, network | \`192.0.2.7\`, \`192.0.2.0/24\`, \`2001:db8::/32\` |

A key without a default and not marked as required may be left out. \`list[].key\` is the key of each in the list.`;

function credentialSections(): string[] {
  return [
    'Their `credentials` are a list of these, each of one `kind`:',
    ...credentialSchema.options.flatMap((schema) => {
      const { kind } = schema.shape;
      return [`### ${[...kind.values].join()}`, tableOf(schemaRows(schema, new Set(['kind'])))];
    }),
  ];
}

function tableOf(rows: readonly SchemaRow[]): string {
  return markdownTable(
    ['key', 'type', 'default', 'meaning'],
    rows.map(({ key, type, isRequired, fallback, meaning }) => [
      `\`${key}\``,
      type,
      isRequired ? 'required' : fallback === undefined ? '' : `\`${fallback}\``,
      meaning,
    ]),
  );
}

function settings(): string {
  const text =
    'Given as an option before or after a command, as a variable of the environment, or as a key of the YAML file that `--settings` names; ' +
    'the first of these that is given holds.';
  const rows = settingDescriptions.map(({ key, flag, variable, description }) => [
    `\`${key}\``,
    `\`${flag}\``,
    `\`${variable}\``,
    description,
  ]);
  return `${text}\n\n${markdownTable(['key', 'option', 'variable', 'meaning'], rows)}`;
}

function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}
