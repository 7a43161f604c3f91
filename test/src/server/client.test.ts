import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { describeClient } from '../../../src/server/client.js';

const proxy = '192.0.2.1';

function addressOf(forwarded: string | undefined, from = proxy): string {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: from });
  const request = new IncomingMessage(socket);
  if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded;
  const isTrustedProxy = (address: string) => address === proxy;
  return describeClient(request, { listener: 'admin', isTrustedProxy }).remoteAddress;
}

describe('The address of a client behind a trusted proxy', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['198.51.100.7:40001', '198.51.100.7'],
    ['[2001:db8::7]:40001', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('is in X-Forwarded-For %s: %s', (forwarded, address) => {
    expect(addressOf(forwarded)).toBe(address);
  });

  it.each(['unknown', '', '198.51.100.7,', '198.51.100.777', '_hidden', 'x'.repeat(8000), '[x]:1', '1.2.3:4'])(
    'is the proxy’s own where that has none: %.20s',
    (forwarded) => {
      expect(addressOf(forwarded)).toBe(proxy);
    },
  );

  it('is not what somebody else says', () => {
    expect(addressOf('198.51.100.7', '192.0.2.2')).toBe('192.0.2.2');
  });
});
