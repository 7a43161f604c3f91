/** A hierarchy of CAs in a store of its own, with a clock that tests set. */
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { type Authority, createAuthority } from '../../../src/ca/authority.js';
import { type CrlPublisher, createCrlPublisher } from '../../../src/ca/crl.js';
import { createGenerations, type Generations } from '../../../src/ca/generations.js';
import { ensureHierarchy, stageGeneration } from '../../../src/ca/hierarchy.js';
import { type CaKeys, createCaKeys } from '../../../src/keys/ca-keys.js';
import { createSealing } from '../../../src/keys/sealing.js';
import { createSoftwareCaKeys } from '../../../src/keys/software-ca-keys.js';
import { createSoftwareKeyStore } from '../../../src/keys/software-key-store.js';
import {
  type CertificateAuthorityConfig,
  certificateAuthoritySchema,
} from '../../../src/model/certificate-authority.js';
import { type ApprovedIssuance, approveCertificateAuthority } from '../../../src/policy/decide.js';
import type { AuditRecord } from '../../../src/store/change.js';
import type { Store } from '../../../src/store/store.js';
import { withStore } from '../store/temporary-store.js';

export const second = 1000;
export const day = 86_400 * second;
export const start = Date.UTC(2026, 10, 21, 8, 0, 0);

/** What one process of the gateway has of the CA, over a store that it may share with others. */
export interface TestNode {
  readonly store: Store;
  readonly keys: CaKeys;
  readonly generations: Generations;
  readonly authority: Authority;
  readonly crls: CrlPublisher;
  /** Makes the CAs that are missing. */
  ensure(): Promise<readonly string[]>;
  /** Stages the next generation of a CA. */
  stage(name: string): Promise<void>;
}

export interface TestWorld {
  readonly configs: Map<string, CertificateAuthorityConfig>;
  readonly clock: { now(): Date; at: number };
  node(store: Store): TestNode;
  /** Changes the configuration of a CA. */
  configure(name: string, changes: Partial<CertificateAuthorityConfig>): void;
  /** The same for how it publishes CRLs. */
  configureCrl(name: string, changes: Partial<CertificateAuthorityConfig['crl']>): void;
  /** Where the certificates of nodes that are made from now on point to. */
  publicHttpUrl: string;
}

/** Configuration as a document would have it; `root` with an issuing CA below it is what most tests use. */
export function createWorld(documents: readonly object[]): TestWorld {
  const parsed = documents.map((document) => certificateAuthoritySchema.parse(document));
  const configs = new Map(parsed.map((config) => [config.name, config]));
  const clock = { at: start, now: () => new Date(clock.at) };
  const sealing = createSealing(createSecretKey(randomBytes(32)));
  function configure(name: string, change: (config: CertificateAuthorityConfig) => CertificateAuthorityConfig): void {
    const config = configs.get(name);
    if (config === undefined) throw new Error(`${name} is not configured`);
    configs.set(name, change(config));
  }
  const world: TestWorld = {
    configs,
    clock,
    publicHttpUrl: 'http://gate.example:8080',
    configure: (name, changes) => configure(name, (config) => ({ ...config, ...changes })),
    configureCrl: (name, changes) => configure(name, (config) => ({ ...config, crl: { ...config.crl, ...changes } })),
    node(store) {
      const software = createSoftwareKeyStore({ keys: store.keys, sealing, clock });
      const keys = createCaKeys({
        keys: store.keys,
        stores: [createSoftwareCaKeys({ software, keys: store.keys })],
      });
      const generations = createGenerations({ store, keys, publicHttpUrl: world.publicHttpUrl, answersOcsp: true });
      const authority = createAuthority({ store, generations, configs: () => configs, clock });
      const crls = createCrlPublisher({ store, generations, configs: () => configs, clock, createAuditRecord });
      const options = { configs, store, keys, generations, authority, clock, createAuditRecord };
      return {
        store,
        keys,
        generations,
        authority,
        crls,
        ensure: () => ensureHierarchy(options),
        stage: async (name) => {
          const config = configs.get(name);
          if (config === undefined) throw new Error(`${name} is not configured`);
          await stageGeneration(config, {}, options);
        },
      };
    },
  };
  return world;
}

/** Runs `work` in a new store where the configured CAs have been made. */
export async function withHierarchy(
  documents: readonly object[],
  work: (node: TestNode, world: TestWorld) => Promise<void>,
): Promise<void> {
  await withStore(async (store) => {
    const world = createWorld(documents);
    const node = world.node(store);
    await node.ensure();
    await work(node, world);
  });
}

export const rootAndIssuing: readonly object[] = [
  { name: 'root', subject: 'CN=Test Root,O=Example', key: 'ec-p384', validity: '20y' },
  { name: 'issuing', parent: 'root', subject: 'CN=Test Issuing,O=Example', key: 'ec-p256', validity: '10y' },
];

/** The only approval that can be had without a profile; what it is for does not matter to the one who signs. */
export function approve(
  issuerId: string,
  subject: Uint8Array,
  subjectPublicKeyInfo: Uint8Array,
  changes: { notBefore?: Date; notAfter?: Date } = {},
): ApprovedIssuance {
  const validity = { notBefore: new Date(start), notAfter: new Date(start + 90 * day) };
  return approveCertificateAuthority({
    issuerId,
    subject,
    subjectPublicKeyInfo,
    pathLength: 0,
    ...validity,
    ...changes,
  });
}

interface TestEvent {
  readonly at: Date;
  readonly action: string;
  readonly outcome: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function createAuditRecord({ at, details, ...event }: TestEvent): AuditRecord {
  const record = { ...event, id: randomUUID(), at: at.getTime() };
  return { ...record, content: JSON.stringify({ ...record, ...details }) };
}
