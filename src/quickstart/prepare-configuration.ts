/** What a start does about the configuration: a first start applies one, a start with the quickstart completes it. */
import { fileURLToPath } from 'node:url';
import { readDocumentFile } from '../catalog/document-file.js';
import { applyDocument } from '../declaration/apply.js';
import { planAdditions, planDocument } from '../declaration/plan.js';
import { GatewayError } from '../errors.js';
import type { Core } from '../open-core.js';
import type { Settings } from '../settings.js';
import { makeFirstAdministrator, takeFirstAdministrator } from './first-administrator.js';
import { administratorKeyVariable, completeQuickstart, hasQuickstart, prepareQuickstart } from './quickstart.js';

/** Beside `dist` or `.build`, where this file is compiled to. */
const quickstartFile = fileURLToPath(new URL('../../../config/quickstart.yaml', import.meta.url));

export interface PreparedConfiguration {
  /** quickstart.env, when the quickstart is what runs. */
  readonly environmentFile?: string;
  /** Has the first administrator's API key, when this start has made it. */
  readonly administratorKeyFile?: string;
  /** Whether all CAs of the configuration are there: the key store of one may be away. */
  readonly areCasMade: boolean;
}

/**
 * Makes sure that there is a configuration, that its CAs exist, and that somebody can administer the gateway.
 * @throws DocumentError, HierarchyError and the like, with sentences for the operator.
 */
export async function prepareConfiguration(core: Core, settings: Settings): Promise<PreparedConfiguration> {
  const isFirstStart = core.catalog().policies.size === 0;
  if (isFirstStart && settings.configuration !== undefined) {
    await applyFile(core, settings.configuration, process.env);
    return await completeConfigured(core, settings);
  }
  // Also at later starts, so that what a newer version adds to the quickstart comes to an older data directory.
  if (!isFirstStart && !(await hasQuickstart(settings.data))) {
    return await completeConfigured(core, settings);
  }
  const variables = new Map(await prepareQuickstart(settings.data, core.clock));
  await applyFile(core, quickstartFile, Object.fromEntries(variables), { onlyCreate: !isFirstStart });
  await core.ensureCas();
  const administratorKey = variables.get(administratorKeyVariable) ?? '';
  if (!(await takeFirstAdministrator(administratorKey, core))) variables.delete(administratorKeyVariable);
  const environmentFile = await completeQuickstart({
    dataDirectory: settings.data,
    variables,
    urls: core.publicUrls,
    roots: quickstartRoots(core),
  });
  return { environmentFile, areCasMade: true };
}

async function completeConfigured(core: Core, { data }: Settings): Promise<PreparedConfiguration> {
  const areCasMade = await makeCas(core);
  const administratorKeyFile = await makeFirstAdministrator(data, core);
  return { areCasMade, ...(administratorKeyFile === undefined ? {} : { administratorKeyFile }) };
}

/** A key store that is away keeps a CA from being made, and not the gateway from serving the others. */
async function makeCas(core: Core): Promise<boolean> {
  try {
    await core.ensureCas();
    return true;
  } catch (error) {
    const isAway = error instanceof GatewayError && error.code === 'unavailable';
    if (!isAway || core.authority.generations().length === 0) throw error;
    core.log.error({ err: error }, 'CAs of the configuration could not be made; it will be tried again');
    return false;
  }
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
  await applyDocument(plan, { ...core, actor: start });
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
