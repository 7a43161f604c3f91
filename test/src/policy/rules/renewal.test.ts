import { describe, expect, it } from '@jest/globals';
import { bitString, oid, sequence } from '../../../../src/x509/der-writer.js';
import { type Extension, encodeExtension } from '../../../../src/x509/extensions.js';
import type { GeneralName } from '../../../../src/x509/general-names.js';
import { formatName } from '../../../../src/x509/names.js';
import { encodeCertificate, encodeTbsCertificate } from '../../../../src/x509/tbs-certificate.js';
import {
  approved,
  type Case,
  credential,
  day,
  decideCase,
  dns,
  ecKey,
  expectDenied,
  known,
  name,
  now,
  otherEcKey,
  subjectAltName,
} from '../make-case.js';

interface Replaced {
  readonly subject?: string;
  readonly names?: readonly GeneralName[];
  readonly extensions?: readonly Extension[];
  readonly key?: Uint8Array;
  readonly facts?: Partial<typeof known>;
  /** Days from now. */
  readonly ends?: number;
}

/** A re-enrollment of a certificate of CN=device-1 with ecKey, presented by its holder. */
function renewal(replaced: Replaced = {}, more: Case = {}): Case {
  const notAfter = new Date(now.getTime() + (replaced.ends ?? 30) * day);
  const subject = name(replaced.subject ?? 'CN=device-1');
  const names = replaced.names === undefined || replaced.names.length === 0 ? [] : [subjectAltName(replaced.names)];
  const signatureAlgorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const tbs = encodeTbsCertificate({
    serialNumber: Uint8Array.of(10),
    signatureAlgorithm,
    issuer: name('CN=ca'),
    notBefore: new Date(notAfter.getTime() - 90 * day),
    notAfter,
    subject,
    subjectPublicKeyInfo: replaced.key ?? ecKey,
    extensions: [...names, ...(replaced.extensions ?? [])].map(encodeExtension),
  });
  const der = encodeCertificate(tbs, signatureAlgorithm, bitString(Uint8Array.of(0)));
  const replaces = { ...known, subject, notAfter, ...replaced.facts, der };
  const issuedCertificate = { ...known, der, notAfter };
  return {
    ...more,
    facts: { replaces, sameKey: [known], ...more.facts },
    identity: {
      requester: 'certificate:ca-1:0a',
      credentials: [],
      issuedCertificate,
      certificateSubject: subject,
      ...more.identity,
    },
    input: { operation: 'reenroll', ...more.input },
  };
}

describe('re-enrollment', () => {
  const good: [string, Case][] = [
    ['any time without a window', renewal({ ends: 89 })],
    ['within its window', renewal({ ends: 9 }, { profile: { renewal: { window: '10d' } } })],
    ['within its grace', renewal({ ends: -1 }, { profile: { renewal: { grace: '2d' } } })],
    ['of names that match by RFC 5280 7.1', renewal({ subject: 'CN=DEVICE-1 ' })],
    [
      'of the same alternative names in another order',
      renewal({ names: dns('b', 'a') }, { alternativeNames: dns('A', 'b') }),
    ],
    ['with the same key', renewal({}, { profile: { renewal: { key: 'same' } } })],
    [
      'with a new key',
      renewal(
        {},
        {
          profile: { renewal: { key: 'new' } },
          requested: { subjectPublicKeyInfo: otherEcKey },
          facts: { sameKey: [] },
        },
      ),
    ],
    ['with either key', renewal({}, { requested: { subjectPublicKeyInfo: otherEcKey }, facts: { sameKey: [] } })],
    [
      'to other names by ChangeSubjectName, where the policy allows it',
      renewal(
        {},
        {
          subject: 'CN=other',
          policy: { changeSubjectName: true },
          input: { operation: 'reenroll', changesNames: true },
        },
      ),
    ],
    ['of a bootstrap certificate', renewal({ facts: { usage: 'bootstrap' } })],
  ];
  it.each(good)('is granted %s', (_, matter) => {
    approved(decideCase(matter));
  });

  const bad: [string, string, Case, string][] = [
    ['of nothing', 'unknown-certificate', withoutReplaced(), 'not on record'],
    ['of a revoked certificate', 'revoked-requester', renewal({ facts: { status: 'revoked' } }), 'is revoked'],
    ['of a held certificate', 'revoked-requester', renewal({ facts: { status: 'held' } }), 'is held'],
    [
      'beyond its grace',
      'revoked-requester',
      renewal({ ends: -3 }, { profile: { renewal: { grace: '2d' } } }),
      'has expired on 2026-05-01',
    ],
    [
      'before its window',
      'invalid-state',
      renewal({ ends: 30 }, { profile: { renewal: { window: '10d' } } }),
      're-enrollment opens on 2026-05-24',
    ],
    [
      'of a certificate that was not presented',
      'forbidden',
      renewal({ facts: { serialNumber: '0b' } }),
      'did not authenticate',
    ],
    [
      'of a certificate of another issuer',
      'forbidden',
      renewal({ facts: { issuerId: 'ca-2' } }),
      'did not authenticate',
    ],
    ['by a passcode', 'forbidden', byPasscode(), 'did not authenticate'],
    ['with another subject', 'rejected-name', renewal({}, { subject: 'CN=other' }), 'the subject differs'],
    ['without its alternative names', 'rejected-name', renewal({ names: dns('a') }), 'alternative names differ'],
    [
      'with more alternative names',
      'rejected-name',
      renewal({ names: dns('a') }, { alternativeNames: dns('a', 'b') }),
      'alternative names differ',
    ],
    [
      'with alternative names where there were none',
      'rejected-name',
      renewal({}, { alternativeNames: dns('a') }),
      'alternative names differ',
    ],
    [
      'to other names where the policy does not allow it',
      'rejected-name',
      renewal({}, { subject: 'CN=other', input: { operation: 'reenroll', changesNames: true } }),
      'does not let re-enrollment change names',
    ],
    [
      'with a new key where it must stay',
      'unacceptable-key',
      renewal(
        {},
        {
          profile: { renewal: { key: 'same' } },
          requested: { subjectPublicKeyInfo: otherEcKey },
          facts: { sameKey: [] },
        },
      ),
      'keeps the key',
    ],
    [
      'with the same key where it must change',
      'unacceptable-key',
      renewal({}, { profile: { renewal: { key: 'new' } } }),
      'demands a new key',
    ],
    [
      'with an older key where it must change',
      'unacceptable-key',
      renewal({ key: otherEcKey }, { profile: { renewal: { key: 'new' } } }),
      'demands a new key',
    ],
  ];
  it.each(bad)('%s is refused: %s', (_, code, matter, fragment) => {
    expectDenied(decideCase(matter), code, fragment);
  });

  it('keeps what once came from the credential', () => {
    const profile: Case['profile'] = {
      subject: [
        { attribute: 'commonName', source: 'credential', field: 'username', required: true },
        { attribute: 'OU', source: 'fixed', value: 'Fleet' },
      ],
      subjectAltNames: [{ type: 'dns', source: 'credential', field: 'subject.CN', required: true }],
      extensions: [{ id: '1.2.3.4', source: 'credential', field: 'name', required: true }],
    };
    const extensions = [{ id: '1.2.3.4', critical: false, value: Uint8Array.of(12, 1, 0x70) }];
    const subject = 'OU=Fleet,CN=user-1';
    const matter = renewal({ subject, names: dns('a'), extensions }, { profile, subject, alternativeNames: dns('a') });
    expect(formatName(approved(decideCase(matter)).issuance.subject)).toBe('OU=Fleet,CN=user-1');
    expectDenied(
      decideCase({
        ...matter,
        subject: 'OU=Fleet,CN=other',
        policy: { changeSubjectName: true },
        input: { operation: 'reenroll', changesNames: true },
      }),
      'rejected-name',
      'not what the credential has',
    );
  });

  it("of the gateway's own certificates needs no presenting", () => {
    const matter = renewal({ facts: { usage: 'service' } }, { facts: { usage: 'service', sameKey: [] } });
    approved(decideCase({ ...matter, identity: { requester: 'gateway', credentials: [] } }));
  });
});

function withoutReplaced(): Case {
  const matter = renewal();
  const { replaces: _, ...facts } = matter.facts ?? {};
  return { ...matter, facts };
}

function byPasscode(): Case {
  const matter = renewal();
  return { ...matter, identity: { requester: 'passcode:c1', credentials: [credential] } };
}
