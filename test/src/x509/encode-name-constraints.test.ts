import { describe, expect, it } from '@jest/globals';
import {
  encodeNameConstraints,
  type NameSubtree,
  parseNameSubtree,
} from '../../../src/x509/encode-name-constraints.js';
import type { GeneralName } from '../../../src/x509/general-names.js';
import { checkNameConstraints, decodeNameConstraints } from '../../../src/x509/name-constraints.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { nameConstraints } from '../../support/make-chain.js';

describe('encodeNameConstraints (RFC 5280 4.2.1.10)', () => {
  it('encodes every form as another encoder does', () => {
    const own = encodeNameConstraints({
      permitted: [parseNameSubtree('dns', 'Plant.example'), parseNameSubtree('ip', '10.0.0.0/9')],
      excluded: [
        parseNameSubtree('email', '.example.org'),
        parseNameSubtree('uri', 'host.example'),
        parseNameSubtree('ip', '2001:db8::/33'),
      ],
    });
    const other = nameConstraints({
      permitted: ['dns:plant.example', 'ip:0a000000ff800000'],
      excluded: ['email:.example.org', 'uri:host.example', `ip:20010db8${'00'.repeat(12)}ffffffff80${'00'.repeat(11)}`],
    });
    expect(Buffer.from(own).toString('hex')).toBe(Buffer.from(other.value).toString('hex'));
  });

  it('is never empty', () => {
    expect(() => encodeNameConstraints({ permitted: [], excluded: [] })).toThrow(RangeError);
  });

  it.each<[NameSubtree['type'], string, GeneralName, GeneralName]>([
    ['dns', 'plant.example', { type: 'dns', value: 'a.plant.example' }, { type: 'dns', value: 'aplant.example' }],
    ['ip', '10.0.0.0/9', { type: 'ip', value: '10.127.255.255' }, { type: 'ip', value: '10.128.0.0' }],
    [
      'email',
      'plant.example',
      { type: 'email', value: 'a@plant.example' },
      { type: 'email', value: 'a@b.plant.example' },
    ],
    [
      'uri',
      '.plant.example',
      { type: 'uri', value: 'https://b.plant.example/x' },
      { type: 'uri', value: 'https://plant.example/' },
    ],
    ['directoryName', 'O=Plant', name('CN=a,O=Plant'), name('CN=a,O=Plants')],
  ])('permits by %s what is inside, and nothing else', (form, written, inside, outside) => {
    const permitted = [parseNameSubtree(form, written)];
    const constraints = [decodeNameConstraints(encodeNameConstraints({ permitted, excluded: [] }))];
    expect(checkNameConstraints([inside], constraints)).toBeUndefined();
    expect(checkNameConstraints([outside], constraints)).toContain('in no permitted subtree');
  });

  it('covers all addresses by a prefix of zero', () => {
    const excluded = [parseNameSubtree('ip', '0.0.0.0/0')];
    const constraints = [decodeNameConstraints(encodeNameConstraints({ permitted: [], excluded }))];
    expect(checkNameConstraints([{ type: 'ip', value: '192.0.2.1' }], constraints)).toContain('excluded');
  });
});

describe('parseNameSubtree', () => {
  it.each([
    ['dns', '.plant.example'],
    ['dns', '*.plant.example'],
    ['dns', 'plant.example.'],
    ['dns', 'bücher.example'],
    ['dns', `${'a'.repeat(64)}.example`],
    ['ip', '10.0.0.0'],
    ['ip', '10.0.0.0/33'],
    ['ip', '10.0.0.0/08'],
    ['ip', '10.0.0.1/8'],
    ['ip', '::/129'],
    ['email', '@plant.example'],
    ['email', 'a b@plant.example'],
    ['uri', 'https://plant.example'],
    ['directoryName', 'Plant'],
    ['directoryName', ' '],
  ] as const)('refuses %s %s', (form, written) => {
    expect(() => parseNameSubtree(form, written)).toThrow(SyntaxError);
  });
});

function name(written: string): GeneralName {
  return { type: 'directoryName', value: encodeName(parseName(written)) };
}
