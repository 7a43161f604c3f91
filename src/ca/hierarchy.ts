/** Makes the generations of the configured CAs that are not there yet: each CA's first, and the next one where it is to be staged. */
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { recordBaseUrls } from './base-urls.js';
import { ensureCrossCertificates } from './cross-certificates.js';
import { type CaGeneration, type Generations, roomBelow } from './generations.js';
import { type HierarchyOptions, makeGeneration, type NewGeneration } from './make-generation.js';
import {
  type ExistingPathLengths,
  type PlannedGeneration,
  planHierarchy,
  planNextGenerations,
} from './plan-hierarchy.js';

/**
 * Makes the first generation of every CA that has none, roots first, and then the second of every CA that is to announce
 * one and never had it; returns the names of the CAs for which it made something, a next generation as "name (next
 * generation)". What exists is left as it is, and so are CAs whose keys are made elsewhere, and those that only a key that is
 * not here can certify. Can be interrupted anywhere and run again, by several processes at once.
 * @throws HierarchyError before it makes any of the first generations, or of the next ones; GatewayError of the store or
 * a key
 */
export async function ensureHierarchy(options: HierarchyOptions): Promise<readonly string[]> {
  const { configs, store, generations } = options;
  const made: string[] = [];
  await generations.reload();
  for (const planned of planHierarchy(configs, existingPathLengths(generations))) {
    if (!isMadeHere(planned.config, generations)) continue;
    if (await makeGeneration({ ...planned, number: 1, state: 'current' }, options)) made.push(planned.config.name);
    await generations.reload();
  }
  const staging: CertificateAuthorityConfig[] = [];
  for (const config of configs.values()) {
    if (!config.stageNextGeneration || !isMadeHere(config, generations)) continue;
    // Once: what was activated or dropped is not to be followed by another one at once.
    if ((await store.caGenerations.lastNumber({ ca: config.name })) === 1 && lacksNext(config.name, generations))
      staging.push(config);
  }
  for (const planned of planNextGenerations(staging, existingPathLengths(generations))) {
    if (await stageNext(planned, options)) made.push(`${planned.config.name} (next generation)`);
    await generations.reload();
  }
  await recordBaseUrls(options);
  await ensureCrossCertificates(options);
  return made;
}

/**
 * Stages the next generation of a CA, also of one that has none that issues any more.
 * @throws GatewayError 'invalid-state' where it has one, or cannot be certified here; HierarchyError
 */
export async function stageGeneration(
  config: CertificateAuthorityConfig,
  by: Readonly<Record<string, unknown>>,
  options: HierarchyOptions,
): Promise<void> {
  const { generations } = options;
  const { name } = config;
  await generations.reload();
  if (config.key === 'external') {
    throw refused(`the keys of CA ${name} are made elsewhere: import the next one (gatehouse ca import)`);
  }
  if (generations.findNext(name) !== undefined) throw refused(`CA ${name} has a next generation: activate or drop it`);
  if (generationsOf(name, generations).length === 0) throw refused(`CA ${name} has no first generation yet`);
  if (config.parent === undefined && generations.findCurrent(name)?.online === false) {
    throw refused(`the key of CA ${name} is not in the gateway, so that it cannot certify the next one`);
  }
  if (!isMadeHere(config, generations)) {
    throw refused(`CA ${config.parent} does not certify here: ask for a certificate (gatehouse ca request ${name})`);
  }
  const [planned] = planNextGenerations([config], existingPathLengths(generations));
  if (planned === undefined || !(await stageNext({ ...planned, by }, options))) {
    throw refused(`CA ${name} got a next generation from elsewhere just now`);
  }
  await generations.reload();
  await recordBaseUrls(options);
  await ensureCrossCertificates(options);
}

/** Whether its key is made here, and certified at once. */
export function isMadeHere({ key, parent }: CertificateAuthorityConfig, generations: Generations): boolean {
  if (key === 'external') return false;
  if (parent === undefined) return true;
  const issuer = generations.findCurrent(parent);
  return issuer?.online === true && !isRevoked(issuer, generations);
}

/** Itself, or one above it. */
function isRevoked({ revoked, parent }: CaGeneration, generations: Generations): boolean {
  const issuer = parent === null ? undefined : generations.find(parent);
  return revoked || (issuer !== undefined && isRevoked(issuer, generations));
}

/** The name that certificates under all generations of a CA have as their issuer, whatever is configured now. */
export function presentSubject(ca: string, generations: Generations): Uint8Array | undefined {
  return (generations.findCurrent(ca) ?? generationsOf(ca, generations).at(-1))?.certificate.subject;
}

/** Whether it was made here; otherwise another process did so meanwhile. */
async function stageNext(
  planned: PlannedGeneration & Pick<NewGeneration, 'by'>,
  options: HierarchyOptions,
): Promise<boolean> {
  const { generations, store } = options;
  const { name } = planned.config;
  // Asked again, because the others were reloaded since: the number must come from the same view as the lack, so that
  // the database lets only one of several processes have it.
  const subject = presentSubject(name, generations);
  if (subject === undefined || generations.findNext(name) !== undefined) return false;
  const number = (await store.caGenerations.lastNumber({ ca: name })) + 1;
  if (generations.find(`${name}-${number - 1}`) === undefined) await generations.reload();
  if (generations.findNext(name) !== undefined) return false;
  return await makeGeneration({ ...planned, subject, number, state: 'next' }, options);
}

function lacksNext(ca: string, generations: Generations): boolean {
  return generations.findCurrent(ca) !== undefined && generations.findNext(ca) === undefined;
}

function generationsOf(ca: string, generations: Generations) {
  return generations.all().filter((generation) => generation.ca === ca);
}

/** As its own certificate and those above it have them. */
export function existingPathLengths(generations: Generations): ExistingPathLengths {
  const lengths = new Map<string, number | undefined>();
  for (const generation of generations.all()) {
    if (generation.state !== 'current' && lengths.has(generation.ca)) continue;
    const room = roomBelow(generation, (id) => generations.find(id));
    lengths.set(generation.ca, room === Number.POSITIVE_INFINITY ? undefined : room);
  }
  return lengths;
}

function refused(reason: string): GatewayError {
  return new GatewayError('invalid-state', reason);
}
