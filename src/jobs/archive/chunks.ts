/** Joins small pieces, so that what comes after has few large ones to do with. */

/** Yields pieces of at least `size` octets, but for the last; nothing that is empty. */
export async function* inChunks(
  pieces: AsyncIterable<Uint8Array>,
  size = 64 * 1024,
): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < size) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}
