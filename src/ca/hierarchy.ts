/** Makes the generations of the configured CAs that are not there yet: each CA's first, and the next where it is staged. */
import { recordBaseUrls } from './base-urls.js';
import { ensureCrossCertificates } from './cross-certificates.js';
import type { Generations } from './generations.js';
import { type HierarchyOptions, makeGeneration } from './make-generation.js';
import {
  type ExistingPathLengths,
  type PlannedGeneration,
  planHierarchy,
  planNextGenerations,
} from './plan-hierarchy.js';

/**
 * Makes the first generation of every CA that has none, roots first, and then the next of every CA that is to announce
 * one and has not got it; returns the names of the CAs for which it made something, a next generation as "name (next
 * generation)". What exists is left as it is. Can be interrupted anywhere and run again, by several processes at once.
 * @throws HierarchyError before it makes any of the first generations, or of the next ones; GatewayError of the store or
 * a key
 */
export async function ensureHierarchy(options: HierarchyOptions): Promise<readonly string[]> {
  const { configs, generations } = options;
  const made: string[] = [];
  await generations.reload();
  for (const planned of planHierarchy(configs, existingPathLengths(generations))) {
    if (await makeGeneration({ ...planned, number: 1, state: 'current' }, options)) made.push(planned.config.name);
    await generations.reload();
  }
  const staging = [...configs.values()].filter(
    ({ name, stageNextGeneration }) => stageNextGeneration && lacksNext(name, generations),
  );
  for (const planned of planNextGenerations(staging, existingPathLengths(generations))) {
    if (await stageNext(planned, options)) made.push(`${planned.config.name} (next generation)`);
    await generations.reload();
  }
  await recordBaseUrls(options);
  await ensureCrossCertificates(options);
  return made;
}

/** Whether it was made here; otherwise another process did so meanwhile. */
async function stageNext(planned: PlannedGeneration, options: HierarchyOptions): Promise<boolean> {
  const { generations } = options;
  const { name } = planned.config;
  // Asked again, because the others were reloaded since: the number must come from the same view as the lack, so that
  // the database lets only one of several processes have it.
  const current = generations.findCurrent(name);
  if (current === undefined || !lacksNext(name, generations)) return false;
  // The name that certificates under both generations have as their issuer, whatever is configured now.
  const { subject } = current.certificate;
  const number = Math.max(...generationsOf(name, generations).map((generation) => generation.number)) + 1;
  return await makeGeneration({ ...planned, subject, number, state: 'next' }, options);
}

function lacksNext(ca: string, generations: Generations): boolean {
  return generations.findCurrent(ca) !== undefined && generations.findNext(ca) === undefined;
}

function generationsOf(ca: string, generations: Generations) {
  return generations.all().filter((generation) => generation.ca === ca);
}

function existingPathLengths(generations: Generations): ExistingPathLengths {
  const lengths = new Map<string, number | undefined>();
  for (const generation of generations.all()) {
    if (generation.state === 'current' || !lengths.has(generation.ca))
      lengths.set(generation.ca, generation.pathLength);
  }
  return lengths;
}
