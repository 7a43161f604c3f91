/** The contents of OBJECT IDENTIFIER (X.690 8.19): bytes to dotted text and back. */

/** Decodes the content octets to dotted text; undefined when they are empty, too long, truncated or not minimal. */
export function decodeOidContent(content: Uint8Array): string | undefined {
  const last = content[content.length - 1];
  if (last === undefined || last >= 0x80 || content.length > maximumOctets) return undefined;
  let text = '';
  let arc: number | bigint = 0;
  let atStart = true;
  for (const octet of content) {
    if (atStart && octet === 0x80) return undefined;
    // UUID arcs (2.25.x, ITU-T X.667) have 128 bits: past what a double holds, the sum goes on as a bigint.
    if (typeof arc === 'number' && arc >= largestNumberArc) arc = BigInt(arc);
    arc = typeof arc === 'bigint' ? arc * 128n + BigInt(octet & 0x7f) : arc * 128 + (octet & 0x7f);
    atStart = octet < 0x80;
    if (!atStart) continue;
    text = text === '' ? firstArcs(arc) : `${text}.${arc}`;
    arc = 0;
  }
  return text;
}

/** Encodes dotted text to content octets; undefined when it is no OID of at least two arcs. */
export function encodeOidContent(dotted: string): Uint8Array | undefined {
  if (dotted.length > 4 * maximumOctets || !dottedForm.test(dotted)) return undefined;
  const [top = '', second = '', ...rest] = dotted.split('.');
  if (top !== '2' && (second.length > 2 || Number(second) > 39)) return undefined;
  const octets: number[] = [];
  pushArc(octets, BigInt(top) * 40n + BigInt(second));
  for (const arc of rest) pushArc(octets, BigInt(arc));
  return octets.length > maximumOctets ? undefined : Uint8Array.from(octets);
}

// The longest OIDs in use (certificate template ids, UUID arcs) take some 30 octets.
const maximumOctets = 64;
const largestNumberArc = 2 ** 45;
const dottedForm = /^[012](\.(0|[1-9][0-9]*))+$/;

function firstArcs(value: number | bigint): string {
  if (value < 40) return `0.${value}`;
  if (value < 80) return `1.${BigInt(value) - 40n}`;
  return `2.${BigInt(value) - 80n}`;
}

function pushArc(octets: number[], arc: bigint): void {
  const septets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) septets.unshift(Number(rest & 0x7fn) | 0x80);
  octets.push(...septets);
}
