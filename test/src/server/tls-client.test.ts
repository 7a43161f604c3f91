import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import { proxiedClient } from '../../../src/server/tls-client.js';

function chainOf(clientCert?: string, chain?: string): readonly string[] {
  const headers = {
    ...(clientCert === undefined ? {} : { 'client-cert': clientCert }),
    ...(chain === undefined ? {} : { 'client-cert-chain': chain }),
  };
  return proxiedClient(headers).clientChain.map((der) => Buffer.from(der).toString());
}

const item = (text: string) => `:${Buffer.from(text).toString('base64')}:`;

describe('the client as a trusted proxy tells it (RFC 9440)', () => {
  it('is nobody without the header', () => {
    expect(chainOf()).toEqual([]);
  });

  it('is the certificate of Client-Cert, then those of Client-Cert-Chain (2.2, 2.3)', () => {
    expect(chainOf(item('leaf'))).toEqual(['leaf']);
    expect(chainOf(item('leaf'), `${item('issuer')}, ${item('root')}`)).toEqual(['leaf', 'issuer', 'root']);
  });

  it('has no channel binding: the connection is the proxy\u2019s', () => {
    const client = proxiedClient({ 'client-cert': item('leaf') });
    expect([client.channelBinding('tls-unique'), client.channelBinding('tls-exporter')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['base64 without colons', Buffer.from('leaf').toString('base64')],
    ['one colon', ':bGVhZg=='],
    ['an empty byte sequence', '::'],
    ['characters outside of base64', ':bGVh*g==:'],
    ['a parameter', `${item('leaf')};a=1`],
    ['PEM', '-----BEGIN CERTIFICATE-----'],
  ])('refuses %s', (_, header) => {
    expect(() => proxiedClient({ 'client-cert': header })).toThrow(
      expect.objectContaining({ code: 'malformed-request' }),
    );
  });

  it('is nobody with a chain and no certificate: a proxy that knows no chains passes on what its client wrote', () => {
    expect(chainOf(undefined, item('issuer'))).toEqual([]);
    expect(chainOf('', item('issuer'))).toEqual([]);
  });

  it('refuses more than one certificate in Client-Cert', () => {
    expect(() => chainOf(`${item('a')},${item('b')}`)).toThrow(GatewayError);
  });

  it('refuses chains beyond ten certificates', () => {
    expect(() => chainOf(item('leaf'), Array.from({ length: 10 }, (_, i) => item(`${i}`)).join(','))).toThrow(
      GatewayError,
    );
  });
});
