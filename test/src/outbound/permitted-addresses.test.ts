import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compilePermitted } from '../../../src/outbound/permitted-addresses.js';

const byDefault = compilePermitted({ allowed: [], denied: [] });

describe('addresses of outbound requests', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '0::0']],
    ['link-local, with the metadata services of clouds', ['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1']],
    ['link-local with a zone', ['fe80::1%eth0', 'fe80::1%2']],
    ['site-local', ['fec0::1']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
    ['broadcast and reserved', ['255.255.255.255', '240.0.0.1', '192.0.0.192', '198.18.0.1', '100::1', '5f00::1']],
    ['for documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    ['metadata services elsewhere', ['100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']],
    ['loopback, IPv4-mapped (RFC 4291 2.5.5.2)', ['::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:7f00:0001']],
    ['metadata service, IPv4-mapped', ['::ffff:169.254.169.254']],
    ['loopback, IPv4-compatible (RFC 4291 2.5.5.1)', ['::127.0.0.1', '::7f00:1']],
    ['loopback, IPv4-translated (RFC 2765)', ['::ffff:0:127.0.0.1']],
    ['loopback behind NAT64 (RFC 6052)', ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '0064:FF9B::7F00:0001']],
    ['metadata service behind NAT64', ['64:ff9b::a9fe:a9fe']],
    ['any behind a local NAT64 prefix (RFC 8215)', ['64:ff9b:1::808:808']],
    ['loopback behind 6to4 (RFC 3056)', ['2002:7f00:1::', '2002:7f00:0001:1::1']],
    ['Teredo (RFC 4380)', ['2001:0:4136:e378:8000:63bf:3fff:fdd2']],
    ['no address', ['', 'localhost', '127.1', '1.2.3.4.5', '[::1]', '10.0.0.0/8']],
  ])('are denied by default: %s', (_kind, addresses) => {
    expect(addresses.filter(byDefault)).toEqual([]);
  });

  it.each([
    ['public', ['8.8.8.8', '126.255.255.255', '128.0.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450::1']],
    ['private (RFC 1918) and shared (RFC 6598)', ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1']],
    ['unique local (RFC 4193)', ['fd12:3456::1', 'fc00::1']],
    ['public, IPv4-mapped, behind NAT64 and 6to4', ['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1']],
  ])('are permitted by default: %s', (_kind, addresses) => {
    expect(addresses.filter(byDefault)).toEqual(addresses);
  });

  it('are permitted where a network is allowed, in every form, and only there', () => {
    const permitted = compilePermitted({ allowed: ['127.0.0.0/8', '::1', 'fe80::/10'], denied: [] });
    const good = ['127.0.0.1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '::1', 'fe80::1%eth0'];
    expect(good.filter(permitted)).toEqual(good);
    expect(['169.254.169.254', '0.0.0.0', '::', '::2', 'fec0::1'].filter(permitted)).toEqual([]);
  });

  it('are denied where a network is denied, in every form, even if it is allowed as well', () => {
    const permitted = compilePermitted({
      allowed: ['127.0.0.0/8', '::/0', '0.0.0.0/0'],
      denied: ['127.0.0.1', '10.0.0.0/8', 'fc00::/7', '2002::/16'],
    });
    const bad = [
      '127.0.0.1',
      '::ffff:127.0.0.1',
      '64:ff9b::127.0.0.1',
      '10.1.2.3',
      '::ffff:a01:203',
      '64:ff9b::a01:203',
    ];
    expect([...bad, 'fd00::1', '2002:808:808::1'].filter(permitted)).toEqual([]);
    expect(['127.0.0.2', '11.0.0.1', '::1', '64:ff9b::127.0.0.2'].filter(permitted)).toHaveLength(4);
  });

  it('are judged alike however an IPv4 address is written into an IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const hex = Buffer.from(address.split('.').map(Number)).toString('hex').replace(/^.{4}/, '$&:');
        const forms = [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${address}`, `64:ff9b::${hex}`, `2002:${hex}::`];
        expect(forms.map(byDefault)).toEqual(forms.map(() => byDefault(address)));
      }),
    );
  });

  it('never fail to be judged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.string()), (text) => {
        expect(typeof byDefault(text)).toBe('boolean');
      }),
    );
  });
});
