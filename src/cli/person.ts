/** Who runs a command, for the audit log. */
import { userInfo } from 'node:os';

export function person(): string {
  return `command line (${userInfo().username})`;
}
