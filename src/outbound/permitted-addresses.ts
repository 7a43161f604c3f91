/** Which addresses outbound requests may go to. */
import { BlockList, isIP } from 'node:net';

/** Addresses and CIDR networks, IPv4 and IPv6. */
export interface OutboundNetworks {
  /** Permitted although they are denied by default. */
  readonly allowed: readonly string[];
  /** Denied in any case. */
  readonly denied: readonly string[];
}

/**
 * Compiles networks into a test for addresses. Denied by default is what is no place of its own in a network: loopback,
 * link-local, multicast, reserved and documentation addresses (RFC 6890), and where clouds tell machines their secrets.
 * Private networks are permitted. An IPv6 address that translators turn into an IPv4 address is judged as that one.
 */
export function compilePermitted({ allowed, denied }: OutboundNetworks): (address: string) => boolean {
  const isAllowed = compile(allowed);
  const isDenied = compile(denied);
  return (text) => {
    const [address = ''] = text.split('%');
    const version = isIP(address);
    if (version === 0 || isDenied(address)) return false;
    const reached = version === 6 ? (carriedIpv4(address) ?? address) : address;
    if (isDenied(reached)) return false;
    return isAllowed(reached) || !isDeniedByDefault(reached);
  };
}

function compile(networks: readonly string[]): (address: string) => boolean {
  // One list for both would find IPv4 addresses in IPv6 networks that have the mapped ones, such as ::/3.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = familyOf(address);
    if (prefix === undefined) lists[family].addAddress(address, family);
    else lists[family].addSubnet(address, Number(prefix), family);
  }
  return (address) => lists[familyOf(address)].check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

const isDeniedByDefault = compile([
  '0.0.0.0/8', // unspecified, "this" network
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, with most clouds' metadata services
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4', // reserved, and broadcast
  '100.100.100.200', // metadata: Alibaba Cloud
  '168.63.129.16', // metadata: Azure
  // All of IPv6 that is neither global unicast (2000::/3) nor unique local (fc00::/7): loopback and unspecified,
  // link-local and multicast are in the first and the last.
  '::/3',
  '4000::/2',
  '8000::/2',
  'c000::/3',
  'e000::/4',
  'f000::/5',
  'f800::/6',
  'fe00::/7',
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32',
  '3fff::/20',
  'fd00:ec2::/32', // metadata: AWS
  'fd20:ce::254', // metadata: Google Cloud
]);

/** The IPv4 address inside of an IPv4-mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 address (RFC 3056). */
function carriedIpv4(address: string): string | undefined {
  const groups = expand(address);
  const start = groups.slice(0, 6).join(':');
  if (start === '0:0:0:0:0:ffff' || start === '64:ff9b:0:0:0:0') return dotted(groups[6], groups[7]);
  return groups[0] === '2002' ? dotted(groups[1], groups[2]) : undefined;
}

/** The eight groups of an IPv6 address, in hex without leading zeros. */
function expand(address: string): string[] {
  // The URL parser knows all spellings, and writes one: lower case, shortened, nothing dotted.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = [], after = []] = canonical
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  return [...before, ...new Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

function dotted(high = '0', low = '0'): string {
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}
