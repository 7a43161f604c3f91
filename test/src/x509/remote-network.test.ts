import { describe, expect, it } from '@jest/globals';
import { remoteNetwork } from '../../../src/x509/remote-network.js';

describe('the network that a client is counted by', () => {
  it.each(['192.0.2.1', '', 'unknown'])('is %p itself', (address) => {
    expect(remoteNetwork(address)).toBe(address);
  });

  it('is the first 64 bits of an IPv6 address, in whatever form and zone', () => {
    const same = ['2001:db8::1', '2001:0DB8:0:0:ffff::2', '2001:db8::192.0.2.1', '2001:db8::1%eth0'];
    expect(new Set(same.map(remoteNetwork))).toEqual(new Set(['20010db800000000/64']));
    expect(remoteNetwork('2001:db8:0:1::1')).toBe('20010db800000001/64');
  });
});
