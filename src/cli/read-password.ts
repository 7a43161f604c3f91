/** Passwords from standard input. */
import { passwordSchema } from '../access/password.js';
import { CommandLineError } from './command-line-error.js';

/** @throws CommandLineError for what cannot be a password */
export async function readPassword(readInput: () => Promise<string>): Promise<string> {
  const text = await readInput();
  const parsed = passwordSchema.safeParse(text.replace(/\r?\n$/, ''));
  if (parsed.success) return parsed.data;
  throw new CommandLineError(parsed.error.issues[0]?.message ?? 'this cannot be a password');
}

/** As much of it as a secret may be long. */
export async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > longestInput) break;
  }
  return text;
}

const longestInput = 300;
