/** Gives each certificate its place on a CRL: one is filled up before the next is begun, so that none grows without bound. */
import type { Clock } from '../clock.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import type { Generations, SigningGeneration } from './generations.js';
import { isCode } from './next-crl.js';

export interface CrlPartitions {
  /**
   * The partition of the generation's next certificate, where `maximum` certificates have room.
   * @throws GatewayError 'unavailable'
   */
  take(generation: SigningGeneration, maximum: number): Promise<number>;
  /** The one that a certificate would get now. */
  current(generationId: string): number;
}

interface CrlPartitionsOptions {
  readonly store: Pick<Store, 'commit' | 'caGenerations' | 'crls' | 'crlPartitions'>;
  readonly generations: Generations;
  readonly clock: Clock;
}

export function createCrlPartitions(options: CrlPartitionsOptions): CrlPartitions {
  const places = new Map<string, Places>();
  const taking = new Map<string, Promise<void>>();

  function takeMore(generation: SigningGeneration, maximum: number): Promise<void> {
    const shared = taking.get(generation.id);
    if (shared !== undefined) return shared;
    const wanted = Math.min((places.get(generation.id)?.taken ?? 0) * 2 || 1, mostAtOnce);
    const turn = takePlaces(generation, { maximum, wanted }, options)
      .then((taken) => void places.set(generation.id, taken))
      .finally(() => taking.delete(generation.id));
    taking.set(generation.id, turn);
    return turn;
  }

  return {
    async take(generation, maximum) {
      for (;;) {
        const open = places.get(generation.id);
        if (open !== undefined && open.left > 0) {
          open.left--;
          return open.partition;
        }
        await takeMore(generation, maximum);
      }
    },

    current: (generationId) => places.get(generationId)?.partition ?? 0,
  };
}

/** Places that this process has taken beforehand, twice as many each time; those that it does not use are lost. */
interface Places {
  readonly partition: number;
  readonly taken: number;
  left: number;
}

const mostAtOnce = 256;
const maximumAttempts = 8;

async function takePlaces(
  generation: SigningGeneration,
  { maximum, wanted }: { readonly maximum: number; readonly wanted: number },
  options: CrlPartitionsOptions,
): Promise<Places> {
  const { store, clock } = options;
  const { id: issuerId } = generation;
  for (let attempt = 1; ; attempt++) {
    const last = (await store.crlPartitions.last({ issuerId })) ?? { partition: 0, issued: 0 };
    const isFull = last.issued >= maximum;
    const partition = isFull ? last.partition + 1 : last.partition;
    const before = isFull ? 0 : last.issued;
    const taken = Math.min(wanted, maximum - before);
    const openedAt = clock.now().getTime();
    const statements: Statement[] = [
      store.crlPartitions.take({ issuerId, partition, openedAt, issued: taken, before }),
    ];
    // Its CRL is due at once: the first certificate says where it is.
    if (isFull) statements.push(store.crls.markChanged({ issuerId, partition, at: 0 }));
    try {
      await store.commit({ statements, audit: [] });
      return { partition, taken, left: taken };
    } catch (error) {
      const now = await store.crlPartitions.last({ issuerId });
      const isOvertaken = now !== undefined && (now.partition !== last.partition || now.issued !== last.issued);
      if (!isCode(error, 'unavailable') || !isOvertaken || attempt === maximumAttempts) throw error;
    }
  }
}
