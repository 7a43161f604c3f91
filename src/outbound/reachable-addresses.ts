/** What an outbound request may connect to. */
import { isIP, type LookupFunction } from 'node:net';
import { OutboundError, outboundFailure } from './outbound-error.js';
import { compilePermitted, type OutboundNetworks } from './permitted-addresses.js';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

interface Target {
  /** Host and port, for errors. */
  readonly label: string;
  /** A name or an address, without brackets. */
  readonly host: string;
  /** Where a name is, if that is known. */
  readonly addresses: readonly string[] | undefined;
  readonly networks: OutboundNetworks;
}

/**
 * The permitted addresses. A name may have other addresses too: they are never tried.
 * @throws OutboundError `denied-address` when none is, `unreachable` when there is no address at all
 */
export async function reachableAddresses(target: Target, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  const { label, networks } = target;
  const addresses = await allAddresses(target, resolve);
  const permits = compilePermitted(networks);
  const permitted = addresses.filter(({ address }) => permits(address));
  if (permitted.length > 0) return permitted;
  if (addresses.length === 0) throw new OutboundError('unreachable', `${label} has no address`);
  const some = addresses.slice(0, 3).map(({ address }) => address);
  throw new OutboundError('denied-address', `${label} is at ${some.join(', ')}, where outbound requests may not go`);
}

/** A look-up that has these addresses for any name, so that one that is asked for again has no chance to mean another. */
export function answerWith(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
}

async function allAddresses({ label, host, addresses }: Target, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  if (addresses !== undefined) return addresses.map((address) => ({ address, family: isIP(address) }));
  try {
    return await resolve(host);
  } catch (error) {
    throw outboundFailure('unreachable', label, error);
  }
}
