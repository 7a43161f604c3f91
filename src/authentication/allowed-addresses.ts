/** IP allow lists of credentials: addresses and networks, IPv4 and IPv6. */
import { BlockList, isIP } from 'node:net';

/** Compiles addresses and CIDR networks, as configuration has checked them, into a test. */
export function compileAddresses(entries: readonly string[]): (address: string) => boolean {
  // Looking into an empty list costs as much as into a full one.
  if (entries.length === 0) return () => false;
  const networks = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) networks.addAddress(address, family);
    else networks.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && networks.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}
