/** `gatehouse completion`: what the shell needs to complete commands, options and their values. */
import { Argument, Command, type Option } from 'commander';

const shells = { bash: bashScript, zsh: zshScript } as const;

/** @param program whose commands are completed */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>').choices(Object.keys(shells)))
    .description('print a script that completes commands, options and their values in bash or zsh')
    .addHelpText('after', examples)
    .action((shell: keyof typeof shells) => console.log(shells[shell](program)));
}

const examples = `
Examples:
  source <(gatehouse completion bash)
  gatehouse completion bash > /etc/bash_completion.d/gatehouse
  gatehouse completion zsh > "\${fpath[1]}/_gatehouse"`;

/** One command as the scripts see it; `path` is its words, each with a blank in front. */
interface Place {
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** What its argument may be, where that is known. */
  readonly choices: readonly string[];
  readonly takesFile: boolean;
}

function placesOf(program: Command): Place[] {
  const visit = (command: Command, path: string, inherited: readonly Option[]): Place[] => {
    const options = [...command.options, ...inherited].filter(({ hidden }) => !hidden);
    const [argument] = command.registeredArguments;
    const place = {
      path,
      commands: command.commands,
      options,
      choices: argument?.argChoices ?? [],
      takesFile: argument !== undefined && isFile(argument.name()),
    };
    // The settings stand anywhere.
    const below = path === '' ? options : inherited;
    return [place, ...command.commands.flatMap((child) => visit(child, `${path} ${child.name()}`, below))];
  };
  return visit(program, '', []);
}

function isFile(name: string): boolean {
  return name === 'file' || name === 'folder';
}

const fileSettings = new Set([
  'data',
  'database',
  'kekFile',
  'kekPassphraseFile',
  'configuration',
  'compromisedKeysFile',
]);

type Values = 'files' | readonly string[];

/** What may stand behind an option that takes a value. */
function valuesOf(option: Option): Values {
  const [, placeholder = ''] = /[<[]([^.>\]]+)/.exec(option.flags) ?? [];
  if (isFile(placeholder) || fileSettings.has(placeholder)) return 'files';
  return option.argChoices ?? [];
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function spellings({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

/** For one word of the shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Both shells walk along the words: each that names a command below the one before lengthens the path. */
function walk(places: readonly Place[], words: string, first: number, current: string): string[] {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  const valued = new Set(places.flatMap(({ options }) => options.filter((o) => o.required).flatMap(spellings)));
  return [
    `  for ((i = ${first}; i < ${current}; i++)); do`,
    `    word=\${${words}[i]}`,
    `    case "$word" in ${[...valued].join('|')}) ((i++)); continue ;; esac`,
    `    case "$place $word" in ${steps.join('|')}) place="$place $word" ;; esac`,
    '  done',
  ];
}

/** What each shell offers behind options that take a value. @param reply how it is told to */
function valueCases(places: readonly Place[], reply: (values: Values) => string): string[] {
  return places.flatMap(({ path, options }) =>
    options.filter(takesValue).flatMap((option) => {
      const values = valuesOf(option);
      // Behind an option whose value may be left out, anything else may stand as well.
      if (option.optional && values.length === 0) return [];
      const pattern = spellings(option)
        .map((flag) => quoted(`${path} ${flag}`))
        .join('|');
      return [`    ${pattern}) ${reply(values)}; return ;;`];
    }),
  );
}

function bashScript(program: Command): string {
  const places = placesOf(program);
  return [
    '# bash completion of gatehouse: source <(gatehouse completion bash)',
    '_gatehouse() {',
    `  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place="" word i`,
    ...walk(places, 'COMP_WORDS', 1, 'COMP_CWORD'),
    '  COMPREPLY=()',
    '  case "$place $previous" in',
    ...valueCases(places, bashReply),
    '  esac',
    '  local wanted=""',
    '  case "$place" in',
    ...places.flatMap(({ path, commands, options, choices, takesFile }) => {
      const flags = [...options.flatMap(spellings), '--help'].join(' ');
      const plain = [...commands.map((command) => command.name()), ...choices].join(' ');
      return [
        `    ${quoted(path)})`,
        `      if [[ $current == -* ]]; then wanted=${quoted(flags)}`,
        `      else wanted=${quoted(plain)}`,
        ...(takesFile ? ['        COMPREPLY=($(compgen -f -- "$current"))'] : []),
        '      fi ;;',
      ];
    }),
    '  esac',
    '  COMPREPLY+=($(compgen -W "$wanted" -- "$current"))',
    '}',
    'complete -o filenames -F _gatehouse gatehouse',
  ].join('\n');
}

function bashReply(values: Values): string {
  const words = values === 'files' ? 'compgen -f' : `compgen -W ${quoted(values.join(' '))}`;
  return `COMPREPLY=($(${words} -- "$current"))`;
}

function zshScript(program: Command): string {
  const places = placesOf(program);
  return [
    '#compdef gatehouse',
    '# zsh completion of gatehouse: put this file as _gatehouse into a folder of $fpath',
    '_gatehouse() {',
    `  local current=\${words[CURRENT]} previous=\${words[CURRENT-1]} place="" word i`,
    ...walk(places, 'words', 2, 'CURRENT'),
    '  local -a items',
    '  case "$place $previous" in',
    ...valueCases(places, zshReply),
    '  esac',
    '  case "$place" in',
    ...places.flatMap(({ path, commands, options, choices, takesFile }) => {
      const flags = options.flatMap((option) => spellings(option).map((flag) => described(flag, option.description)));
      const plain = [
        ...commands.map((command) => described(command.name(), command.description())),
        ...choices.map(quoted),
      ];
      return [
        `    ${quoted(path)})`,
        `      if [[ $current == -* ]]; then items=(${flags.join(' ')}); else items=(${plain.join(' ')});${takesFile ? ' _files;' : ''} fi ;;`,
      ];
    }),
    '  esac',
    `  (( \${#items} )) && _describe 'gatehouse' items`,
    '}',
    '_gatehouse "$@"',
  ].join('\n');
}

function zshReply(values: Values): string {
  return values === 'files' ? '_files' : `compadd -- ${values.map(quoted).join(' ')}`;
}

/** As _describe has it. */
function described(word: string, description: string): string {
  return quoted(`${word.replaceAll(':', '\\:')}:${description}`);
}
