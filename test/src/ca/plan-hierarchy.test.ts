import { describe, expect, it } from '@jest/globals';
import { type ExistingPathLengths, HierarchyError, planHierarchy } from '../../../src/ca/plan-hierarchy.js';
import { certificateAuthoritySchema } from '../../../src/model/certificate-authority.js';

function plan(documents: readonly object[], existing: ExistingPathLengths = new Map()) {
  const configs = documents.map((document) =>
    certificateAuthoritySchema.parse({ key: 'ec-p256', validity: '10y', ...document }),
  );
  return planHierarchy(new Map(configs.map((config) => [config.name, config])), existing);
}

function problemsOf(...args: Parameters<typeof plan>): readonly string[] {
  try {
    plan(...args);
  } catch (error) {
    if (error instanceof HierarchyError) return error.problems;
    throw error;
  }
  return [];
}

const ca = (name: string, parent?: string, more: object = {}) => ({
  name,
  ...(parent !== undefined && { parent }),
  subject: `CN=${name}`,
  ...more,
});

describe('planning the CA hierarchy', () => {
  it('puts every CA after its parent, in whatever order they are configured', () => {
    const names = plan([ca('c', 'b'), ca('x', 'root'), ca('b', 'root'), ca('root'), ca('other')]).map(
      (planned) => planned.config.name,
    );
    expect([...names].sort()).toEqual(['b', 'c', 'other', 'root', 'x']);
    expect(names.indexOf('root')).toBeLessThan(names.indexOf('b'));
    expect(names.indexOf('root')).toBeLessThan(names.indexOf('x'));
    expect(names.indexOf('b')).toBeLessThan(names.indexOf('c'));
  });

  it('refuses a parent that is not configured', () => {
    expect(problemsOf([ca('a', 'nowhere')])).toEqual(['CA a has the parent nowhere, which is not configured']);
  });

  it('refuses parents that go round in a circle, and a CA that is its own parent', () => {
    expect(problemsOf([ca('a', 'b'), ca('b', 'c'), ca('c', 'a')])[0]).toContain('round in a circle');
    expect(problemsOf([ca('a', 'a')])[0]).toContain('round in a circle');
  });

  it('refuses subjects that are empty, malformed or used twice (RFC 5280 4.1.2.6)', () => {
    expect(problemsOf([{ ...ca('a'), subject: '   ' }])).toHaveLength(1);
    expect(problemsOf([{ ...ca('a'), subject: 'no name' }])[0]).toContain(
      "the subject 'no name', which cannot be used",
    );
    expect(problemsOf([ca('a'), { ...ca('b'), subject: 'cn=A' }])).toEqual(['CA b has the same subject as CA a']);
  });

  it('tells everything that is wrong at once', () => {
    expect(problemsOf([ca('a', 'nowhere'), ca('b', 'b'), { ...ca('c'), subject: 'nothing' }])).toHaveLength(3);
  });

  it('gives a CA below a limited one what is left (RFC 5280 4.2.1.9)', () => {
    const planned = plan([ca('root', undefined, { pathLength: 2 }), ca('b', 'root'), ca('c', 'b')]);
    expect(planned.map(({ pathLength }) => pathLength)).toEqual([2, 1, 0]);
  });

  it('leaves path lengths unlimited where nothing limits them', () => {
    expect(plan([ca('root'), ca('b', 'root', { pathLength: 5 }), ca('c', 'root')])).toMatchObject([
      {},
      { pathLength: 5 },
      {},
    ]);
    expect('pathLength' in (plan([ca('root')])[0] ?? {})).toBe(false);
  });

  it('refuses a path length that its parent does not leave room for', () => {
    expect(problemsOf([ca('root', undefined, { pathLength: 1 }), ca('b', 'root', { pathLength: 1 })])).toEqual([
      'CA b has the path length 1, but CA root above it allows 0 at most',
    ]);
    expect(problemsOf([ca('root', undefined, { pathLength: 0 }), ca('b', 'root')])).toEqual([
      'CA b cannot be below CA root, whose path length is 0',
    ]);
  });

  it('refuses to issue intermediates with a path length of 0', () => {
    const intermediates = { issueIntermediates: true };
    expect(problemsOf([ca('root', undefined, { pathLength: 1 }), ca('b', 'root', intermediates)])[0]).toContain(
      'its path length is 0',
    );
    expect(problemsOf([ca('root', undefined, { pathLength: 2 }), ca('b', 'root', intermediates)])).toEqual([]);
  });

  it('goes by the certificate of a CA that exists, whatever is configured now', () => {
    const existing = new Map([['root', 0]]);
    expect(problemsOf([ca('root', undefined, { pathLength: 3 }), ca('b', 'root')], existing)).toEqual([
      'CA b cannot be below CA root, whose path length is 0',
    ]);
  });

  it('leaves alone what exists, even if its configuration has changed to something impossible', () => {
    const existing = new Map<string, number | undefined>([
      ['root', 0],
      ['b', undefined],
    ]);
    expect(plan([ca('root'), ca('b', 'root', { pathLength: 7 })], existing)).toEqual([]);
    expect(plan([ca('b', 'gone'), { ...ca('root'), subject: 'nothing' }], existing)).toEqual([]);
    expect(plan([ca('b'), ca('c', 'b')], existing)).toMatchObject([{ config: { name: 'c' } }]);
    expect(problemsOf([ca('c', 'b')], existing)).toEqual(['CA c has the parent b, which is not configured']);
    expect(problemsOf([ca('b'), { ...ca('c', 'b'), subject: 'CN=B' }], existing)).toEqual([
      'CA c has the same subject as CA b',
    ]);
  });
});
