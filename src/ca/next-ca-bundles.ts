/** Keeps each CA's next-CA bundle: anybody may ask for it, and must not be able to keep the CA's key busy. */
import type { Clock } from '../clock.js';
import { type NextCaBundle, signNextCaBundle } from './sign-next-ca-bundle.js';

export interface NextCaBundles {
  /** The bundle of these generations, DER, signed less than a day ago. @throws GatewayError of the key */
  get(bundle: Omit<NextCaBundle, 'signingTime'>): Promise<Uint8Array>;
}

export function createNextCaBundles(clock: Clock): NextCaBundles {
  // By CA, so that one that is superseded makes room for the one after.
  const kept = new Map<string, KeptBundle>();
  return {
    get(bundle) {
      const { current, next } = bundle;
      const signingTime = clock.now();
      const known = kept.get(current.ca);
      const isSame = known?.currentId === current.id && known.nextId === next.id;
      if (isSame && signingTime.getTime() < known.until) return known.der;
      const der = signNextCaBundle({ ...bundle, signingTime });
      kept.set(current.ca, {
        currentId: current.id,
        nextId: next.id,
        until: signingTime.getTime() + lifetimeMilliseconds,
        der,
      });
      // A failed attempt must not answer for later ones.
      der.catch(() => kept.delete(current.ca));
      return der;
    },
  };
}

interface KeptBundle {
  readonly currentId: string;
  readonly nextId: string;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly der: Promise<Uint8Array>;
}

const lifetimeMilliseconds = 86_400_000;
