/** Computes the hash chain of the audit log anew. */
import type { Store } from '../store/store.js';
import { CommandLineError } from './command-line-error.js';
import type { Progress } from './progress.js';

interface VerifiedLog {
  /** How many events there are. */
  readonly verified: number;
  /** To be noted elsewhere; hash in hex. */
  readonly last?: { readonly sequence: number; readonly hash: string };
}

/** So many events are read at once. */
const pageSize = 10_000;

/** @throws CommandLineError naming the first event that does not fit */
export async function verifyAuditLog({ audit }: Pick<Store, 'audit'>, progress: Progress): Promise<VerifiedLog> {
  let verified = 0;
  try {
    for (let from: number | undefined = 1; from !== undefined; ) {
      const page = await audit.verifyChain({ from, limit: pageSize });
      if (!page.intact) throw new CommandLineError(`the audit log was changed: event ${page.sequence} does not fit`);
      verified += page.checked;
      from = page.next;
      progress.show(`${verified} events`);
    }
  } finally {
    progress.end();
  }
  const [last] = await audit.list({ limit: 1 });
  if (last === undefined) return { verified };
  return { verified, last: { sequence: last.sequence, hash: Buffer.from(last.hash).toString('hex') } };
}
