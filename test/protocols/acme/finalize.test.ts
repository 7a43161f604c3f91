import { describe, expect, it } from '@jest/globals';
import { account } from '../../../protocols/acme/accounts.js';
import { authorization } from '../../../protocols/acme/authorizations.js';
import { finalizeOrder } from '../../../protocols/acme/finalize.js';
import { keyThumbprintOf } from '../../../protocols/acme/key-thumbprint.js';
import type { AccountRecord } from '../../../protocols/acme/store/accounts.js';
import { type ErrorCode, GatewayError } from '../../../src/errors.js';
import { encodeHardwareModule, encodePermanentIdentifier } from '../../../src/x509/device-names.js';
import { decodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { type CsrOptions, deviceKey, makeCsr, rsaKey, spkiOf } from '../../support/make-csr.js';
import { dns, idOf, type OrderObject, orderOf, placeOrder, placeReadyOrder, read } from './acme-objects.js';
import { certificate, type FakeAcme, issued, urls, withAcme } from './fake-core.js';

const permanentIdentifier = (value: string): GeneralName => ({
  type: 'otherName',
  typeId: '1.3.6.1.5.5.7.8.3',
  value: encodePermanentIdentifier({ value }),
});

function csrFor(names: readonly string[], more: CsrOptions = {}): string {
  const alternatives = names.map((value) => ({ type: 'dns', value }) as const);
  return base64Url(makeCsr({ subject: '', alternatives, ...more }));
}

function base64Url(der: Uint8Array): string {
  return Buffer.from(der).toString('base64url');
}

async function finalize(acme: FakeAcme, id: string, csr: string) {
  return await finalizeOrder(acme.request({ csr }, { id }), acme.context);
}

describe('ACME finalize (RFC 8555 7.4)', () => {
  it('has the certificate issued to the account, and makes the order valid as long as that is', () =>
    withAcme(async (acme) => {
      acme.says.profiles = [{ name: 'short' }];
      const { id } = await placeReadyOrder(acme, {
        ...dns('a.example', '*.example'),
        notAfter: '2030-03-01T00:00:00Z',
      });
      const answer = await finalize(acme, id, csrFor(['*.example', 'A.example']));
      expect(answer).toMatchObject({ status: 200, location: urls.order(id) });
      expect(read<OrderObject>(answer)).toMatchObject({
        status: 'valid',
        expires: '2030-04-01T00:00:00.000Z',
        certificate: urls.certificate(id),
      });
      expect(acme.enrollments).toMatchObject([
        {
          protocol: 'acme',
          label: 'web',
          operation: 'enroll',
          transactionId: id,
          profileHint: 'short',
          requested: { requestHash: 'sha256', notAfter: new Date('2030-03-01T00:00:00Z') },
          credentials: [
            {
              kind: 'acme-account',
              account: acme.account.id,
              identifiers: [
                { type: 'dns', value: 'a.example' },
                { type: 'dns', value: '*.example' },
              ],
            },
          ],
        },
      ]);
      expect(acme.enrollments[0]?.requested.subjectPublicKeyInfo).toEqual(spkiOf(deviceKey));
      expect(await orderOf(acme, id)).toMatchObject({ status: 'valid' });
    }));

  it('presents the external account of the account', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorization: 'externalAccount' };
      const { id } = await placeOrder(acme, dns('a.example'));
      const request = acme.request({ csr: csrFor(['a.example']) }, { id });
      await finalizeOrder({ ...request, account: { ...acme.account, externalAccount: 'eab-1' } }, acme.context);
      expect(acme.enrollments[0]?.credentials).toMatchObject([{ externalAccount: 'eab-1' }]);
    }));

  it.each<[string, CsrOptions, unknown]>([
    ['in the common name alone', { subject: 'CN=A.example', alternatives: [] }, ['a.example']],
    ['some in the common name', { subject: 'CN=b.example', alternatives: [] }, ['a.example', 'b.example']],
  ])('finds the names %s, and asks the core for all of them', (_, options, names) =>
    withAcme(async (acme) => {
      const ordered = names as string[];
      const { id } = await placeReadyOrder(acme, dns(...ordered));
      const rest = ordered.filter((name) => !String(options.subject).toLowerCase().includes(name));
      await finalize(acme, id, csrFor(rest, rest.length === 0 ? options : { subject: options.subject ?? '' }));
      const { extensions = [] } = acme.enrollments[0]?.requested ?? {};
      const [asked] = extensions.filter((extension) => extension.id === idCeSubjectAltName);
      expect(decodeGeneralNames(asked?.value ?? new Uint8Array())).toEqual(
        ordered.map((value) => ({ type: 'dns', value })),
      );
    }),
  );

  it.each<[string, string, RegExp]>([
    ['a name too many', csrFor(['a.example', 'b.example', 'c.example']), /no "c\.example" \(dns\)/],
    ['a name too few', csrFor(['a.example']), /leaves out "b\.example"/],
    ['no names', csrFor([], { alternatives: [] }), /leaves out "a\.example"/],
    ['a wildcard for a name', csrFor(['a.example', '*.example']), /no "\*\.example" \(dns\)/],
    [
      'a common name of its own',
      csrFor(['a.example', 'b.example'], { subject: 'CN=evil.example' }),
      /no "evil\.example" \(common name\)/,
    ],
    [
      'a second common name',
      csrFor(['a.example', 'b.example'], { subject: 'CN=a.example,CN=evil.example' }),
      /no "evil\.example"/,
    ],
    ['an address', csrFor([], { alternatives: [{ type: 'ip', value: '192.0.2.1' }] }), /no "192\.0\.2\.1" \(ip\)/],
    [
      'a mailbox',
      csrFor([], { alternatives: [{ type: 'email', value: 'a@example.org' }] }),
      /no "email:a@example\.org"/,
    ],
    ['a device', csrFor([], { alternatives: [permanentIdentifier('SN1')] }), /no "SN1" \(permanent-identifier\)/],
    [
      'another otherName',
      csrFor([], { alternatives: [{ type: 'otherName', typeId: '1.2.3', value: Uint8Array.of(5, 0) }] }),
      /no "otherName:1\.2\.3:0500"/,
    ],
    ['a signature by another key', csrFor(['a.example', 'b.example'], { signedBy: rsaKey }), /signature/],
    ['what is no request', base64Url(Uint8Array.of(0x30, 0)), /malformed/],
    [
      'trailing octets',
      base64Url(Buffer.concat([Buffer.from(csrFor(['a.example', 'b.example']), 'base64url'), Buffer.of(0)])),
      /malformed/,
    ],
  ])('refuses %s as badCSR, and the order stays ready', (_, csr, words) =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example', 'b.example'));
      await expect(finalize(acme, id, csr)).rejects.toMatchObject({
        type: 'badCSR',
        status: 400,
        message: expect.stringMatching(words),
      });
      expect(acme.enrollments).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'finalize' }]);
      expect((await orderOf(acme, id)).status).toBe('ready');
      await finalize(acme, id, csrFor(['a.example', 'b.example']));
      expect((await orderOf(acme, id)).status).toBe('valid');
    }),
  );

  it.each<[string, Partial<AccountRecord>]>([
    ['of another account', {}],
    ["of another policy's account", { policy: 'elsewhere' }],
    ['of an account that was deactivated', { status: 'deactivated' }],
  ])('refuses the key %s (RFC 8555 11.1)', (_, other) =>
    withAcme(async (acme) => {
      for (const key of [deviceKey, rsaKey]) {
        const { id } = await placeReadyOrder(acme, dns('a.example'));
        await acme.addAccount({ keyThumbprint: keyThumbprintOf(spkiOf(key)), ...other });
        await expect(finalize(acme, id, csrFor(['a.example'], { key }))).rejects.toMatchObject({
          type: 'badCSR',
          code: 'unacceptable-key',
        });
      }
      expect(acme.enrollments).toEqual([]);
    }),
  );

  it("refuses the account's own key (RFC 8555 11.1)", () =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      const { id: account, policy, keyThumbprint: oldThumbprint, jwk } = acme.account;
      const keyThumbprint = keyThumbprintOf(spkiOf(deviceKey));
      await acme.context.services.commit([
        acme.context.accounts.changeKey({ id: account, policy, jwk, keyThumbprint, oldThumbprint }),
      ]);
      await expect(finalize(acme, id, csrFor(['a.example'], { key: deviceKey }))).rejects.toMatchObject({
        type: 'badCSR',
        code: 'unacceptable-key',
      });
      expect(acme.refusals).toMatchObject([{ operation: 'finalize', code: 'unacceptable-key' }]);
    }));

  it("refuses another account's key, also of one that was given up (RFC 8555 11.1)", () =>
    withAcme(async (acme) => {
      await acme.addAccount({ keyThumbprint: keyThumbprintOf(spkiOf(deviceKey)), status: 'deactivated' });
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      await expect(finalize(acme, id, csrFor(['a.example']))).rejects.toMatchObject({
        type: 'badCSR',
        code: 'unacceptable-key',
      });
      expect(acme.enrollments).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'finalize' }]);
    }));

  it.each<[string, unknown]>([
    ['no csr', {}],
    ['PEM', { csr: '-----BEGIN CERTIFICATE REQUEST-----' }],
    ['padding', { csr: 'MIIBAA==' }],
    ['nothing at all', undefined],
  ])('refuses %s', (_, payload) =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      await expect(finalizeOrder(acme.request(payload, { id }), acme.context)).rejects.toMatchObject({
        type: 'malformed',
      });
    }),
  );

  it('is refused for an order that is not ready, and says what to do', () =>
    withAcme(async (acme) => {
      const pending = await placeOrder(acme, dns('a.example'));
      await expect(finalize(acme, pending.id, csrFor(['a.example']))).rejects.toMatchObject({
        type: 'orderNotReady',
        status: 403,
        message: 'the order is pending; complete its authorizations first',
      });
      const { id } = await placeReadyOrder(acme, dns('b.example'));
      await finalize(acme, id, csrFor(['b.example']));
      await expect(finalize(acme, id, csrFor(['b.example']))).rejects.toMatchObject({
        type: 'orderNotReady',
        message: 'the order is valid; fetch it to see where its certificate is',
      });
      const late = await placeReadyOrder(acme, dns('c.example'));
      acme.clock.advance(7 * 86_400);
      await expect(finalize(acme, late.id, csrFor(['c.example']))).rejects.toMatchObject({ type: 'orderNotReady' });
      expect(acme.issued.count).toBe(1);
    }));

  it('issues one certificate when it comes fifty times at once', () =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      const csr = csrFor(['a.example']);
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => finalize(acme, id, csr)));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') expect(outcome.value.json).toMatchObject({ status: 'valid' });
        else expect(outcome.reason).toMatchObject({ type: 'orderNotReady' });
      }
      expect(acme.issued.count).toBe(1);
    }));

  it('issues nothing for an order whose authorization was given up at the same time', () =>
    withAcme(async (acme) => {
      const { id, authorizations } = await placeReadyOrder(acme, dns('a.example'));
      const giveUp = acme.request({ status: 'deactivated' }, { id: authorizations[0] ?? '' });
      const request = acme.request({ csr: csrFor(['a.example']) }, { id });
      const { services } = acme.context;
      const enroll: typeof services.enroll = async (each) => {
        await authorization(giveUp, acme.context);
        return await services.enroll(each);
      };
      const context = { ...acme.context, services: { ...services, enroll } };
      await expect(finalizeOrder(request, context)).rejects.toMatchObject({ type: 'orderNotReady' });
      expect(acme.issued.count).toBe(0);
      expect((await orderOf(acme, id)).status).toBe('invalid');
    }));

  it.each<[ErrorCode, string]>([
    ['rejected-name', 'badCSR'],
    ['rejected-profile', 'badCSR'],
    ['unacceptable-key', 'badCSR'],
    ['duplicate-request', 'badCSR'],
    ['malformed-request', 'badCSR'],
    ['bad-secret', 'unauthorized'],
    ['forbidden', 'unauthorized'],
  ])("answers the core's %s as %s, in its words, and the order stays ready", (code, type) =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      acme.says.enroll = new GatewayError(code, 'the rule says no');
      await expect(finalize(acme, id, csrFor(['a.example']))).rejects.toMatchObject({
        type,
        code,
        message: 'the rule says no',
      });
      expect(acme.refusals).toEqual([]);
      expect((await orderOf(acme, id)).status).toBe('ready');
    }),
  );

  it.each<ErrorCode>(['unavailable', 'rate-limited', 'internal'])('lets %s through as it is', (code) =>
    withAcme(async (acme) => {
      const { id } = await placeReadyOrder(acme, dns('a.example'));
      const error = new GatewayError(code, 'not now', { retryAfterSeconds: 9 });
      acme.says.enroll = error;
      await expect(finalize(acme, id, csrFor(['a.example']))).rejects.toBe(error);
    }),
  );

  it('is refused once the policy offers the profile no more, or wants proofs', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorization: 'externalAccount' };
      acme.says.profiles = [{ name: 'short' }];
      const { id } = await placeOrder(acme, dns('a.example'));
      acme.says.profiles = [{ name: 'long' }];
      await expect(finalize(acme, id, csrFor(['a.example']))).rejects.toMatchObject({ type: 'invalidProfile' });
      acme.says.profiles = [{ name: 'short' }];
      acme.says.acme = { authorization: 'both' };
      await expect(finalize(acme, id, csrFor(['a.example']))).rejects.toMatchObject({ type: 'unauthorized' });
      expect(acme.enrollments).toEqual([]);
    }));
});

describe('ACME orders that people decide about', () => {
  async function placeWaitingOrder(acme: FakeAcme): Promise<string> {
    acme.says.enroll = 'pending';
    const { id } = await placeReadyOrder(acme, dns('a.example'));
    expect(await finalize(acme, id, csrFor(['a.example']))).toMatchObject({
      json: { status: 'processing' },
      retryAfter: 30,
    });
    return id;
  }

  it('are processing until they are approved', () =>
    withAcme(async (acme) => {
      const id = await placeWaitingOrder(acme);
      expect((await orderOf(acme, id)).status).toBe('processing');
      acme.says.poll = issued;
      const orders = await Promise.all(Array.from({ length: 10 }, () => orderOf(acme, id)));
      expect(orders).toEqual(
        orders.map(() => expect.objectContaining({ status: 'valid', certificate: urls.certificate(id) })),
      );
      const { account } = acme;
      expect(await acme.context.orders.find({ id, accountId: account.id, label: 'web' })).toMatchObject({
        certificate: Buffer.from(certificate),
      });
    }));

  it.each<ErrorCode>(['forbidden', 'not-found'])('are invalid with the reason when they were rejected (%s)', (code) =>
    withAcme(async (acme) => {
      const id = await placeWaitingOrder(acme);
      acme.says.poll = new GatewayError(code, 'the request was rejected: unknown pump');
      expect(await orderOf(acme, id)).toMatchObject({
        status: 'invalid',
        error: {
          type: 'urn:ietf:params:acme:error:unauthorized',
          detail: 'the request was rejected: unknown pump',
        },
      });
    }),
  );

  it.each<[string, (acme: FakeAcme, authorization: string) => Promise<unknown>, string]>([
    [
      'an authorization (7.5.2)',
      (acme, id) => authorization(acme.request({ status: 'deactivated' }, { id }), acme.context),
      'a.example was not authorized: its authorization was deactivated',
    ],
    [
      'the account (7.3.6)',
      (acme) => account(acme.request({ status: 'deactivated' }, { id: acme.account.id }), acme.context),
      'the account was deactivated; open another one with a new key',
    ],
  ])('are withdrawn with %s', (_, giveUp, detail) =>
    withAcme(async (acme) => {
      const id = await placeWaitingOrder(acme);
      const { authorizations } = await orderOf(acme, id);
      const others = acme.request({ status: 'deactivated' });
      const other = await acme.addAccount();
      await account(
        { ...others, account: other, exchange: { ...others.exchange, params: { id: other.id } } },
        acme.context,
      );
      expect(acme.withdrawals).toEqual([]);
      await giveUp(acme, idOf(authorizations[0]));
      expect(acme.withdrawals).toMatchObject([
        { requester: `acme-account:${acme.account.id}`, pending: 'waiting-1', reason: detail, label: 'web' },
      ]);
      expect(await orderOf(acme, id)).toMatchObject({ status: 'invalid', error: { detail } });
    }),
  );

  it('stay as they are when nobody can tell', () =>
    withAcme(async (acme) => {
      const id = await placeWaitingOrder(acme);
      acme.says.poll = new GatewayError('unavailable', 'later');
      await expect(orderOf(acme, id)).rejects.toMatchObject({ code: 'unavailable' });
      acme.says.poll = issued;
      expect((await orderOf(acme, id)).status).toBe('valid');
    }));
});

describe('ACME finalize for attested devices (draft-ietf-acme-device-attest)', () => {
  const module = '1.3.6.1.4.1.99999.1:00af';
  const identifiers = [
    { type: 'permanent-identifier', value: 'SN1' },
    { type: 'hardware-module', value: module },
  ];

  async function placeAttestedOrder(acme: FakeAcme): Promise<string> {
    const { id, authorizations } = await placeOrder(acme, { identifiers });
    for (const authorizationId of authorizations) {
      const key = { id: authorizationId, accountId: acme.account.id };
      const record = await acme.context.authorizations.find(key);
      if (record === undefined) throw new Error('no such authorization');
      await acme.context.services.commit([
        acme.context.authorizations.proceed({
          ...record,
          status: 'valid',
          attestedKey: keyFingerprint(spkiOf(deviceKey)),
          attestedBy: 'tpm-vendor',
          from: record.revision,
        }),
      ]);
    }
    return id;
  }

  it.each<[string, CsrOptions]>([
    ['neither', { subject: '', alternatives: [] }],
    ['the device in the subject', { subject: 'CN=SN1', alternatives: [] }],
    [
      'both as alternative names',
      {
        subject: '',
        alternatives: [
          permanentIdentifier('SN1'),
          { type: 'otherName', typeId: '1.3.6.1.5.5.7.8.4', value: encodeHardwareModule(module) },
        ],
      },
    ],
  ])('takes a request with %s, by whom it is attested', (_, options) =>
    withAcme(async (acme) => {
      const id = await placeAttestedOrder(acme);
      expect(await finalize(acme, id, csrFor([], options))).toMatchObject({ json: { status: 'valid' } });
      expect(acme.enrollments[0]?.credentials).toMatchObject([{ identifiers, attestedBy: ['tpm-vendor'] }]);
    }),
  );

  it('refuses another device, and another key than the attested one', () =>
    withAcme(async (acme) => {
      const id = await placeAttestedOrder(acme);
      await expect(
        finalize(acme, id, csrFor([], { alternatives: [permanentIdentifier('SN2')] })),
      ).rejects.toMatchObject({ type: 'badCSR', message: 'the order is for no "SN2" (permanent-identifier)' });
      await expect(finalize(acme, id, csrFor([], { subject: 'CN=sn1', alternatives: [] }))).rejects.toMatchObject({
        type: 'badCSR',
      });
      await expect(finalize(acme, id, csrFor([], { alternatives: [], key: rsaKey }))).rejects.toMatchObject({
        type: 'badCSR',
        message: 'the key of the request is not the one that was attested',
      });
    }));

  it('presents no device that only an external account speaks of', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorization: 'externalAccount' };
      const { id } = await placeOrder(acme, { identifiers });
      await finalize(acme, id, csrFor([], { alternatives: [] }));
      expect(acme.enrollments[0]?.credentials).toMatchObject([{ identifiers: [] }]);
    }));
});
