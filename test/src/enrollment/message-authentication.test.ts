/** Who has sent a message: secrets behind a MAC, and certificates with their chain (RFC 9483 3.1 to 3.3). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authenticateMessage } from '../../../src/enrollment/authenticate-message.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { applyYaml, fleetPasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { ca, extendedKeyUsage, makeChain } from '../../support/make-chain.js';
import { eventOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  addCredential,
  device,
  final,
  issued,
  mac,
  recordOf,
  remoteAddress,
  signature,
  startCmpFleet,
} from './cmp-conversation.js';

const clock = createTestClock();
let test: TestGateway;
const cmcRa = '1.3.6.1.5.5.7.3.28';
const [root, subordinate, leaf] = makeChain([
  ca('O=Vendor,CN=Vendor Root'),
  ca('O=Vendor,CN=Vendor CA'),
  { subject: 'O=Vendor,CN=ra-1', extensions: [extendedKeyUsage(cmcRa)] },
]);
const [, , plain] = makeChain([
  ca('O=Vendor,CN=Vendor Root'),
  ca('O=Vendor,CN=Vendor CA'),
  { subject: 'O=Vendor,CN=device' },
]);

/** Before the test's clock begins. */
const notAfter = '2026-02-01T00:00:00Z';

const bytes = (der: Uint8Array | undefined): Uint8Array => der ?? new Uint8Array();

const secret = (name: string, more: string) =>
  `{ kind: cmp-secret, name: ${name}, reference: ${name}, secret: open-sesame, ${more} }`;

beforeAll(async () => {
  test = await startCmpFleet(clock);
  const credentials = [
    secret('once', 'usageLimit: 1'),
    secret('elsewhere', 'allowedAddresses: [198.51.100.0/24]'),
    secret('expired', 'notAfter: "2020-01-01T00:00:00Z"'),
    secret('bound', 'registeredValues: { device: pump-1 }'),
    `{ kind: authentication-ca, name: vendor, certificate: ${yamlPem(bytes(root))} }`,
  ];
  await applyYaml(test, addCredential(credentials.join(', ')));
  await applyYaml(
    test,
    policyLike('with-ra', 'methods: [cmp], cmp: { registrationAuthorities: [vendor], crossCertify: [vendor] }'),
  );
  await applyYaml(test, policyLike('est-only', 'methods: [est]'));
  for (const require of ['secret', 'certificate', 'certificate-and-secret']) {
    const own = `{ kind: cmp-secret, name: own, reference: own, secret: open-sesame }, { kind: passcode, name: code, secret: some-passcode }, { kind: authentication-ca, name: vendor, certificate: ${yamlPem(bytes(root))} }`;
    const policy = `authenticationPolicies:\n  - { name: ${require}, division: plant, require: ${require}, credentials: [${own}] }\n`;
    await applyYaml(test, policy + policyLike(require, `methods: [cmp], authenticationPolicy: ${require}`));
  }
});
afterAll(() => test.close());

interface Message {
  readonly label?: string;
  readonly remoteAddress?: string;
  readonly requestId?: string;
}

const authenticate = (credentials: readonly PresentedCredential[], message: Message = {}) =>
  authenticateMessage(
    {
      protocol: 'cmp',
      label: 'cmp',
      operation: 'genm',
      credentials,
      remoteAddress,
      requestId: createIdentifier(),
      ...message,
    },
    test.gateway.core,
  );

const refused = (code: string) => expect.objectContaining({ code });
const vendor = (certificate: Uint8Array | undefined, ...chain: (Uint8Array | undefined)[]) =>
  signature(bytes(certificate), chain.map(bytes));

describe('A secret behind a MAC', () => {
  it('is found by its reference, and authenticates its holder', async () => {
    const requester = await authenticate([mac()]);
    expect(requester).toEqual({
      id: expect.stringMatching(/^cmp-secret:/),
      credentials: ['shared'],
      isByRevocationPassphrase: false,
      isRegistrationAuthority: false,
      isCrossCertifiable: false,
    });
    const { certificate } = await issued(test, final({}));
    expect(await recordOf(test, certificate)).toMatchObject({ requester: requester.id });
  });

  it('is refused alike when reference, secret, time or address is wrong, after being asked about each time', async () => {
    const message = /reference or secret of the message is wrong/;
    const asked: string[] = [];
    for (const [reference, text] of [
      ['shared', 'wrong'],
      ['unknown', 'open-sesame'],
      ['elsewhere', 'open-sesame'],
      ['expired', 'open-sesame'],
      ['CN=shared', 'open-sesame'],
    ] as const) {
      const known = mac(reference, text);
      if (known.kind !== 'mac') throw new Error('no MAC');
      const verify = (octets: Uint8Array) => {
        asked.push(reference);
        return known.verify(octets);
      };
      const requestId = createIdentifier();
      await expect(
        authenticate([{ ...known, verify }], { requestId, remoteAddress: '192.0.2.99' }),
      ).rejects.toMatchObject({
        code: 'bad-secret',
        message: expect.stringMatching(message),
      });
      expect(await eventOf(test, { requestId })).toMatchObject({ code: 'bad-secret', operation: 'genm' });
    }
    expect(asked).toEqual(['shared', 'unknown', 'elsewhere', 'expired', 'CN=shared']);
    await authenticate([mac('elsewhere')], { remoteAddress: '198.51.100.7' });
  });

  it('is asked about once for a message, however often that is authenticated', async () => {
    let asked = 0;
    const known = mac();
    if (known.kind !== 'mac') throw new Error('no MAC');
    const verify = (octets: Uint8Array) => {
      asked++;
      return known.verify(octets);
    };
    const credential: PresentedCredential = { ...known, verify };
    await authenticate([credential]);
    await issued(test, final({ credentials: [credential] }));
    expect(asked).toBe(1);
  });

  it('that asks for a revocation is as much work without any secret by its reference', async () => {
    for (const [reference, text, isKnown] of [
      ['shared', 'open-sesame', true],
      ['shared', 'wrong', false],
      ['unknown', 'open-sesame', false],
    ] as const) {
      const asked: string[] = [];
      const known = mac(reference, text);
      if (known.kind !== 'mac') throw new Error('no MAC');
      const verify = (octets: Uint8Array) => {
        asked.push(Buffer.from(octets).toString());
        return known.verify(octets);
      };
      const credential: PresentedCredential = { ...known, verify, forRevocation: true };
      const outcomes = [];
      for (let i = 0; i < 2; i++) {
        outcomes.push(
          await authenticate([credential], { remoteAddress: '192.0.2.98' }).then(
            ({ isByRevocationPassphrase }) => isByRevocationPassphrase,
            ({ code }) => code,
          ),
        );
      }
      expect(outcomes).toEqual(isKnown ? [false, false] : ['bad-secret', 'bad-secret']);
      // Once, for two questions about the message.
      expect(asked).toHaveLength(1);
      expect(asked.includes('open-sesame')).toBe(reference === 'shared');
    }
  });

  it('opens as many enrollments as its limit says, and still speaks for those', async () => {
    await issued(test, final({ credentials: [mac('once')] }));
    expect(await authenticate([mac('once')])).toMatchObject({ credentials: ['once'] });
    await expect(enroll(final({ credentials: [mac('once')] }), test.gateway.core)).rejects.toEqual(
      refused('bad-secret'),
    );
  });

  it('binds a request to the values registered with it', async () => {
    await issued(test, final({ credentials: [mac('bound')], commonName: 'pump-1' }));
    const other = final({ credentials: [mac('bound')], commonName: 'pump-2' });
    await expect(enroll(other, test.gateway.core)).rejects.toEqual(refused('rejected-name'));
  });

  it('is counted together with a passcode that comes in the same request', async () => {
    const credentials: PresentedCredential[] = [{ kind: 'password', password: fleetPasscode }, mac()];
    const { certificate } = await issued(test, final({ credentials }));
    const event = await test.gateway.core.store.audit.findById({ id: (await recordOf(test, certificate)).requestId });
    const { requester } = JSON.parse(event?.content ?? '{}');
    expect(requester.id).toMatch(/^cmp-secret:/);
    expect(requester.credentials.map(({ name }: { name: string }) => name)).toEqual(['shared', 'fleet']);
    const wrong: PresentedCredential[] = [{ kind: 'password', password: 'wrong-passcode' }, mac()];
    await expect(enroll(final({ credentials: wrong }), test.gateway.core)).rejects.toEqual(refused('bad-secret'));
  });

  it('cannot be guessed at any rate', async () => {
    const { failuresPerMinute } = test.gateway.core;
    const from = { remoteAddress: '203.0.113.5' };
    for (let i = 0; i < failuresPerMinute; i++) {
      await expect(authenticate([mac('shared', `guess ${i}`)], from)).rejects.toEqual(refused('bad-secret'));
    }
    await expect(authenticate([mac()], from)).rejects.toEqual(refused('rate-limited'));
    clock.advance(61);
    await authenticate([mac()], from);
  });
});

describe('What a policy requires of a message', () => {
  it.each<[string, string, PresentedCredential, string | undefined]>([
    ['secret', 'a MAC', mac('own'), undefined],
    ['secret', 'a certificate, which a secret may have come with', vendor(plain, subordinate), undefined],
    ['certificate', 'a certificate', vendor(plain, subordinate), undefined],
    ['certificate', 'a MAC', mac('own'), 'untrusted-signer'],
    ['certificate-and-secret', 'a certificate', vendor(plain, subordinate), undefined],
    ['certificate-and-secret', 'a MAC', mac('own'), 'untrusted-signer'],
  ])('%s: takes or refuses %s', async (label, _what, credential, code) => {
    if (code === undefined) await authenticate([credential], { label });
    else await expect(authenticate([credential], { label })).rejects.toEqual(refused(code));
  });

  it.each<[string, readonly PresentedCredential[], string | undefined]>([
    ['secret', [mac('own')], undefined],
    ['secret', [vendor(plain, subordinate)], 'bad-secret'],
    ['certificate', [mac('own')], 'untrusted-signer'],
    ['certificate-and-secret', [vendor(plain, subordinate)], 'bad-secret'],
    [
      'certificate-and-secret',
      [vendor(plain, subordinate), { kind: 'password', password: 'some-passcode' }],
      undefined,
    ],
  ])('%s: is all demanded of a request', async (label, credentials, code) => {
    const wanted = final({ label, credentials });
    if (code === undefined) await issued(test, wanted);
    else await expect(enroll(wanted, test.gateway.core)).rejects.toEqual(refused(code));
  });

  it('is at least one credential, and a policy that is open to CMP', async () => {
    await expect(authenticate([])).rejects.toEqual(refused('bad-secret'));
    await expect(authenticate([mac()], { label: 'est-only' })).rejects.toEqual(refused('forbidden'));
    await expect(authenticate([mac()], { label: 'nowhere' })).rejects.toEqual(refused('not-found'));
  });
});

describe('A certificate that signs a message', () => {
  it('comes with what leads up to its root, also when it was issued here', async () => {
    const { certificate, chain } = await device(test);
    const [issuing] = chain;
    const incomplete = {
      code: 'invalid-signature',
      message: expect.stringContaining('does not bring the certificates'),
    };
    await expect(authenticate([signature(certificate)])).rejects.toMatchObject(incomplete);
    expect(await authenticate([signature(certificate, [bytes(issuing)])])).toMatchObject({
      id: expect.stringMatching(/^certificate:devices-1:/),
      credentials: [],
    });
    await authenticate([signature(certificate, chain)]);
    await expect(authenticate([vendor(plain)])).rejects.toEqual(refused('untrusted-signer'));
    expect(await authenticate([vendor(plain, subordinate)])).toMatchObject({ credentials: ['vendor'] });
    await authenticate([vendor(plain, subordinate, root)]);
  });

  it.each([
    ['it has expired', {}, { notAfter }, 'the client certificate has expired'],
    ['a CA above it has expired', { notAfter }, {}, 'a CA above the client certificate has expired'],
    ['nobody knows its CA, whether it has expired or not', { key: 'unknown' }, { notAfter }, /does not chain to a CA/],
  ])('is refused, and told so, where %s', async (_, caChanges, leafChanges, message) => {
    const [, above, own] = makeChain([
      ca('O=Vendor,CN=Vendor Root'),
      { ...ca('O=Vendor,CN=Vendor CA'), ...caChanges },
      { subject: 'O=Vendor,CN=device', ...leafChanges },
    ]);
    const issuer = 'key' in caChanges ? subordinate : above;
    await expect(authenticate([vendor(own, issuer)])).rejects.toMatchObject({
      code: 'untrusted-signer',
      message: expect.stringMatching(message),
    });
  });

  it('may be in its time of grace: what it asks for says whether that counts', async () => {
    const { credential } = await device(test, { commonName: 'in grace' });
    clock.advance(92 * 86_400);
    await authenticate([credential]);
    await expect(enroll(final({ credentials: [credential] }), test.gateway.core)).rejects.toEqual(
      refused('revoked-requester'),
    );
    await issued(test, final({ operation: 'reenroll', credentials: [credential], commonName: 'in grace' }));
  });
});

describe('The rights of a requester', () => {
  it('are those of credentials that the policy names, and of cmcRA', async () => {
    const label = 'with-ra';
    expect(await authenticate([vendor(leaf, subordinate)], { label })).toMatchObject({
      isRegistrationAuthority: true,
      isCrossCertifiable: true,
    });
    expect(await authenticate([vendor(plain, subordinate)], { label })).toMatchObject({
      isRegistrationAuthority: false,
      isCrossCertifiable: true,
    });
    expect(await authenticate([mac()], { label })).toMatchObject({
      isRegistrationAuthority: false,
      isCrossCertifiable: false,
    });
    expect(await authenticate([vendor(leaf, subordinate)])).toMatchObject({ isRegistrationAuthority: false });
  });
});
