import { describe, expect, it } from '@jest/globals';
import { constraintsOn } from '../../../src/ca/issuer-constraints.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { checkNameConstraints } from '../../../src/x509/name-constraints.js';
import { ca, makeChain, nameConstraints } from '../../support/make-chain.js';

describe('constraintsOn', () => {
  it('has those of a CA and of all above it', () => {
    const chain = makeChain([
      ca('CN=Root', nameConstraints({ permitted: ['dns:example'] })),
      ca('CN=Middle'),
      ca('CN=Issuing', nameConstraints({ excluded: ['dns:bad.example'] })),
    ]);
    const generations = new Map(
      chain.map((der, i) => [
        `ca-${i}`,
        { certificate: decodeCertificate(der), parent: i === 0 ? null : `ca-${i - 1}` },
      ]),
    );
    const find = (id: string) => generations.get(id);
    const problemOf = (id: string, value: string) => {
      const found = find(id);
      return found && checkNameConstraints([{ type: 'dns', value }], constraintsOn(found, { find }));
    };
    expect(problemOf('ca-2', 'a.example')).toBeUndefined();
    expect(problemOf('ca-2', 'a.elsewhere')).toContain('in no permitted subtree');
    expect(problemOf('ca-2', 'bad.example')).toContain('in an excluded subtree');
    expect(problemOf('ca-1', 'bad.example')).toBeUndefined();
  });
});
