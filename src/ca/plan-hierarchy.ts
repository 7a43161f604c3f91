/** Checks the configured CAs against one another and finds the order in which they can be made. Pure. */
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { encodeName, nameKey } from '../x509/names.js';
import { parseName } from '../x509/parse-name.js';

/** The configured CAs do not make a hierarchy; each problem is a sentence that names the CA. */
export class HierarchyError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the certificate authorities cannot be made: ${problems.join('; ')}`);
    this.name = 'HierarchyError';
    this.problems = problems;
  }
}

export interface PlannedGeneration {
  readonly config: CertificateAuthorityConfig;
  /** What its certificate is to say: as configured, and within its parent's. Absent when unlimited. */
  readonly pathLength?: number;
}

export interface PlannedAuthority extends PlannedGeneration {
  /** DER Name. */
  readonly subject: Uint8Array;
}

/** Path lengths of the CAs that exist, by name; undefined when unlimited. Their certificates count, whatever is configured now. */
export type ExistingPathLengths = ReadonlyMap<string, number | undefined>;

type Configs = ReadonlyMap<string, CertificateAuthorityConfig>;

/** Returns the configured CAs that do not exist yet, each after its parent. @throws HierarchyError with all that is wrong */
export function planHierarchy(configs: Configs, existing: ExistingPathLengths): readonly PlannedAuthority[] {
  const problems: string[] = [];
  const planned = new Map<string, PlannedAuthority>();
  const subjects = new Map<string, string>();
  for (const config of configs.values()) {
    if (existing.has(config.name)) checkSubject(config, subjects, []);
  }
  for (const config of inOrder(configs, existing, problems)) {
    const subject = checkSubject(config, subjects, problems);
    const pathLength = pathLengthOf(config, planned, existing, problems);
    planned.set(config.name, { config, subject, ...(pathLength !== undefined && { pathLength }) });
  }
  if (problems.length > 0) throw new HierarchyError(problems);
  return [...planned.values()];
}

/** Returns what the next generation of each of these CAs is to be; they and those above them exist. @throws HierarchyError */
export function planNextGenerations(
  staging: readonly CertificateAuthorityConfig[],
  existing: ExistingPathLengths,
): readonly PlannedGeneration[] {
  const problems: string[] = [];
  const planned = staging.map((config) => {
    const pathLength = pathLengthOf(config, new Map(), existing, problems);
    return { config, ...(pathLength !== undefined && { pathLength }) };
  });
  if (problems.length > 0) throw new HierarchyError(problems);
  return planned;
}

/** Parents first. CAs whose parents are missing or go round in a circle are left out, and reported. */
function inOrder(configs: Configs, existing: ExistingPathLengths, problems: string[]): CertificateAuthorityConfig[] {
  const ordered = new Map<string, CertificateAuthorityConfig>();
  for (const config of configs.values()) {
    const path: CertificateAuthorityConfig[] = [];
    let next: CertificateAuthorityConfig | undefined = config;
    while (next !== undefined && !existing.has(next.name) && !ordered.has(next.name) && !path.includes(next)) {
      path.unshift(next);
      next = next.parent === undefined ? undefined : configs.get(next.parent);
    }
    const [top] = path;
    const parent = top?.parent;
    if (top === undefined || parent === undefined || ordered.has(parent) || (next && existing.has(parent))) {
      for (const each of path) ordered.set(each.name, each);
    } else {
      problems.push(
        configs.has(parent)
          ? `CA ${config.name} has parents that go round in a circle (${parent} again above ${top.name})`
          : `CA ${top.name} has the parent ${parent}, which is not configured`,
      );
    }
  }
  return [...ordered.values()];
}

/** Returns the DER Name, and takes it into `subjects`; with a problem it does not matter which Name. */
function checkSubject(
  { name, subject }: CertificateAuthorityConfig,
  subjects: Map<string, string>,
  problems: string[],
): Uint8Array {
  try {
    const parsed = parseName(subject);
    const encoded = encodeName(parsed);
    const key = nameKey(encoded);
    const other = subjects.get(key);
    // One name for two CAs would make their certificates and CRLs indistinguishable.
    if (other !== undefined) problems.push(`CA ${name} has the same subject as CA ${other}`);
    // RFC 5280 4.1.2.6: a CA must have a name.
    if (parsed.length === 0) problems.push(`CA ${name} has an empty subject`);
    subjects.set(key, name);
    return encoded;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it is no name';
    problems.push(`CA ${name} has the subject '${subject}', which cannot be used: ${reason}`);
    return encodeName([]);
  }
}

function pathLengthOf(
  { name, parent, pathLength, issueIntermediates }: CertificateAuthorityConfig,
  planned: ReadonlyMap<string, PlannedGeneration>,
  existing: ExistingPathLengths,
  problems: string[],
): number | undefined {
  const limit = parent === undefined ? undefined : limitBelow(parent, planned, existing);
  const wanted = pathLength ?? limit;
  if (limit !== undefined && limit < 0) {
    problems.push(`CA ${name} cannot be below CA ${parent}, whose path length is 0`);
  } else if (limit !== undefined && wanted !== undefined && wanted > limit) {
    problems.push(`CA ${name} has the path length ${wanted}, but CA ${parent} above it allows ${limit} at most`);
  } else if (issueIntermediates && wanted === 0) {
    problems.push(`CA ${name} is to issue intermediate CA certificates, but its path length is 0`);
  }
  return wanted;
}

/** The longest path length that a CA below this one may have; negative when there can be none. */
function limitBelow(
  parent: string,
  planned: ReadonlyMap<string, PlannedGeneration>,
  existing: ExistingPathLengths,
): number | undefined {
  const pathLength = existing.has(parent) ? existing.get(parent) : planned.get(parent)?.pathLength;
  return pathLength === undefined ? undefined : pathLength - 1;
}
