/** Work of which only so much is done at once. Those who have much of it done wait for one another, not others for them. */

/** @param count how many work at once; as many of one client may wait */
export function createSlots(count: number) {
  /** Who waits, by client; the client whose turn it is comes first. */
  const queues = new Map<string, (() => void)[]>();
  let working = 0;

  /** Of the client whose turn it is, who then comes last. */
  function takeNext(): (() => void) | undefined {
    for (const [client, queue] of queues) {
      const next = queue.shift();
      queues.delete(client);
      if (queue.length > 0) queues.set(client, queue);
      return next;
    }
    return undefined;
  }

  return {
    /** Whether so many of a client wait that no more should come. */
    isBusy: (client: string) => (queues.get(client)?.length ?? 0) >= count,

    async run<Result>(client: string, work: () => Promise<Result>): Promise<Result> {
      if (working < count) working += 1;
      else {
        await new Promise<void>((resolve) => {
          const queue = queues.get(client) ?? [];
          queue.push(resolve);
          queues.set(client, queue);
        });
      }
      try {
        return await work();
      } finally {
        // Who waits takes the place over.
        const next = takeNext();
        if (next === undefined) working -= 1;
        else next();
      }
    },
  };
}
