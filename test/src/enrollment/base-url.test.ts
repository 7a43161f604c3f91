import { describe, expect, it } from '@jest/globals';
import { loadCatalog } from '../../../src/catalog/load.js';
import { createBaseUrl, type PublicAddress } from '../../../src/enrollment/base-url.js';
import { smallFleet, withConfiguredStore } from '../catalog/configured-store.js';

const localhost = { publicName: 'localhost', deviceTlsPort: 8443 };

/** The base for a request with this Host header, where the division has this rendezvous zone. */
async function baseUrl(host: string | undefined, address: PublicAddress = localhost, zone = ''): Promise<string> {
  let found = '';
  await withConfiguredStore(async ({ apply, store }) => {
    const division = zone === '' ? 'plant' : `plant\n    rendezvousZone: { https: "${zone}" }`;
    await apply(smallFleet.replace('divisions:\n  - name: plant', `divisions:\n  - name: ${division}`));
    const catalog = await loadCatalog(store);
    found = createBaseUrl(() => catalog, address)('pumps', host);
  });
  return found;
}

describe('The base of URLs', () => {
  it.each([
    ['localhost:8443', 'https://localhost:8443'],
    ['LocalHost:18443', 'https://localhost:18443'],
    ['localhost', 'https://localhost'],
    ['127.0.0.1:8443', 'https://127.0.0.1:8443'],
    ['[::1]:8443', 'https://[::1]:8443'],
  ])('is the host that the requester has named, where it is one of the gateway: %s', async (host, expected) => {
    expect(await baseUrl(host)).toBe(expected);
  });

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.example:8443',
    'localhost:0',
    'localhost:65536',
    'localhost:8443@evil.example',
    'evil.example#localhost',
    'localhost/..',
    'localhost:8443, evil.example',
    '[::1',
    '::1',
    '[localhost]',
    'localhost ',
    'gate.example',
  ])('is the public name for any other host: %p', async (host) => {
    expect(await baseUrl(host)).toBe('https://localhost:8443');
  });

  it('is the rendezvous zone of the division before the public name', async () => {
    const zone = 'https://Gate.example:9000/devices/';
    const address = { publicName: 'gatehouse.internal', deviceTlsPort: 443 };
    expect(await baseUrl('evil.example', address, zone)).toBe('https://gate.example:9000');
    expect(await baseUrl('gate.example', address, zone)).toBe('https://gate.example');
    expect(await baseUrl('gatehouse.internal', address, zone)).toBe('https://gatehouse.internal');
    expect(await baseUrl('[2001:db8::1]:8443', address, 'https://[2001:db8::1]')).toBe('https://[2001:db8::1]:8443');
  });

  it('leaves out the port that URLs have anyway, and puts an address of IPv6 in brackets', async () => {
    expect(await baseUrl(undefined, { publicName: 'gate.example', deviceTlsPort: 443 })).toBe('https://gate.example');
    expect(await baseUrl('x', { publicName: '2001:db8::1', deviceTlsPort: 8443 })).toBe('https://[2001:db8::1]:8443');
    expect(await baseUrl('GATE.example', { publicName: 'Gate.Example', deviceTlsPort: 1 })).toBe(
      'https://gate.example',
    );
  });

  it('is refused for a label that names no policy', async () => {
    await withConfiguredStore(async ({ apply, store }) => {
      await apply(smallFleet);
      const catalog = await loadCatalog(store);
      const find = createBaseUrl(() => catalog, localhost);
      expect(() => find('pump', undefined)).toThrow(expect.objectContaining({ code: 'not-found' }));
    });
  });
});
