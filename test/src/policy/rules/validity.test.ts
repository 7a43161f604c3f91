import { describe, expect, it } from '@jest/globals';
import { approved, type Case, day, decideCase, expectDenied, now } from '../make-case.js';

const start = new Date('2026-05-04T10:20:30Z').getTime();
const inDays = (days: number, milliseconds = 0) => new Date(start + days * day + milliseconds);

function validityOf(matter: Case): [Date, Date] {
  const { issuance } = approved(decideCase(matter));
  return [issuance.notBefore, issuance.notAfter];
}

describe('validity rule', () => {
  const good: [string, Case, Date, Date][] = [
    ["backdates and adds the profile's validity, in whole seconds", {}, new Date(start - 60_000), inDays(90)],
    ['begins now without backdate', { issuer: { backdateSeconds: 0 } }, new Date(start), inDays(90)],
    [
      'does not begin before the CA does',
      { issuer: { notBefore: new Date(start - 10_000) } },
      new Date(start - 10_000),
      inDays(90),
    ],
    ['is cut to the end of the CA', { issuer: { notAfter: inDays(10) } }, new Date(start - 60_000), inDays(10)],
    ['ends as asked', { requested: { notAfter: inDays(5, 999) } }, new Date(start - 60_000), inDays(5)],
    ['ends as asked, at the latest', { requested: { notAfter: inDays(90) } }, new Date(start - 60_000), inDays(90)],
    ['begins as asked', { requested: { notBefore: inDays(1) } }, inDays(1), inDays(90)],
    [
      'is no shorter than the template says',
      { requested: { notAfter: inDays(7) }, template: { minimumValidity: '7d' } },
      new Date(start - 60_000),
      inDays(7),
    ],
  ];
  it.each(good)('%s', (_, matter, notBefore, notAfter) => {
    expect(validityOf(matter)).toEqual([notBefore, notAfter]);
  });

  it('tells the trace, not the requester, of the cut to the end of the CA', () => {
    const decision = approved(decideCase({ issuer: { notAfter: inDays(10) } }));
    expect(decision.modified).toEqual([]);
    expect(decision.trace).toContainEqual(expect.objectContaining({ rule: 'validity', outcome: 'changed' }));
  });

  const bad: [string, string, Case, string][] = [
    [
      "an end after the profile's",
      'rejected-profile',
      { requested: { notAfter: inDays(90, 1000) } },
      'which profile profile allows at most',
    ],
    [
      "an end after the CA's",
      'rejected-profile',
      { requested: { notAfter: inDays(11) }, issuer: { notAfter: inDays(10) } },
      'which the end of the CA allows at most',
    ],
    ['an end in the past', 'rejected-profile', { requested: { notAfter: inDays(-1) } }, 'before it begins'],
    ['an end that is no date', 'rejected-profile', { requested: { notAfter: new Date(Number.NaN) } }, 'requested end'],
    [
      'a begin that is no date',
      'rejected-profile',
      { requested: { notBefore: new Date(Number.NaN) } },
      'requested begin',
    ],
    [
      'a begin before the backdate',
      'rejected-profile',
      { requested: { notBefore: inDays(0, -61_000) } },
      'requested begin of validity is before 2026-05-04T10:19:30Z',
    ],
    ['a begin after the end', 'rejected-profile', { requested: { notBefore: inDays(91) } }, 'before it begins'],
    [
      "a validity shorter than the template's",
      'rejected-profile',
      { requested: { notAfter: inDays(6) }, template: { minimumValidity: '7d' } },
      'is shorter than the 604800 seconds',
    ],
    [
      'any wish, where the profile takes none',
      'rejected-profile',
      { requested: { notAfter: inDays(5) }, profile: { requestedValidity: false } },
      'does not let requests say',
    ],
    ['an expired CA', 'invalid-state', { issuer: { notAfter: now } }, 'has expired'],
    [
      'a CA that ends too early',
      'invalid-state',
      { issuer: { notAfter: inDays(6) }, template: { minimumValidity: '7d' } },
      'the CA ends too early',
    ],
  ];
  it.each(bad)('refuses %s', (_, code, matter, fragment) => {
    expectDenied(decideCase(matter), code, fragment);
  });
});
