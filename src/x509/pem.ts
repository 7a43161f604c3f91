/** PEM (RFC 7468). */

/** Writes one block, lines of 64 characters, a line end after the last. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/**
 * Reads all blocks, or those of one label, in their order; text between blocks is passed over.
 * @throws SyntaxError for a block that does not end, ends under another label, or is no base64
 */
export function fromPem(text: string, label?: string): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let block: { readonly label: string; base64: string } | undefined;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const boundary = boundaryForm.exec(line.trim());
    if (boundary === null) {
      if (block !== undefined) block.base64 += line.replace(/[ \t]/g, '');
      continue;
    }
    const [, kind, name = ''] = boundary;
    const isExpected = kind === 'BEGIN' ? block === undefined : block?.label === name;
    if (!isExpected) throw new SyntaxError(`unexpected '${kind} ${name}' in PEM`);
    if (block === undefined) {
      block = { label: name, base64: '' };
      continue;
    }
    if (label === undefined || label === name) blocks.push(decodeBase64(block.base64, name));
    block = undefined;
  }
  if (block !== undefined) throw new SyntaxError(`PEM block ${block.label} without end`);
  return blocks;
}

/** Reads the one block of these labels that there must be. @throws SyntaxError as {@link fromPem} does, and for none or several */
export function onePemBlock(text: string, ...labels: readonly [string, ...string[]]): Uint8Array {
  const [block, second] = labels.flatMap((label) => fromPem(text, label));
  if (block === undefined || second !== undefined) throw new SyntaxError(`not one PEM block ${labels[0]}`);
  return block;
}

// The X.509 labels that old tools write with "NEW" or "X509" are labels of their own: ask without a label for those.
const boundaryForm = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #_-]{0,63})-----$/;

function decodeBase64(base64: string, label: string): Uint8Array {
  // Buffer.from would pass over what is no base64.
  if (base64.length % 4 > 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new SyntaxError(`no base64 in PEM block ${label}`);
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
