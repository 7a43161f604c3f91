/** HTML as data: what is put into a template is escaped, unless it is HTML itself. */

export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | readonly Part[];

/** A template tag. Absent parts are left out; lists are joined. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: literals.reduce((before, literal, index) => `${before}${text(parts[index - 1])}${literal}`) };
}

/** The little of Markdown that descriptions have: paragraphs, lists and code. */
export function fromMarkdown(markdown: string): Html {
  const blocks = markdown.trim().split(/\n\s*\n/);
  return html`${blocks.map((block) => {
    const items = block.split(/^- /m);
    if (!block.startsWith('- ')) return html`<p>${inline(block)}</p>`;
    return html`<ul>${items.slice(1).map((item) => html`<li>${inline(item)}</li>`)}</ul>`;
  })}`;
}

/** A line of Markdown. */
export function inline(markdown: string): Html {
  return html`${markdown.split('`').map((piece, index) => (index % 2 === 0 ? piece : html`<code>${piece}</code>`))}`;
}

function text(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return 'html' in part ? part.html : part.map(text).join('');
}

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities.get(character) ?? '');
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);
