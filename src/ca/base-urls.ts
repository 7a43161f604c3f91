/**
 * Where certificates say that their CRLs are is frozen into them, while `publicHttpUrl` may change. So each generation keeps what it
 * has put into certificates, and its CRLs name all of that: RFC 5280 5.2.5 wants the name of each certificate in them.
 */
import type { Store } from '../store/store.js';
import type { Generations, SigningGeneration } from './generations.js';
import { isCode } from './next-crl.js';

interface BaseUrlOptions {
  readonly store: Pick<Store, 'commit' | 'caGenerations'>;
  readonly generations: Generations;
}

/** Writes down where the generation's next certificate will say that its CRL is, before it does. @throws GatewayError */
export async function recordBaseUrl({ id }: SigningGeneration, { store, generations }: BaseUrlOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const generation = generations.find(id);
    if (generation === undefined || generation.baseUrls.includes(generation.baseUrl)) return;
    const { baseUrls, baseUrl } = generation;
    const from = baseUrls.length === 0 ? '' : JSON.stringify(baseUrls);
    const to = JSON.stringify([...baseUrls, baseUrl]);
    try {
      await store.commit({ statements: [store.caGenerations.setBaseUrls({ id, from, to })], audit: [] });
    } catch (error) {
      // Another process has added one of its own.
      if (!isCode(error, 'invalid-state') || attempt === maximumAttempts) throw error;
    }
    await generations.reload();
  }
}

/** The same for all that have written down nothing yet, and for those that issue. @throws GatewayError */
export async function recordBaseUrls(options: BaseUrlOptions): Promise<void> {
  for (const generation of options.generations.all()) {
    if (generation.state !== 'previous' || generation.baseUrls.length === 0) await recordBaseUrl(generation, options);
  }
}

const maximumAttempts = 4;
