import { describe, expect, it } from '@jest/globals';
import { encodeNameConstraints, parseNameSubtree } from '../../../../src/x509/encode-name-constraints.js';
import { decodeNameConstraints } from '../../../../src/x509/name-constraints.js';
import { namesEqual } from '../../../../src/x509/names.js';
import { approved, type Case, decideCase, dns, expectDenied, name } from '../make-case.js';

const constraints = (form: 'dns' | 'directoryName', text: string, list: 'permitted' | 'excluded' = 'permitted') =>
  decodeNameConstraints(encodeNameConstraints({ permitted: [], excluded: [], [list]: [parseNameSubtree(form, text)] }));
const under = (...nameConstraints: readonly ReturnType<typeof constraints>[]): Case => ({
  issuer: { nameConstraints },
});

describe('issuer constraints rule (RFC 5280 4.2.1.10)', () => {
  it('lets pass what is within the constraints of the CA and of all above it', () => {
    const matter = under(constraints('dns', 'plant.example'), constraints('dns', 'example'));
    expect(approved(decideCase({ ...matter, alternativeNames: dns('a.plant.example') })).modified).toEqual([]);
  });

  it('refuses an alternative name outside, whichever CA of the chain says so', () => {
    for (const matter of [
      under(constraints('dns', 'plant.example')),
      under(constraints('dns', 'other.example'), constraints('dns', 'plant.example')),
      under(constraints('dns', 'other.example', 'excluded')),
    ]) {
      const decision = decideCase({ ...matter, alternativeNames: dns('a.other.example') });
      expectDenied(decision, 'rejected-name', 'by the name constraints of the CA of policy policy');
    }
  });

  it('refuses a subject outside', () => {
    expectDenied(decideCase(under(constraints('directoryName', 'O=Plant'))), 'rejected-name', 'directoryName');
  });

  it('refuses a common name outside that some take for a host where no alternative name says which it is', () => {
    const matter = under(constraints('dns', 'plant.example'));
    const subject = name('CN=a.other.example');
    expectDenied(decideCase({ ...matter, subject, alternativeNames: [] }), 'rejected-name', 'dns');
    expect(
      approved(decideCase({ ...matter, subject: name('CN=a.plant.example'), alternativeNames: [] })).modified,
    ).toEqual([]);
    // A host has a dot in its name; and nobody looks at it beside alternative names.
    expect(approved(decideCase({ ...matter, subject: name('CN=pump 17'), alternativeNames: [] })).modified).toEqual([]);
    expect(approved(decideCase({ ...matter, subject, alternativeNames: dns('a.plant.example') })).modified).toEqual([]);
  });

  it('refuses the name of a CA to a CA: path length and constraints would not count for it (6.1.4)', () => {
    const isCaSubject = (subject: Uint8Array) => namesEqual(subject, name('CN=Device-1'));
    const ca: Case = {
      template: { basicConstraints: { ca: true }, keyUsages: ['keyCertSign'] },
      profile: { keyUsages: ['keyCertSign'], extendedKeyUsages: [], pathLength: 0 },
      issuer: { issueIntermediates: true },
      facts: { usage: 'intermediate', isCaSubject },
    };
    expectDenied(decideCase(ca), 'rejected-name', 'a CA needs a name of its own');
  });
});
