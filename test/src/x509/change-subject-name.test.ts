import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeChangeSubjectName } from '../../../src/x509/change-subject-name.js';
import { DerError } from '../../../src/x509/der.js';
import { sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';

const subject = encodeName([[{ type: '2.5.4.3', value: 'device 7' }]]);
const emptySubject = sequence();
const names = [{ type: 'dns', value: 'device.example' }] as const;
const altNames = encodeGeneralNames(names);

describe('ChangeSubjectName (RFC 6402 section 2.8)', () => {
  it('asks for a subject, alternative names, or both', () => {
    expect(decodeChangeSubjectName(sequence(subject))).toEqual({ subject });
    expect(decodeChangeSubjectName(sequence(altNames))).toEqual({ subjectAltNames: names });
    expect(decodeChangeSubjectName(sequence(subject, altNames))).toEqual({ subject, subjectAltNames: names });
  });

  it('may ask for an empty subject', () => {
    expect(decodeChangeSubjectName(sequence(emptySubject, altNames))).toEqual({
      subject: emptySubject,
      subjectAltNames: names,
    });
  });

  it.each([
    ['neither', sequence()],
    ['alternative names twice', sequence(altNames, altNames)],
    ['the fields in the wrong order', sequence(altNames, subject)],
    ['subjects twice', sequence(subject, subject)],
    ['a third field', sequence(subject, altNames, altNames)],
    ['something else', sequence(smallInteger(1))],
    ['no SEQUENCE', smallInteger(1)],
  ])('is refused with %s', (_, der) => {
    expect(() => decodeChangeSubjectName(der)).toThrow(DerError);
  });

  it('fails only with DerError', () => {
    const der = sequence(subject, altNames);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), (at, octet) => {
        const changed = Uint8Array.from(der);
        changed[at] = octet;
        try {
          decodeChangeSubjectName(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
