import { describe, expect, it } from '@jest/globals';
import { compileAddresses } from '../../../src/authentication/allowed-addresses.js';

describe('lists of addresses', () => {
  const allows = compileAddresses(['192.0.2.7', '10.20.0.0/16', '2001:db8::7', 'fd00:20::/32']);

  it.each(['192.0.2.7', '10.20.0.0', '10.20.255.255', '2001:db8::7', '2001:db8:0::0:7', 'fd00:20:ffff::1'])(
    'have %s',
    (address) => {
      expect(allows(address)).toBe(true);
    },
  );

  it.each([
    '192.0.2.8',
    '10.21.0.0',
    '2001:db8::8',
    'fd00:21::1',
    '',
    'localhost',
    '10.20.0.0/16',
    '0x0a140001',
    '10.20.0.1, 192.0.2.7',
  ])('do not have %s', (address) => {
    expect(allows(address)).toBe(false);
  });

  it('have nobody when they are empty', () => {
    expect(['127.0.0.1', '::1', '0.0.0.0'].filter(compileAddresses([]))).toEqual([]);
  });

  it('have everybody with the whole network, of its version', () => {
    expect(['127.0.0.1', '255.255.255.255', '::1'].filter(compileAddresses(['0.0.0.0/0']))).toEqual([
      '127.0.0.1',
      '255.255.255.255',
    ]);
  });
});
