/** Reads YAML 1.2 strictly and within bounds, fills in `${NAME}`, and remembers where everything stands. */
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import type { Path } from './objects.js';
import { DocumentError } from './problem.js';

export interface YamlText {
  /** What the text says, as plain values. */
  readonly value: unknown;
  /** `file:line:column` of what stands at the path or, where that is absent, of the nearest thing around it. */
  position(path: Path): string;
  /** The same of a map's key. */
  keyPosition(path: Path, key: string): string;
}

interface YamlSource {
  /** Shown in problems. */
  readonly file: string;
  readonly text: string;
  /** What `${NAME}` in a value stands for; `$${` is a literal `${`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws DocumentError for what is not YAML, too large or too deep, has a key twice, or names a variable that is not set */
export function readYaml({ file, text, environment }: YamlSource): YamlText {
  if (text.length > maximumCharacters) {
    throw new DocumentError([`${file}:1:1 the file is larger than ${maximumCharacters} characters`]);
  }
  const excess = excessOf(text);
  if (excess !== undefined) {
    throw new DocumentError([`${file}:1:1 ${excess}`]);
  }
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const document = parse(text, lines);
  const faults = [...document.errors, ...document.warnings].map((fault) => `${at(fault.pos[0])} ${fault.message}`);
  if (faults.length > 0) {
    throw new DocumentError(faults);
  }
  const unset = fillIn(document, environment, at);
  if (unset.length > 0) {
    throw new DocumentError(unset);
  }
  const targetOf = aliasTargets(document);
  return {
    value: plainValue(document, file),
    position: (path) => at(offsetOf(nearest(document, path, targetOf))),
    keyPosition: (path, key) => {
      const map = nearest(document, path, targetOf);
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
      return at(offsetOf(isNode(pair?.key) ? pair.key : map));
    },
  };
}

function parse(text: string, lineCounter: LineCounter): Document {
  return parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
    lineCounter,
  });
}

/**
 * Composing descends once for each level of nesting, and what happens when it runs out of stack cannot be relied on; it also
 * holds each key of a map against all before it. Tokenizing does neither.
 */
function excessOf(text: string): string | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme)) {
      // Only the depth is of interest.
    }
    if (parser.stack.length > maximumDepth) {
      return 'lists and maps are nested too deeply';
    }
    const top = parser.stack.at(-1);
    const isMapToken = top?.type === 'block-map' || (top?.type === 'flow-collection' && top.start.source === '{');
    if (isMapToken && top.items.length > maximumKeys) {
      return `a map has more than ${maximumKeys} keys`;
    }
  }
  return undefined;
}

function fillIn(document: Document, environment: YamlSource['environment'], at: (offset: number) => string): string[] {
  const problems: string[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) {
        return;
      }
      // Replaced after parsing, so that a variable's text can never become structure.
      node.value = node.value.replace(variable, (match: string, name: string | undefined) => {
        if (match === '$${') {
          return '${';
        }
        const value = name === undefined ? undefined : environment[name];
        if (value === undefined || value === '') {
          problems.push(`${at(offsetOf(node))} ${name === undefined ? noVariable : `the variable ${name} is not set`}`);
        }
        return value ?? match;
      });
    },
  });
  return problems;
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: maximumAliases });
  } catch (cause) {
    if (cause instanceof ReferenceError || cause instanceof RangeError) {
      throw new DocumentError([`${file}:1:1 aliases (*name) repeat too much of the file`]);
    }
    throw cause;
  }
}

type AliasTarget = (alias: Alias) => Node | undefined;

/** Each is looked for once: that goes through the whole document, and there may be a problem with every line of what it names. */
function aliasTargets(document: Document): AliasTarget {
  const known = new Map<Alias, Node | undefined>();
  return (alias) => {
    if (!known.has(alias)) known.set(alias, alias.resolve(document));
    return known.get(alias);
  };
}

function nearest(document: Document, path: Path, targetOf: AliasTarget): Node | null {
  let node: Node | null = document.contents;
  for (const step of path) {
    const next: unknown = isCollection(node) ? node.get(step, true) : undefined;
    const target: unknown = isAlias(next) ? targetOf(next) : next;
    if (!isNode(target)) {
      return node;
    }
    node = target;
  }
  return node;
}

function offsetOf(node: Node | Scalar | null): number {
  return node?.range?.[0] ?? 0;
}

const variable = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g;
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is about these characters
const noVariable = 'after "${" a variable name and "}" must follow; write "$${" for the characters themselves';
const maximumCharacters = 2_000_000;
const maximumAliases = 100;
const maximumDepth = 100;
const maximumKeys = 1000;
