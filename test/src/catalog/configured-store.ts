/** Stores with a configuration in them, and a small configuration to vary. */
import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CatalogDocument, parseDocument } from '../../../src/catalog/document.js';
import { DocumentError } from '../../../src/catalog/problem.js';
import { applyDocument } from '../../../src/declaration/apply.js';
import { type DocumentPlan, type PlanningServices, planDocument } from '../../../src/declaration/plan.js';
import { createPasscodeLookup } from '../../../src/keys/passcode-lookup.js';
import { createSealing } from '../../../src/keys/sealing.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import { testActor } from '../../support/operator.js';

export const clock = { now: () => new Date('2026-11-01T00:00:00Z') };

export interface ConfiguredStore extends PlanningServices {
  plan(text: string): Promise<DocumentPlan>;
  /** Applies a document's text; whether it changed anything. */
  apply(text: string): Promise<boolean>;
}

/** Runs `work` with a new store, which is closed and removed afterwards. */
export async function withConfiguredStore(work: (configured: ConfiguredStore) => Promise<void>): Promise<void> {
  const { close, ...configured } = await openConfiguredStore();
  try {
    await work(configured);
  } finally {
    await close();
  }
}

export async function openConfiguredStore(): Promise<ConfiguredStore & { close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-catalog-'));
  const store = await openStore({ file: join(folder, 'gatehouse.db'), synchronous: 'OFF' });
  const sealing = createSealing(createSecretKey(Buffer.alloc(32, 1)));
  const passcodeLookup = createPasscodeLookup(createSecretKey(Buffer.alloc(32, 2)));
  const dependencies = { store, sealing, passcodeLookup, clock };
  const plan = (text: string) => planDocument(parse(text), dependencies);
  return {
    ...dependencies,
    plan,
    apply: async (text) => applyDocument(await plan(text), { ...dependencies, actor: testActor }),
    close: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export function parse(text: string, environment: Record<string, string> = {}): CatalogDocument {
  return parseDocument({
    file: 'fleet.yaml',
    text,
    environment,
    readFile: (path) => {
      throw new Error(`no file ${path}`);
    },
  });
}

/** The problems that a document is refused with; none if it is not. */
export async function problemsOf(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DocumentError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

/** A complete configuration. */
export const smallFleet = `divisions:
  - name: plant
deviceGroups:
  - { name: pumps, division: plant, policies: [pumps] }
certificateAuthorities:
  - { name: root, subject: "CN=Root", key: ec-p384, validity: 20y }
  - { name: devices, parent: root, subject: "CN=Devices", key: ec-p256, validity: 10y, pathLength: 0 }
profiles:
  - name: pump
    template: basic-device
    subject:
      - { attribute: commonName, source: request, required: true }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth]
    validity: 90d
authenticationPolicies:
  - name: pumps
    division: plant
    credentials:
      - { kind: passcode, name: installer, username: bob, secret: correct-horse }
      - { kind: cmp-secret, name: cmp, reference: pump-1, secret: battery-staple }
policies:
  - name: pumps
    division: plant
    authenticationPolicy: pumps
    profiles: [{ usage: operational, profile: pump }]
    issuingCa: devices
    methods: [est]
    defaultGroup: pumps
`;
