/** What earlier generations of a CA have issued is replaced, where the activation of the present one wanted that. */
import { randomUUID } from 'node:crypto';
import { planReplacement } from '../enrollment/plan-replacement.js';
import { underLease } from '../store/under-lease.js';
import { gatewayItself } from './activate.js';
import type { AuthorityServices } from './services.js';

/** Plans it, unless another node does; what an end of the process has interrupted is planned from the beginning. */
export async function planReplacements(services: AuthorityServices): Promise<void> {
  const { generations } = services;
  if (!generations.all().some(isWanted)) return;
  await underLease(lease, services, async () => {
    await generations.reload();
    for (const { id, ca, replaceBy } of generations.all().filter(isWanted)) {
      if (replaceBy !== undefined) await planOne({ id, ca, by: replaceBy }, services);
    }
    await generations.reload();
  });
}

const lease = { name: 'replacements for a new CA generation', holder: randomUUID(), milliseconds: 120_000 };

function isWanted({ state, replaceBy }: { readonly state: string; readonly replaceBy: Date | undefined }): boolean {
  return state === 'current' && replaceBy !== undefined;
}

async function planOne(
  { id, ca, by }: { readonly id: string; readonly ca: string; readonly by: Date },
  services: AuthorityServices,
): Promise<void> {
  const { generations, store } = services;
  for (const earlier of generations.all()) {
    if (earlier.ca !== ca || earlier.state !== 'previous') continue;
    await planReplacement({ by, selection: { issuerId: earlier.id }, actor: gatewayItself }, services);
  }
  const settled = store.caGenerations.settleReplacement({ id, replaceBy: by.getTime() });
  await store.commit({ statements: [settled], audit: [] });
}
