/** Common names of the gateway's own certificates. */
import { hash } from 'node:crypto';

/** Within 64 characters (RFC 5280 appendix A.1: ub-common-name), and still another one for each text. */
export function commonName(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 47)} ${hash('sha256', text, 'hex').slice(0, 16)}`;
}
