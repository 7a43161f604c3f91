import { describe, expect, it } from '@jest/globals';
import { ProfileError } from '../../../src/policy/compile-profile.js';
import type { ProfileProblem } from '../../../src/policy/profile-problem.js';
import { compile } from './make-case.js';

type Profile = Parameters<typeof compile>[0];
type Template = Parameters<typeof compile>[1];

function problemsOf(profile: Profile, template: Template = {}): readonly ProfileProblem[] {
  try {
    compile(profile, template);
  } catch (error) {
    if (error instanceof ProfileError) return error.problems;
    throw error;
  }
  return [];
}

const cn = { attribute: 'commonName', source: 'request' } as const;

describe('compileProfile', () => {
  it('takes attributes by long and short name in any case', () => {
    const compiled = compile(
      { subject: [{ attribute: 'cn', source: 'request' }] },
      { subjectAttributes: ['CommonName'] },
    );
    expect(compiled.subject[0]?.key).toBe('2.5.4.3');
  });

  it('fits key usages to the kind of key (RFC 8813, RFC 8410)', () => {
    const { keyUsages } = compile({ keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] });
    expect(keyUsages.rsa.names).toEqual(['digitalSignature', 'keyEncipherment']);
    expect(keyUsages.ec.names).toEqual(['digitalSignature', 'keyAgreement']);
    expect(keyUsages.edwards.names).toEqual(['digitalSignature']);
    expect(keyUsages.montgomery.names).not.toContain('digitalSignature');
    expect(keyUsages['rsa-pss'].names).toEqual(['digitalSignature']);
  });

  const outside: [string, Profile, Template, (string | number)[], string][] = [
    ['validity', { validity: '3y' }, {}, ['validity'], 'at most'],
    ['shorter validity', { validity: '1d' }, { minimumValidity: '2d' }, ['validity'], 'at least'],
    ['no validity', { validity: '0d' }, {}, ['validity'], 'a second'],
    ['key usage', { keyUsages: ['digitalSignature', 'dataEncipherment'] }, {}, ['keyUsages', 1], 'dataEncipherment'],
    ['no key usage', { keyUsages: [] }, {}, ['keyUsages'], 'at least one'],
    ['extended key usage', { extendedKeyUsages: ['cmcRA'] }, {}, ['extendedKeyUsages', 0], 'cmcRA'],
    ['extension', { extensions: [{ id: '1.2.3.6', source: 'request' }] }, {}, ['extensions', 0, 'id'], '1.2.3.6'],
    [
      'extension with rules of its own',
      { extensions: [{ id: '2.5.29.17', source: 'request' }] },
      { extensions: ['2.5.29.17'] },
      ['extensions', 0, 'id'],
      'settings of its own',
    ],
    [
      'attribute',
      { subject: [cn, { attribute: 'title', source: 'request' }] },
      {},
      ['subject', 1, 'attribute'],
      'title',
    ],
    [
      'alternative name',
      { subjectAltNames: [{ type: 'uri', source: 'request' }] },
      { subjectAltNames: ['dns'] },
      ['subjectAltNames', 0, 'type'],
      'uri',
    ],
    ['path length', { pathLength: 0 }, {}, ['pathLength'], 'CA certificates'],
    [
      'keyCertSign',
      { keyUsages: ['keyCertSign'] },
      { keyUsages: ['keyCertSign'] },
      ['keyUsages', 0],
      'CA certificates',
    ],
    [
      'longer path length',
      { keyUsages: ['keyCertSign'], pathLength: 2 },
      { keyUsages: ['keyCertSign'], basicConstraints: { ca: true, maximumPathLength: 1 } },
      ['pathLength'],
      'at most 1',
    ],
    [
      'CA without path length',
      { keyUsages: ['keyCertSign'] },
      { keyUsages: ['keyCertSign'], basicConstraints: { ca: true } },
      ['pathLength'],
      'is needed',
    ],
    ['CA without keyCertSign', { pathLength: 0 }, { basicConstraints: { ca: true } }, ['keyUsages'], 'keyCertSign'],
  ];
  it.each(outside)('refuses a profile that leaves its template: %s', (_, profile, template, path, fragment) => {
    expect(problemsOf(profile, template)).toContainEqual({ path, message: expect.stringContaining(fragment) });
  });

  const wrong: [string, Profile, (string | number)[], string][] = [
    [
      'unknown attribute',
      { subject: [{ attribute: 'nonsense', source: 'request' }] },
      ['subject', 0, 'attribute'],
      'no known attribute',
    ],
    ['fixed without value', { subject: [{ ...cn, source: 'fixed' }] }, ['subject', 0, 'value'], 'is needed'],
    ['value with request', { subject: [{ ...cn, value: 'x' }] }, ['subject', 0, 'value'], 'source fixed'],
    ['device without field', { subject: [{ ...cn, source: 'device' }] }, ['subject', 0, 'field'], 'is needed'],
    [
      'unknown device field',
      { subject: [{ ...cn, source: 'device', field: 'colour' }] },
      ['subject', 0, 'field'],
      'identifiers.<name>',
    ],
    [
      'unknown credential field',
      { subject: [{ ...cn, source: 'credential', field: 'subject.x' }] },
      ['subject', 0, 'field'],
      'subject.<attribute>',
    ],
    ['field with request', { subject: [{ ...cn, field: 'name' }] }, ['subject', 0, 'field'], 'no meaning'],
    ['costly pattern', { subject: [{ ...cn, pattern: '(a+)+' }] }, ['subject', 0, 'pattern'], 'repeats a group'],
    [
      'bad pattern',
      { subjectAltNames: [{ type: 'dns', source: 'request', pattern: '[' }] },
      ['subjectAltNames', 0, 'pattern'],
      'no regular expression',
    ],
    [
      'fixed value outside the pattern',
      { subject: [{ ...cn, source: 'fixed', value: 'b', pattern: 'a' }] },
      ['subject', 0, 'value'],
      'pattern',
    ],
    [
      'fixed country of three letters',
      { subject: [{ attribute: 'C', source: 'fixed', value: 'DEU' }] },
      ['subject', 0, 'value'],
      'longer than 2',
    ],
    [
      'fixed name that is none',
      { subjectAltNames: [{ type: 'dns', source: 'fixed', value: 'a_b' }] },
      ['subjectAltNames', 0, 'value'],
      'no DNS name',
    ],
    ['two rules from the request', { subject: [cn, cn] }, ['subject', 1], 'second rule'],
    [
      'otherName without its type',
      { subjectAltNames: [{ type: 'otherName', source: 'request' }] },
      ['subjectAltNames', 0, 'typeId'],
      'is needed',
    ],
    [
      'type of otherName elsewhere',
      { subjectAltNames: [{ type: 'dns', typeId: '1.2', source: 'request' }] },
      ['subjectAltNames', 0, 'typeId'],
      'otherName only',
    ],
    [
      'wildcard elsewhere',
      { subjectAltNames: [{ type: 'uri', wildcard: true, source: 'request' }] },
      ['subjectAltNames', 0, 'wildcard'],
      'dns only',
    ],
    [
      'directoryName from the device',
      { subjectAltNames: [{ type: 'directoryName', source: 'device', field: 'name' }] },
      ['subjectAltNames', 0, 'source'],
      'only be request',
    ],
    [
      'value outside its encoding',
      { extensions: [{ id: '1.2.3.4', source: 'fixed', value: 'x1', encoding: 'der' }] },
      ['extensions', 0, 'value'],
      'encoding der',
    ],
    [
      'two rules for one extension',
      {
        extensions: [
          { id: '1.2.3.4', source: 'request' },
          { id: '1.2.3.4', source: 'request' },
        ],
      },
      ['extensions', 1, 'id'],
      'already',
    ],
    ['no names at all', { subject: [], subjectAltNames: [] }, ['subject'], 'needs a subject'],
  ];
  it.each(wrong)('refuses %s', (_, profile, path, fragment) => {
    expect(problemsOf(profile)).toContainEqual({ path, message: expect.stringContaining(fragment) });
  });

  it('tells all problems at once', () => {
    expect(problemsOf({ validity: '9y', keyUsages: [], subject: [{ ...cn, source: 'fixed' }] })).toHaveLength(3);
  });

  it('tells of unknown attributes in the template', () => {
    expect(problemsOf({}, { subjectAttributes: ['commonName', 'x'] })).toEqual([
      { path: ['template'], message: expect.stringContaining('unknown subject attribute x') },
    ]);
  });
});
