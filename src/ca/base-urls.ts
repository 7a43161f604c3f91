/**
 * Where certificates say that their CRLs are is frozen into them, while `publicHttpUrl` and a CA's `locations` may change. So each
 * generation keeps what it has put into certificates, and its CRLs name all of that: RFC 5280 5.2.5 wants the name of each certificate
 * in them.
 */
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import type { Generations, SigningGeneration } from './generations.js';
import { locationsOf } from './locations.js';
import { isCode } from './next-crl.js';

interface BaseUrlOptions {
  readonly store: Pick<Store, 'commit' | 'caGenerations' | 'crls'>;
  readonly generations: Generations;
  readonly configs: ReadonlyMap<string, CertificateAuthorityConfig>;
}

/** Writes down where the generation's next certificate will say that its CRL is, before it does. @throws GatewayError */
export async function recordBaseUrl({ id }: SigningGeneration, options: BaseUrlOptions): Promise<void> {
  const { store, generations, configs } = options;
  for (let attempt = 1; ; attempt++) {
    const generation = generations.find(id);
    if (generation === undefined) return;
    const { baseUrls } = generation;
    const missing = locationsOf(generation, configs.get(generation.ca)).baseUrls.filter(
      (baseUrl) => !baseUrls.includes(baseUrl),
    );
    if (missing.length === 0) return;
    const from = baseUrls.length === 0 ? '' : JSON.stringify(baseUrls);
    const to = JSON.stringify([...baseUrls, ...missing]);
    const statements = [store.caGenerations.setBaseUrls({ id, from, to }), ...(await renewals(generation, store))];
    try {
      await store.commit({ statements, audit: [] });
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

/** CRLs that name where they are are due at once: what is issued from now on has another name for them. */
async function renewals({ id, online }: SigningGeneration, { crls }: BaseUrlOptions['store']): Promise<Statement[]> {
  if (!online) return [];
  const headers = await crls.headers({});
  return headers
    .filter(({ issuerId, scope }) => issuerId === id && scope !== null)
    .map(({ issuerId, partition }) => crls.markChanged({ issuerId, partition, at: 0 }));
}

const maximumAttempts = 4;
