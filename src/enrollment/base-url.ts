/** Where a policy is reached over TLS: what the URLs begin with that a protocol hands out. */
import { isIPv6 } from 'node:net';
import type { Catalog } from '../catalog/catalog.js';
import { serverNames } from '../catalog/server-names.js';
import { findTarget } from './target.js';

export interface PublicAddress {
  /** A name, or an address without brackets. */
  readonly publicName: string;
  readonly deviceTlsPort: number;
}

/**
 * The host that a requester has named is only believed where it is one of the gateway's own names, with whatever port: others
 * could have URLs handed out that lead to them. What comes after the host of a rendezvous zone is left out, as nothing is
 * served there.
 */
export function createBaseUrl(
  catalog: () => Catalog,
  { publicName, deviceTlsPort }: PublicAddress,
): (label: string | undefined, host: string | undefined) => string {
  let names: { readonly catalog: Catalog; readonly known: ReadonlySet<string> } | undefined;

  function knownNames(): ReadonlySet<string> {
    const present = catalog();
    if (names?.catalog !== present) {
      const known = serverNames(present, publicName).map((name) => name.toLowerCase());
      names = { catalog: present, known: new Set(known) };
    }
    return names.known;
  }

  return (label, host) => {
    const named = host === undefined ? undefined : parseHost(host);
    if (named !== undefined && knownNames().has(named.name)) return `https://${named.host}`;
    const { division } = findTarget(catalog(), label).resolved.policy;
    const zone = catalog().divisions.get(division)?.rendezvousZone;
    if (zone !== undefined) return new URL(zone.https).origin;
    const name = isIPv6(publicName) ? `[${publicName}]` : publicName;
    return `https://${name}${deviceTlsPort === 443 ? '' : `:${deviceTlsPort}`}`;
  };
}

/** RFC 9110 7.2: a name, an IPv4 address or one of IPv6 in brackets, and perhaps a port. */
function parseHost(text: string): { readonly host: string; readonly name: string } | undefined {
  const host = text.toLowerCase();
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([1-9]\d{0,4}))?$/.exec(host) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined || Number(port ?? 443) > 65_535) return undefined;
  return { host, name };
}
