/** Names that the gateway's own machine gives to addresses, such as localhost. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** The addresses of a name in the hosts file; none where there is no such file. */
export async function addressesInHostsFile(name: string): Promise<string[]> {
  const text = await readFile(hostsFile, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((each) => each.toLowerCase() === name) ? [address] : [];
  });
}

const hostsFile = '/etc/hosts';
