import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { x509Fixture } from './fixture.js';

const der = x509Fixture('ca.cert.der');
const pem = toPem('CERTIFICATE', der);

describe('PEM (RFC 7468)', () => {
  it('writes as node does', () => {
    expect(pem).toBe(new X509Certificate(der).toString());
  });

  it('reads several blocks with text between, any line ends, and only the label asked for', () => {
    const text = `subject=x\n${pem}\n${toPem('X509 CRL', Uint8Array.of(1))}${pem.replaceAll('\n', '\r\n')}`;
    expect(fromPem(text, 'CERTIFICATE')).toEqual([der, der]);
    expect(fromPem(text)).toHaveLength(3);
    expect(fromPem('')).toEqual([]);
  });

  it.each([
    ['a block without end', pem.replace(/-----END.*/, '')],
    ['another label at the end', pem.replace('END CERTIFICATE', 'END X509 CRL')],
    ['an end without block', '-----END CERTIFICATE-----'],
    ['a block inside a block', `-----BEGIN CERTIFICATE-----\n${pem}`],
    ['what is no base64', pem.replace('MII', 'M!I')],
    ['base64 cut short', '-----BEGIN X-----\nAAA\n-----END X-----'],
  ])('refuses %s', (_, text) => {
    expect(() => fromPem(text)).toThrow(SyntaxError);
  });
});
