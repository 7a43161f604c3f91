/** The composition root: the only file that knows all parts. It wires, and decides nothing. */
import { pathToFileURL } from 'node:url';
import { createAcmeHandler } from '../protocols/acme/index.js';
import { createCmpHandler } from '../protocols/cmp/index.js';
import { createEstHandler } from '../protocols/est/index.js';
import { createOcspHandler } from '../protocols/ocsp/index.js';
import { createRepositoryHandler } from '../protocols/repository/index.js';
import { createRestHandler } from '../protocols/rest/index.js';
import { createScepHandler } from '../protocols/scep/index.js';
import { createAccess } from './access/authenticate.js';
import { mountApi } from './api/mount.js';
import { createOperations } from './api/operations.js';
import { compileAddresses } from './authentication/allowed-addresses.js';
import { activateDue } from './authorities/activate.js';
import { planReplacements } from './authorities/plan-replacements.js';
import { serverNames } from './catalog/server-names.js';
import { fillNames } from './certificates/fill-names.js';
import type { Clock } from './clock.js';
import { finishCompromises } from './devices/compromise-device.js';
import { publishRevocations } from './devices/revocations.js';
import { revokeLapsed } from './enrollment/lapse.js';
import { createProtocolServices } from './enrollment/protocol-services.js';
import { revokeReplaced } from './enrollment/revoke-replaced.js';
import { createServiceKeys, type ServiceKeys } from './enrollment/service-keys.js';
import { findLinksToEarlierRoots } from './enrollment/trust-certificates.js';
import { endOldKeys } from './jobs/archive/destroy-keys.js';
import { createJobKinds } from './jobs/job-kinds.js';
import { startJobRunner } from './jobs/runner.js';
import type { Log } from './log.js';
import { type Core, openCore } from './open-core.js';
import type { ProtocolHandler, ProtocolServices } from './protocol.js';
import { greet, greetAdministrator } from './quickstart/greeting.js';
import { type PreparedConfiguration, prepareConfiguration } from './quickstart/prepare-configuration.js';
import { type Listeners, openListeners, type TlsMaterial } from './server/listeners.js';
import type { Settings } from './settings.js';
import { watchCrls } from './unmanaged-cas/watch-crls.js';
import { version } from './version.js';
import { toPem } from './x509/pem.js';

export interface Gateway {
  readonly core: Core;
  readonly listeners: Listeners;
  /** Lines for the person who started it: what to type next. Empty but for the quickstart and a first start. */
  readonly greeting: readonly string[];
  /** Ends gracefully. */
  close(): Promise<void>;
}

interface GatewayOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
}

type CreateHandler = (services: ProtocolServices) => ProtocolHandler;

const builtInHandlers: ReadonlyMap<string, CreateHandler> = new Map([
  ['acme', createAcmeHandler],
  ['cmp', createCmpHandler],
  ['est', createEstHandler],
  ['ocsp', createOcspHandler],
  ['repository', createRepositoryHandler],
  ['rest', createRestHandler],
  ['scep', createScepHandler],
]);

const shutdownGraceMilliseconds = 10_000;
/** How often it is looked for CRLs that are due by a revocation; well within the shortest `crl.publishWithin`. */
const crlCheckMilliseconds = 1_000;
/** How soon a CA that another process has changed is as it is there, and one is activated after its time, at most. */
const authoritiesMilliseconds = 1_000;
/** How soon a certificate that was not confirmed in time is revoked, at most. */
const confirmationCheckMilliseconds = 1_000;
/** How soon the CAs of a changed configuration are made and its TLS certificate fits, at most. */
const configurationCheckMilliseconds = 1_000;
/** How soon a certificate that was replaced is revoked after the time that its policy gives, at most. */
const replacedMilliseconds = 10_000;
/** How soon the end of what a compromised device could act with goes on, at most. */
const compromisesMilliseconds = 1_000;
const housekeepingMilliseconds = 60_000;
/** How soon the names of certificates from before they were kept for searching are read, part by part. */
const namesMilliseconds = 1_000;
/** How soon a protocol takes up what a crash has interrupted, at most. */
const protocolsMilliseconds = 10_000;

/** @throws Error with a sentence for the operator when something that it needs cannot be had. */
export async function startGateway({ settings, log, clock }: GatewayOptions): Promise<Gateway> {
  const core = await openCore({ settings, log, clock });
  try {
    const prepared = await prepareConfiguration(core, settings);
    const serviceKeys = createServiceKeys(core);
    const services = createProtocolServices(core, serviceKeys, settings);
    const handlers = await Promise.all(settings.protocols.map((name) => loadHandler(name, services)));
    let tls = await obtainTls(core, serviceKeys, settings);
    await core.crls.publishDue();
    const listeners = await openListeners({
      settings,
      handlers,
      tls: tls.material,
      log,
      isTrustedProxy: compileAddresses(settings.trustedProxies),
      recordRefusal: services.recordRefusal,
      isReady: async () => (await core.store.catalog.version()) > 0,
      mountOnAdmin: (app, describeClient) =>
        mountApi(app, {
          version,
          operations: createOperations({ ...core, version, protocols: handlers }),
          authenticate: createAccess(core).authenticate,
          describeClient,
          services: core,
        }),
    });
    let preparedVersion = prepared.areCasMade ? core.catalog().version : undefined;
    let tlsGenerations = core.generations.all();
    const renewTls = async () => {
      tlsGenerations = core.generations.all();
      const renewed = await obtainTls(core, serviceKeys, settings);
      if (renewed.version === tls.version) return;
      tls = renewed;
      listeners.useTls(tls.material);
      log.info('the TLS server certificate or the names of client CAs were replaced');
    };
    const stopTasks = repeatTasks(log, [
      { name: 'CRLs', everyMilliseconds: crlCheckMilliseconds, run: () => core.crls.publishChanged() },
      {
        name: 'CAs',
        everyMilliseconds: authoritiesMilliseconds,
        run: async () => {
          await activateDue(core);
          await planReplacements(core);
          if (core.generations.all() !== tlsGenerations) await renewTls();
        },
      },
      { name: 'confirmations', everyMilliseconds: confirmationCheckMilliseconds, run: () => revokeLapsed(core) },
      {
        name: 'configuration',
        everyMilliseconds: configurationCheckMilliseconds,
        run: async () => {
          const { version } = core.catalog();
          if (version === preparedVersion) return;
          await core.ensureCas();
          await core.crls.publishDue();
          await renewTls();
          preparedVersion = version;
        },
      },
      { name: 'replaced certificates', everyMilliseconds: replacedMilliseconds, run: () => revokeReplaced(core) },
      {
        name: 'compromised devices',
        everyMilliseconds: compromisesMilliseconds,
        run: async () => publishRevocations(await finishCompromises({ ...core, protocols: handlers }), core),
      },
      { name: 'names of certificates', everyMilliseconds: namesMilliseconds, run: () => fillNames(core) },
      { name: 'CRLs of unmanaged CAs', everyMilliseconds: housekeepingMilliseconds, run: () => watchCrls(core) },
      {
        name: 'protocols',
        everyMilliseconds: protocolsMilliseconds,
        run: async () => {
          for (const handler of handlers) await handler.housekeeping?.(clock.now());
        },
      },
      {
        name: 'housekeeping',
        everyMilliseconds: housekeepingMilliseconds,
        run: async () => {
          await core.authority.reload();
          await core.crls.publishDue();
          await core.store.commit({
            statements: core.store.enrollmentTransactions.removeExpired({ now: clock.now().getTime() }),
            audit: [],
          });
          await endOldKeys(core);
          await renewTls();
        },
      },
    ]);
    const jobs = startJobRunner(core, createJobKinds(core));
    return {
      core,
      listeners,
      greeting: greeting(core, prepared, settings),
      close: async () => {
        await stopTasks();
        await jobs.close();
        await listeners.close(shutdownGraceMilliseconds);
        await core.close();
      },
    };
  } catch (error) {
    await core.close();
    throw error;
  }
}

/** A built-in handler by name, or a module of the operator's own that exports `createHandler`. */
async function loadHandler(name: string, services: ProtocolServices): Promise<ProtocolHandler> {
  const builtIn = builtInHandlers.get(name);
  if (builtIn) return builtIn(services);
  if (!/^\.{0,2}\/|\.m?js$/.test(name)) {
    throw new Error(
      `protocols: there is no handler "${name}"; built in are ${[...builtInHandlers.keys()].join(', ')}, and ./path.js loads one of your own`,
    );
  }
  const module: { createHandler?: CreateHandler } = await import(pathToFileURL(name).href);
  if (typeof module.createHandler !== 'function')
    throw new Error(`protocols: ${name} exports no function createHandler(services)`);
  return module.createHandler(services);
}

/** The TLS server's own certificate, under the CA of the default policy, and the names of CAs that clients' certificates may have. */
async function obtainTls(
  core: Core,
  serviceKeys: ServiceKeys,
  settings: Settings,
): Promise<{ material: TlsMaterial; version: string }> {
  const catalog = core.catalog();
  const [firstPolicy] = catalog.policies.values();
  const resolved = catalog.defaultPolicy ?? firstPolicy;
  if (resolved === undefined)
    throw new Error(
      'the catalog has no policy; apply a configuration first: gatehouse apply -f config/quickstart.yaml',
    );
  const key = await serviceKeys.get({
    purpose: 'tls-server',
    issuingCa: resolved.policy.issuingCa,
    names: serverNames(catalog, settings.publicName),
  });
  const anchors = [...catalog.authenticationPolicies.values()].flatMap(({ anchors }) =>
    anchors.map(({ certificate }) => certificate),
  );
  const issuing = core.authority.generations().map(({ certificate }) => certificate.der);
  const clientCas = [...issuing, ...anchors].map((der) => toPem('CERTIFICATE', der));
  const links = await findLinksToEarlierRoots(resolved.policy.issuingCa, core);
  // The root is left out of the chain: who does not have it will not trust it for being sent. Who has an earlier one will.
  const chain = [key.certificate, ...key.chain.slice(0, -1), ...links].map((der) => toPem('CERTIFICATE', der));
  const material = {
    cert: chain.join(''),
    key: await core.keys.privateKeyPem(key.keyId),
    clientCas,
  };
  return { material, version: [key.keyId, ...chain, ...clientCas].join() };
}

function greeting(
  { catalog }: Core,
  { environmentFile, administratorKeyFile }: PreparedConfiguration,
  { publicName, deviceTlsPort }: Settings,
): string[] {
  if (administratorKeyFile !== undefined) return greetAdministrator(administratorKeyFile);
  if (environmentFile === undefined) return [];
  const acmeHttpPort = catalog().policies.get('quickstart')?.policy.acme.httpPort ?? 80;
  return greet(environmentFile, { server: `${publicName}:${deviceTlsPort}`, acmeHttpPort });
}

interface Task {
  readonly name: string;
  readonly everyMilliseconds: number;
  run(): Promise<unknown>;
}

/** Runs each task again and again, never twice at once; the returned function ends that and waits for those that run. */
function repeatTasks(log: Log, tasks: readonly Task[]): () => Promise<void> {
  const running = new Set<Promise<void>>();
  const timers = tasks.map((task) => {
    let isRunning = false;
    return setInterval(() => {
      if (isRunning) return;
      isRunning = true;
      const turn = task
        .run()
        .catch((err) => log.error({ err, task: task.name }, 'a recurring task failed; it will be tried again'))
        .then(() => {
          isRunning = false;
          running.delete(turn);
        });
      running.add(turn);
    }, task.everyMilliseconds);
  });
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all(running);
  };
}
