/** Files of `NAME='value'` lines, as shells read them. */

/** Writes them; a comment stands before them. */
export function formatEnvironment(comment: string, variables: ReadonlyMap<string, string>): string {
  const lines = [...variables].map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`);
  return [`# ${comment}`, ...lines, ''].join('\n');
}

/** Reads what {@link formatEnvironment} has written; other lines are passed over. */
export function parseEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)='((?:[^']|'\\'')*)'$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      variables.set(name, value.replaceAll("'\\''", "'"));
    }
  }
  return variables;
}
