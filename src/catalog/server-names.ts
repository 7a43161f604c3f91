/** Under which names the gateway's own TLS listeners are reached. */
import type { Catalog } from './catalog.js';

/** Host names and addresses, lower case and without brackets: what its TLS certificate has. */
export function serverNames({ divisions }: Pick<Catalog, 'divisions'>, publicName: string): string[] {
  const zones = [...divisions.values()].flatMap(({ rendezvousZone, secondaryRendezvousZone }) => [
    rendezvousZone,
    secondaryRendezvousZone,
  ]);
  const hosts = zones
    .flatMap((zone) => (zone ? [new URL(zone.https).hostname] : []))
    .map((host) => host.replace(/^\[|\]$/g, ''));
  const loopback = publicName === 'localhost' ? ['127.0.0.1', '::1'] : [];
  return [...new Set([publicName, ...hosts, ...loopback])];
}
