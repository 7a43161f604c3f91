/** What standard input has, for secrets that are in no argument list. */

/** The first line, without its end. It is not read further than any secret may be long. */
export async function readLine(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > longest || text.includes('\n')) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? '';
}

const longest = 1024;
