/** What a start does about the configuration: a first start applies one, a start with the quickstart completes it. */
import { fileURLToPath } from 'node:url';
import { applyPlan } from '../catalog/apply.js';
import { readDocumentFile } from '../catalog/document-file.js';
import { planAdditions, planDocument } from '../catalog/plan.js';
import type { Core } from '../open-core.js';
import type { Settings } from '../settings.js';
import { completeQuickstart, hasQuickstart, prepareQuickstart } from './quickstart.js';

/** Beside `dist` or `.build`, where this file is compiled to. */
const quickstartFile = fileURLToPath(new URL('../../../config/quickstart.yaml', import.meta.url));

/**
 * Makes sure that there is a configuration and that its CAs exist.
 * @returns the path of quickstart.env when the quickstart is what runs.
 * @throws DocumentError, HierarchyError and the like, with sentences for the operator.
 */
export async function prepareConfiguration(core: Core, settings: Settings): Promise<string | undefined> {
  const isFirstStart = core.catalog().policies.size === 0;
  if (isFirstStart && settings.configuration !== undefined) {
    await applyFile(core, settings.configuration, process.env);
    await core.ensureCas();
    return undefined;
  }
  // Also at later starts, so that what a newer version adds to the quickstart comes to an older data directory.
  if (!isFirstStart && !(await hasQuickstart(settings.data))) {
    await core.ensureCas();
    return undefined;
  }
  const variables = await prepareQuickstart(settings.data, core.clock);
  await applyFile(core, quickstartFile, Object.fromEntries(variables), { onlyCreate: !isFirstStart });
  await core.ensureCas();
  return await completeQuickstart({
    dataDirectory: settings.data,
    variables,
    deviceTlsUrl: `https://${settings.publicName}:${settings.deviceTlsPort}`,
    deviceHttpUrl: `http://${settings.publicName}:${settings.deviceHttpPort}`,
    roots: quickstartRoots(core),
  });
}

/** Nobody: the gateway, for itself. */
const start = { name: 'start', person: 'start' };

async function applyFile(
  core: Core,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  { onlyCreate = false } = {},
): Promise<void> {
  const plan = await (onlyCreate ? planAdditions : planDocument)(readDocumentFile(file, environment), core);
  await applyPlan(plan, { ...core, actor: start });
  await core.holder.refresh();
}

/** The roots of all policies' CAs, the default policy's first. */
function quickstartRoots({ catalog, authority }: Core): Uint8Array[] {
  const { policies, defaultPolicy } = catalog();
  const cas = [defaultPolicy, ...policies.values()].flatMap((resolved) =>
    resolved ? [resolved.policy.issuingCa] : [],
  );
  const roots = cas.flatMap((ca) => authority.chain(authority.issuer(ca).id).slice(-1));
  return roots.filter((root, index) => roots.findIndex((other) => Buffer.compare(other, root) === 0) === index);
}
