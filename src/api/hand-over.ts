/** Sends what can be had once, and finds out whether the client has it. */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Sends a body as the last thing on its connection; the headers must not have been sent yet. True once the client has closed
 * its side in good order, after all of it was sent. That the operating system has taken the last octet says nothing: megabytes
 * of it may still be on their way when the client goes, whose system then resets the connection.
 * @throws Error where the body or the connection breaks while it is sent
 */
export async function handOver(body: Readable, response: ServerResponse): Promise<boolean> {
  const { socket } = response;
  response.setHeader('Connection', 'close');
  if (socket === null) {
    body.destroy();
    return false;
  }
  // Otherwise the server closes both sides at once, and hears no more of the client.
  socket.destroySoon = () => socket.end();
  const isClosedInOrder = new Promise<boolean>((resolve) => {
    socket.once('end', () => resolve(response.writableFinished));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  await pipeline(body, response);
  const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
  try {
    return await isClosedInOrder;
  } finally {
    clearTimeout(timer);
  }
}

/** How long the client may take for what is under way. */
const lingerMilliseconds = 60_000;
