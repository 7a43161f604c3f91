/** What is wrong with a document: everything at once, each with its place. */

const maximumProblems = 50;

/** A document that cannot be applied. `problems` are sentences, each beginning with `file:line:column`. */
export class DocumentError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const shown = problems.slice(0, maximumProblems);
    const more = problems.length - shown.length;
    const all = more > 0 ? [...shown, `and ${more} more`] : shown;
    super(all.join('\n'));
    this.name = 'DocumentError';
    this.problems = all;
  }
}
