/**
 * Lines of a CSV file (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe in front, and so does
 * one that has such apostrophes already: {@link readCell} takes one away, so that each cell comes back as it was.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => quoted(formula.test(cell) ? `'${cell}` : cell)).join(',')}\r\n`;
}

/** What a cell of a CSV file stands for. */
export function readCell(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

/** How formulas begin, also in full width; blanks before them may be skipped. */
const formula = /^'*(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/;

function quoted(cell: string): string {
  return needsQuotes.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

const needsQuotes = /[",\r\n]/;
