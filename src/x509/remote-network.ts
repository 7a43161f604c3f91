/** Which of the remote addresses are one client to the limits on clients. */
import { parseIpAddress } from './ip-address.js';

/** An IPv4 address itself; of an IPv6 address its first 64 bits, because that much is one client's to choose from. */
export function remoteNetwork(address: string): string {
  // Without the zone of a link-local address, which only means something here.
  const octets = parseIpAddress(address.split('%')[0] ?? '');
  if (octets?.length !== 16) return address;
  return `${Buffer.from(octets.subarray(0, 8)).toString('hex')}/64`;
}
