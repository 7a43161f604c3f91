import { describe, expect, it } from '@jest/globals';
import { readIdentifiers } from '../../../protocols/acme/identifiers.js';
import { AcmeError } from '../../../protocols/acme/problem.js';

function refusalOf(...sent: readonly { type: string; value: string }[]): AcmeError {
  try {
    readIdentifiers(sent);
  } catch (error) {
    if (error instanceof AcmeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('ACME identifiers', () => {
  it.each([
    ['dns', 'Pump-1.Example', 'pump-1.example'],
    ['dns', 'localhost', 'localhost'],
    ['dns', '*.Example', '*.example'],
    ['dns', `${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
    ['dns', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['dns', '1.2.3.4a', '1.2.3.4a'],
    ['ip', '192.0.2.1', '192.0.2.1'],
    ['ip', '2001:db8::1', '2001:db8::1'],
    ['permanent-identifier', 'SN 4711', 'SN 4711'],
    ['hardware-module', '1.3.6.1.4.1.99999.1:00AF', '1.3.6.1.4.1.99999.1:00af'],
  ])('of type %s are taken in their usual form: %s', (type, value, usual) => {
    expect(readIdentifiers([{ type, value }])).toEqual([{ type, value: usual }]);
  });

  it.each([
    ['an empty name', 'dns', '', 'rejectedIdentifier'],
    ['a final dot', 'dns', 'a.example.', 'rejectedIdentifier'],
    ['an empty label', 'dns', 'a..example', 'rejectedIdentifier'],
    ['an underscore', 'dns', 'a_b.example', 'rejectedIdentifier'],
    ['a hyphen in front', 'dns', '-a.example', 'rejectedIdentifier'],
    ['a label of 64 characters', 'dns', `${'a'.repeat(64)}.example`, 'rejectedIdentifier'],
    ['a name of 254 characters', 'dns', `${'a.'.repeat(123)}examples`, 'rejectedIdentifier'],
    ['a wildcard within', 'dns', 'a.*.example', 'rejectedIdentifier'],
    ['a partial wildcard', 'dns', 'a*.example', 'rejectedIdentifier'],
    ['two wildcards', 'dns', '*.*.example', 'rejectedIdentifier'],
    ['a wildcard of nothing', 'dns', '*.', 'rejectedIdentifier'],
    ['an IPv4 address as a name', 'dns', '192.0.2.1', 'rejectedIdentifier'],
    ['an IPv6 address as a name', 'dns', '2001:db8::1', 'rejectedIdentifier'],
    ['a top level of digits', 'dns', 'a.123', 'rejectedIdentifier'],
    ['punycode that is none (RFC 8555 7.1.4)', 'dns', 'xn--\u0061\u0000.example', 'rejectedIdentifier'],
    ['a broken internationalized label', 'dns', 'xn--a-ecp.example', 'rejectedIdentifier'],
    ['letters beyond ASCII', 'dns', 'bücher.example', 'rejectedIdentifier'],
    ['a NUL', 'dns', 'a.example\u0000.evil.example', 'rejectedIdentifier'],
    ['an address with leading zeros', 'ip', '192.0.2.001', 'malformed'],
    ['an IPv6 address in full (RFC 8738 3)', 'ip', '2001:db8:0:0:0:0:0:1', 'malformed'],
    ['an IPv6 address in upper case', 'ip', '2001:DB8::1', 'malformed'],
    ['an address with a zone', 'ip', 'fe80::1%eth0', 'malformed'],
    ['a network', 'ip', '192.0.2.0/24', 'malformed'],
    ['an empty permanent identifier', 'permanent-identifier', '', 'rejectedIdentifier'],
    ['a permanent identifier with a line end', 'permanent-identifier', 'a\nb', 'rejectedIdentifier'],
    ['a hardware module without a number', 'hardware-module', '1.2.3:', 'rejectedIdentifier'],
    ['a hardware module without a type', 'hardware-module', 'ab', 'rejectedIdentifier'],
    ['another type', 'email', 'a@example.org', 'unsupportedIdentifier'],
    ['a type that objects have', 'constructor', 'a', 'unsupportedIdentifier'],
  ])('refuse %s', (_, type, value, problem) => {
    const error = refusalOf({ type, value });
    expect(error).toMatchObject({ type: problem, subproblems: [{ type: problem, identifier: { type, value } }] });
  });

  it('are listed once each', () => {
    const sent = ['a.example', 'A.example', 'b.example'].map((value) => ({ type: 'dns', value }));
    expect(readIdentifiers(sent).map(({ value }) => value)).toEqual(['a.example', 'b.example']);
  });

  it('have a subproblem for each that is wrong (RFC 8555 6.7.1)', () => {
    const bad = { type: 'dns', value: 'a_b' };
    const good = { type: 'dns', value: 'a.example' };
    expect(refusalOf(bad, good, { type: 'dns', value: 'c_d' })).toMatchObject({
      type: 'rejectedIdentifier',
      message: '2 identifiers are refused; see the subproblems',
      subproblems: [{ identifier: bad }, { identifier: { value: 'c_d' } }],
    });
    expect(refusalOf(bad, { type: 'email', value: 'x' })).toMatchObject({
      type: 'compound',
      subproblems: [{ type: 'rejectedIdentifier' }, { type: 'unsupportedIdentifier' }],
    });
  });

  it('are a hundred at most', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ type: 'dns', value: `a${i}.example` }));
    expect(readIdentifiers(many(100))).toHaveLength(100);
    expect(refusalOf(...many(101))).toMatchObject({ type: 'malformed', code: 'malformed-request' });
  });
});
