/** `gatehouse status`: what runs and what there is. */
import { statSync } from 'node:fs';
import { Command } from 'commander';
import { loadCatalog } from '../catalog/load.js';
import { systemClock } from '../clock.js';
import type { Settings } from '../settings.js';
import type { AuthorityState } from '../status/authority-states.js';
import { readGatewayStatus } from '../status/gateway-status.js';
import { schemaVersionName } from '../store/migrate.js';
import type { Store } from '../store/store.js';
import { formatBytes } from './amount.js';
import { withExistingStore } from './existing-store.js';
import { probeListeners } from './listeners.js';
import { columns } from './table.js';

export function statusCommand(settings: () => Settings): Command {
  return new Command('status')
    .description('show what runs and what there is: listeners, policies, CAs and CRLs, devices, certificates, requests')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', help)
    .action(async ({ json }: { json?: true }) => {
      const status = await readStatus(settings());
      console.log(json ? JSON.stringify(status, null, 2) : describeStatus(status));
    });
}

const help = `
It only looks: it needs no key, changes nothing, and works beside a running gateway. gatehouse doctor says what is wrong.

Examples:
  gatehouse status
  gatehouse status --json | jq .certificates.expiringIn30Days`;

type Status = Awaited<ReturnType<typeof readStatus>>;

async function readStatus(settings: Settings) {
  const listeners = await probeListeners(settings);
  return await withExistingStore(settings, async (store) => ({ listeners, ...(await readContent(store, settings)) }));
}

async function readContent(store: Store, { database }: Settings) {
  return {
    database: {
      file: database,
      bytes: statSync(database).size,
      schemaVersion: Number(await store.meta.find(schemaVersionName)),
    },
    ...(await readGatewayStatus(store, await loadCatalog(store), systemClock.now())),
  };
}

function describeStatus(status: Status): string {
  const { database, catalogVersion, certificates, pendingRequests } = status;
  const devices = Object.entries(status.devices);
  const sum = devices.reduce((total, [, count]) => total + count, 0);
  const states = devices.map(([state, count]) => `${count} ${state}`).join(', ');
  return [
    columns([
      ['database', `${database.file} (${formatBytes(database.bytes)})`],
      ['schema version', String(database.schemaVersion)],
      ['catalog version', String(catalogVersion)],
      ['devices', states === '' ? '0' : `${sum} (${states})`],
      [
        'certificates',
        `${certificates.valid} valid, ${certificates.held} on hold, ${certificates.revoked} revoked, ${certificates.total} ever`,
      ],
      ['expiring in 30 days', String(certificates.expiringIn30Days)],
      ['pending requests', String(pendingRequests)],
    ]),
    columns([
      ['LISTENER', 'ADDRESS', 'STATE'],
      ...status.listeners.map(({ listener, address, answers, said }) => [
        listener,
        address,
        answers ? said : `does not answer: ${said}`,
      ]),
    ]),
    columns([
      ['POLICY', 'ISSUING CA', 'METHODS'],
      ...status.policies.map(({ name, issuingCa, methods, isDefault }) => [
        isDefault ? `${name} (default)` : name,
        issuingCa,
        methods.join(' '),
      ]),
    ]),
    columns([
      ['CA GENERATION', 'STATE', 'ENDS', 'CRL'],
      ...status.certificateAuthorities.map((authority) => [
        authority.id,
        authority.state,
        `${authority.notAfter.toISOString().slice(0, 10)}${authority.end === 'far' ? '' : ` (${authority.end})`}`,
        describeCrls(authority),
      ]),
    ]),
  ].join('\n\n');
}

/** The worst of its partitions. */
function describeCrls({ crls }: AuthorityState): string {
  const [first] = [...crls].sort((a, b) => a.nextUpdate.getTime() - b.nextUpdate.getTime());
  if (first === undefined) return 'none';
  const partitions = crls.length === 1 ? '' : `, ${crls.length} partitions`;
  return `${first.freshness}, valid until ${first.nextUpdate.toISOString()}${partitions}`;
}
