/** DNS as validation asks it: with a time limit, aliases followed, no search list and no cache. */
import { type CaaRecord, promises as dns } from 'node:dns';
import { isIPv6 } from 'node:net';
import { AcmeError } from '../problem.js';
import { addressesInHostsFile } from './hosts-file.js';

export interface Names {
  /** IPv6 first; not empty. */
  addresses(name: string): Promise<readonly string[]>;
  /** Each record in one piece. */
  texts(name: string): Promise<readonly string[]>;
  caa(name: string): Promise<readonly CaaProperty[]>;
  /** Ends what still waits for an answer. */
  close(): void;
}

/** RFC 8659 4.1. */
export interface CaaProperty {
  readonly isCritical: boolean;
  /** Lower case; empty when it cannot be told. */
  readonly tag: string;
  readonly value: string;
}

/**
 * Methods throw AcmeError `dns` when a server refuses, fails or is silent; a name that does not exist has no records.
 * Without servers those of the system are asked, after the hosts file for addresses. The system's own look-up would try the
 * names of its search list, and so take `example.com.corp.example` for `example.com`.
 * @param servers as resolverSchema has them
 * @param queryMilliseconds for the first answer of a server; the second try waits for twice as long
 */
export function openNames(servers: readonly string[], queryMilliseconds: number): Names {
  // One for each attempt, so that none waits behind, or is answered from, what another one asked.
  const resolver = new dns.Resolver({ timeout: queryMilliseconds, tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);
  let isClosed = false;

  /** Undefined when there is nothing of that type, not even an alias. */
  async function find<T>(type: string, name: string, ask: (name: string) => Promise<T[]>): Promise<T[] | undefined> {
    if (isClosed) throw problem(type, name, 'ECANCELLED');
    try {
      return await ask(name);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'ENODATA' || code === 'ENOTFOUND') return undefined;
      throw problem(type, name, code, error);
    }
  }

  /** Aliases are followed by most servers; an answer of aliases only is an empty list here. */
  async function findFollowing<T>(type: string, name: string, ask: (name: string) => Promise<T[]>): Promise<T[]> {
    let owner = name;
    for (let aliases = 0; aliases <= maximumAliases; aliases++) {
      const found = await find(type, owner, ask);
      if (found === undefined || found.length > 0) return found ?? [];
      const [alias] = (await find('CNAME', owner, (each) => resolver.resolveCname(each))) ?? [];
      if (alias === undefined) return [];
      owner = alias;
    }
    throw new AcmeError('dns', `${name} is an alias of an alias more than ${maximumAliases} times; shorten the chain`);
  }

  return {
    addresses: async (name) => {
      const known = servers.length === 0 ? await addressesInHostsFile(name) : [];
      if (known.length > 0) return byFamily(known);
      const [ipv6, ipv4] = await Promise.allSettled([
        findFollowing('AAAA', name, (each) => resolver.resolve6(each)),
        findFollowing('A', name, (each) => resolver.resolve4(each)),
      ]);
      const found = [ipv6, ipv4].flatMap((family) => (family.status === 'fulfilled' ? family.value : []));
      if (found.length > 0) return byFamily(found);
      for (const family of [ipv6, ipv4]) if (family.status === 'rejected') throw family.reason;
      throw new AcmeError('dns', `${name} has no address; add an A or AAAA record to the DNS`);
    },
    texts: async (name) => {
      const records = await findFollowing('TXT', name, (each) => resolver.resolveTxt(each));
      return records.map((strings) => strings.join(''));
    },
    caa: async (name) => {
      const records = await findFollowing('CAA', name, (each) => resolver.resolveCaa(each));
      return records.map(caaProperty);
    },
    close: () => {
      isClosed = true;
      resolver.cancel();
    },
  };
}

/** A few of each: a name must not be able to have the gateway try a whole network. */
function byFamily(addresses: readonly string[]): readonly string[] {
  const ipv6 = addresses.filter(isIPv6);
  const ipv4 = addresses.filter((address) => !isIPv6(address));
  return [...ipv6.slice(0, maximumAddresses), ...ipv4.slice(0, maximumAddresses)];
}

/** The property is a member by its tag, beside the flags, which a property called `critical` takes the place of. */
function caaProperty({ critical, ...properties }: CaaRecord): CaaProperty {
  const [tag = '', value = ''] = Object.entries(properties)[0] ?? [];
  const isCritical = typeof critical !== 'number' || (critical & 0x80) !== 0;
  return { isCritical, tag: tag.toLowerCase(), value: String(value) };
}

const maximumAliases = 8;
const maximumAddresses = 4;

function problem(type: string, name: string, code: string, cause?: unknown): AcmeError {
  const words = reasons.get(code) ?? `the answer was no use (${code})`;
  return new AcmeError('dns', `no ${type} records of ${name}: ${words}; see to its name servers, and try again`, {
    cause,
  });
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['EBADNAME', 'it is no name for the DNS'],
  ['EBADRESP', 'the answer is malformed'],
  ['ECANCELLED', 'the time for the validation is over'],
  ['ECONNREFUSED', 'no DNS server could be reached'],
  ['EREFUSED', 'the DNS server refused to answer'],
  ['ESERVFAIL', 'the DNS server failed'],
  ['ETIMEOUT', 'no DNS server answered in time'],
]);
