import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { approveCertificateAuthority, decide, isApproved } from '../../../src/policy/decide.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { decodeBasicConstraints, decodeExtensions, decodeKeyUsage } from '../../../src/x509/extensions.js';
import {
  approved,
  type Case,
  decideCase,
  dns,
  ecKey,
  expectDenied,
  extensionsOf,
  makeInput,
  name,
  now,
} from './make-case.js';

describe('decide', () => {
  it('approves with the trace of every rule', () => {
    const decision = approved(decideCase({ alternativeNames: dns('device-1.example') }));
    expect(decision.trace.map(({ rule }) => rule)).toEqual([
      'policy',
      'device',
      'renewal',
      'request-hash',
      'key',
      'same-names',
      'subject',
      'subject-alt-names',
      'issuer-constraints',
      'registered-values',
      'proved-identifiers',
      'key-reuse',
      'basic-constraints',
      'name-constraints',
      'key-usage',
      'extended-key-usage',
      'extensions',
      'validity',
      'duplicates',
      'limits',
      'approval',
    ]);
    expect(decision.issuance).toMatchObject({
      issuerId: 'ca-1',
      profile: 'profile',
      usage: 'operational',
      isCa: false,
    });
    expect(decision.issuance.subject).toEqual(name('CN=device-1'));
    expect(decision.issuance.subjectPublicKeyInfo).toEqual(ecKey);
    expect(decision.issuance.subjectPublicKeyInfo).not.toBe(ecKey);
    expect(extensionsOf(decision).map(({ id }) => id)).toEqual(['2.5.29.17', '2.5.29.15', '2.5.29.37']);
  });

  it('ends with the first refusal, which names its rule', () => {
    const decision = decideCase({ subject: 'CN=x,O=y' });
    expect(decision.trace.at(-1)).toEqual({
      rule: 'subject',
      outcome: 'denied',
      said: 'subject attribute organizationName is not taken by profile profile',
    });
    expectDenied(decision, 'rejected-name', '(rule subject)');
  });

  it('is a function of its input', () => {
    const input = makeInput({ alternativeNames: dns('a') });
    const from = JSON.stringify(input);
    expect(decide(input)).toEqual(decide(input));
    expect(JSON.stringify(input)).toBe(from);
  });

  describe('approval', () => {
    it.each(['manual', 'two-people'] as const)('%s: a request that passes all rules waits', (approval) => {
      const decision = decideCase({ policy: { approval } });
      expect(decision).toMatchObject({ outcome: 'pending' });
      expect(decision.trace.at(-1)).toMatchObject({ rule: 'approval', outcome: 'pending' });
      approved(decideCase({ policy: { approval }, facts: { approved: true } }));
    });

    it('does not keep people busy with what the rules refuse', () => {
      expectDenied(
        decideCase({ policy: { approval: 'manual' }, subject: 'CN=x,O=y' }),
        'rejected-name',
        'organizationName',
      );
    });

    it('does not override rules', () => {
      expectDenied(
        decideCase({ policy: { approval: 'manual' }, facts: { approved: true }, subject: 'CN=x,O=y' }),
        'rejected-name',
        'organizationName',
      );
    });

    it('is not needed for the gateway itself', () => {
      approved(
        decideCase({
          policy: { approval: 'manual' },
          facts: { usage: 'service' },
          identity: { requester: 'gateway', credentials: [] },
        }),
      );
    });
  });

  describe('keys made by the gateway', () => {
    const input = makeInput({ policy: { keyGeneration: ['gateway'] } });
    const { subjectPublicKeyInfo: _, ...keyless } = input.requested;

    it('asks for the key only when everything else is settled', () => {
      expect(decide({ ...input, requested: keyless }).outcome).toBe('key-needed');
      expect(decide({ ...input, gatewayMadeKey: true }).outcome).toBe('approved');
      expectDenied(decide({ ...input, requested: { ...keyless, subject: name('O=x') } }), 'rejected-name', 'not taken');
    });

    it('needs no key while a person has not approved', () => {
      const { policy } = makeInput({ policy: { keyGeneration: ['gateway'], approval: 'manual' } }).facts;
      expect(decide({ ...input, facts: { ...input.facts, policy }, requested: keyless }).outcome).toBe('pending');
    });

    it('refuses a request of the device without a key', () => {
      expectDenied(
        decide({ ...makeInput(), requested: keyless, gatewayMadeKey: false }),
        'malformed-request',
        'no public key',
      );
    });
  });

  it('never throws, whatever bytes are sent', () => {
    const bytes = fc.uint8Array({ maxLength: 60 });
    const extension = fc.record({
      id: fc.constantFrom('2.5.29.14', '2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37', '1.2.3.4', '1.2.3.9'),
      critical: fc.boolean(),
      value: fc.oneof(
        bytes,
        bytes.map((content) => sequence(content)),
      ),
    });
    const profile: Case['profile'] = {
      extensions: [{ id: '1.2.3.4', source: 'request', encoding: 'der' }],
      otherExtensions: 'ignore',
    };
    const input = makeInput({ profile });
    fc.assert(
      fc.property(
        fc.oneof(bytes, fc.constant(name('CN=x'))),
        fc.oneof(bytes, fc.constant(ecKey)),
        fc.array(extension, { maxLength: 4 }),
        (subject, subjectPublicKeyInfo, extensions) => {
          const { outcome } = decide({
            ...input,
            requested: { ...input.requested, subject, subjectPublicKeyInfo, extensions },
          });
          expect(['approved', 'denied']).toContain(outcome);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('never throws for flipped bits in a good request', () => {
    const input = makeInput({ alternativeNames: dns('a.example', 'b.example') });
    const { subject, extensions } = input.requested;
    const flip = (der: Uint8Array, at: number, bit: number) =>
      der.map((octet, i) => (i === at % der.length ? octet ^ (1 << bit) : octet));
    fc.assert(
      fc.property(fc.nat(400), fc.nat(7), fc.constantFrom('subject', 'key', 'extension'), (at, bit, where) => {
        const requested = {
          ...input.requested,
          subject: where === 'subject' ? flip(subject, at, bit) : subject,
          subjectPublicKeyInfo: where === 'key' ? flip(ecKey, at, bit) : ecKey,
          extensions:
            where === 'extension' ? extensions.map((e) => ({ ...e, value: flip(e.value, at, bit) })) : extensions,
        };
        expect(['approved', 'denied']).toContain(decide({ ...input, requested }).outcome);
      }),
      { numRuns: 1000 },
    );
  });

  it('lets nothing of an extension outside the rules into the approval', () => {
    const plain = approved(decideCase({ profile: { otherExtensions: 'ignore' } })).issuance.extensions;
    const arc = fc.nat(200).filter((n) => ![14, 15, 17, 19, 35, 37].includes(n));
    const extension = fc.record({
      id: arc.map((n) => `2.5.29.${n}`),
      critical: fc.boolean(),
      value: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(extension, { selector: ({ id }) => id, maxLength: 6 }), (extensions) => {
        const decision = approved(decideCase({ profile: { otherExtensions: 'ignore' }, extensions }));
        expect(decision.issuance.extensions).toEqual(plain);
        expect(decision.modified).toHaveLength(extensions.length);
        if (extensions.length > 0) expectDenied(decideCase({ extensions }), 'rejected-profile', 'is not taken');
      }),
      { numRuns: 200 },
    );
  });
});

describe('ApprovedIssuance', () => {
  const { issuance } = approved(decideCase());

  it('is known by what only decide can give', () => {
    expect(isApproved(issuance)).toBe(true);
    expect(isApproved({ ...issuance })).toBe(false);
    expect(isApproved(Object.create(Object.getPrototypeOf(issuance)))).toBe(false);
    expect(isApproved(Object.create(issuance))).toBe(false);
    expect(isApproved(structuredClone({ ...issuance }))).toBe(false);
    expect(isApproved(new Proxy(issuance, {}))).toBe(false);
    expect([undefined, null, 1, 'x'].some(isApproved)).toBe(false);
  });

  it('cannot be changed', () => {
    expect(() => Object.assign(issuance, { isCa: true })).toThrow(TypeError);
    expect(Object.isFrozen(issuance.extensions)).toBe(true);
  });

  it('cannot be made by its constructor', () => {
    const { constructor: approval } = Object.getPrototypeOf(issuance);
    expect(() => Reflect.construct(approval, [Symbol('decided'), { ...issuance }])).toThrow(TypeError);
  });
});

describe('approveCertificateAuthority', () => {
  const content = {
    issuerId: 'root-1',
    subject: name('CN=CA'),
    subjectPublicKeyInfo: ecKey,
    notBefore: now,
    notAfter: new Date(now.getTime() + 1000),
  };

  it.each([undefined, 0, 3])(
    'makes a CA with path length %s, critical, for certificates and CRLs (RFC 5280 4.2.1.3, 4.2.1.9)',
    (pathLength) => {
      const issuance = approveCertificateAuthority({ ...content, ...(pathLength === undefined ? {} : { pathLength }) });
      expect(isApproved(issuance)).toBe(true);
      expect(issuance).toMatchObject({ ...content, isCa: true, usage: 'service' });
      const [constraints, usage, ...rest] = decodeExtensions(sequence(...issuance.extensions));
      expect(constraints).toMatchObject({ id: '2.5.29.19', critical: true });
      expect(decodeBasicConstraints(constraints?.value ?? Uint8Array.of())).toEqual({
        ca: true,
        ...(pathLength === undefined ? {} : { pathLength }),
      });
      expect(usage).toMatchObject({ id: '2.5.29.15', critical: true });
      expect(decodeKeyUsage(usage?.value ?? Uint8Array.of())).toEqual(['digitalSignature', 'keyCertSign', 'cRLSign']);
      expect(rest).toEqual([]);
    },
  );
});
