/** IP addresses between text and octets (RFC 5280 4.2.1.6: 4 or 16 octets in network order). */

import { isIPv4, isIPv6 } from 'node:net';

/** Parses an IPv4 or IPv6 address; undefined for anything else, zones (`%eth0`) and prefixes (`/24`) included. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = text.includes('.') ? text.lastIndexOf(':') + 1 : text.length;
  const tail = text.slice(dotted);
  const embedded = tail === '' ? [] : tail.split('.').map(Number);
  // Without the dotted tail a single colon may be left at the end, which belongs to no group.
  const [head = '', rest] = text.slice(0, dotted).split('::');
  const before = groups(head);
  const after = [...groups(rest ?? ''), ...embedded];
  const zeros = new Array<number>(16 - before.length - after.length).fill(0);
  return Uint8Array.from([...before, ...zeros, ...after]);
}

/** Formats 4 or 16 octets canonically (IPv6: RFC 5952, mapped IPv4 in dotted form). @throws RangeError for another length */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) throw new RangeError(`IP address of ${octets.length} octets`);
  if (isMapped(octets)) return `::ffff:${octets.subarray(12).join('.')}`;
  const words = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0));
  const { start, length } = longestZeroRun(words);
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(':');
  // RFC 5952 4.2.2: a single zero field is not shortened.
  return length < 2 ? text(words) : `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}

function groups(text: string): number[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

function isMapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;
}

function longestZeroRun(words: number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== 0) start = i + 1;
    else if (i + 1 - start > longest.length) longest = { start, length: i + 1 - start };
  }
  return longest;
}
