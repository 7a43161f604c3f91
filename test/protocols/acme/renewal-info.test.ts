import { describe, expect, it } from '@jest/globals';
import { finalizeOrder } from '../../../protocols/acme/finalize.js';
import { renewalInfo } from '../../../protocols/acme/renewal-info.js';
import type { RenewalQuery } from '../../../src/enrollment/request.js';
import type { Renewal } from '../../../src/enrollment/result.js';
import { GatewayError } from '../../../src/errors.js';
import { makeCsr } from '../../support/make-csr.js';
import { authorizationOf, dns, orderOf, placeOrder, placeReadyOrder, respond } from './acme-objects.js';
import { certificate, type FakeAcme, start, withAcme } from './fake-core.js';

// The example of RFC 9773 4.1.
const name = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';

function renewalOf({ account }: FakeAcme, changes: Partial<Renewal> = {}): Renewal {
  return {
    certificate,
    requester: `acme-account:${account.id}`,
    window: { start, end: new Date(start.getTime() + 86_400_000) },
    ...changes,
  };
}

async function get(acme: FakeAcme, certificateName: string, queries: RenewalQuery[] = []) {
  const { services } = acme.context;
  const renewal: typeof services.renewal = async (query) => {
    queries.push(query);
    return await services.renewal(query);
  };
  const { account: _, kid: __, payload: ___, ...request } = acme.request(undefined, { certificate: certificateName });
  return await renewalInfo(request, { ...acme.context, services: { ...services, renewal } });
}

describe('ACME renewalInfo (RFC 9773 4)', () => {
  it('tells when a certificate is to be renewed, and when to ask again; anybody may keep that', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme, { explanationUrl: 'https://example.org/why' });
      const queries: RenewalQuery[] = [];
      expect(await get(acme, name, queries)).toEqual({
        status: 200,
        json: {
          suggestedWindow: { start: '2030-01-02T03:04:05.000Z', end: '2030-01-03T03:04:05.000Z' },
          explanationURL: 'https://example.org/why',
        },
        retryAfter: 21_600,
        maxAge: 3600,
      });
      expect(queries).toEqual([
        {
          label: 'web',
          authorityKeyIdentifier: Buffer.from('69885B6B87464041E1B37B847BA0AE2CDE01C8D4', 'hex'),
          serialNumber: '87654321',
        },
      ]);
    }));

  it('is malformed 404 for a certificate that is not known', () =>
    withAcme(async (acme) => {
      await expect(get(acme, name)).rejects.toMatchObject({ type: 'malformed', status: 404 });
      expect(acme.refusals).toMatchObject([{ operation: 'renewalInfo', code: 'unknown-certificate', label: 'web' }]);
    }));

  it.each([
    ['nothing', ''],
    ['one part', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ'],
    ['three parts', `${name}.AA`],
    ['padding', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE='],
    ['base64 that is no base64url', 'aY+/.AIdlQyE'],
    ['bits that say nothing', 'aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE'],
    ['a negative serial number', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ'],
    ['a serial number with a zero too many', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AABlQyE'],
    ['no serial number', 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.'],
    ['a part that is too long', `${'A'.repeat(200)}.AIdlQyE`],
  ])('is malformed 400 for %s', (_, text) =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      await expect(get(acme, text)).rejects.toMatchObject({ type: 'malformed', status: 400 });
    }),
  );
});

describe('ACME orders that replace a certificate (RFC 9773 5)', () => {
  const replacing = { ...dns('a.example', 'c.example'), replaces: name };

  it('say so', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      const { id, order } = await placeOrder(acme, replacing);
      expect(order.replaces).toBe(name);
      expect((await orderOf(acme, id)).replaces).toBe(name);
    }));

  it.each<[string, (acme: FakeAcme) => Renewal | undefined, string]>([
    ['an unknown one', () => undefined, 'malformed'],
    ["another account's", (acme) => renewalOf(acme, { requester: 'acme-account:another' }), 'unauthorized'],
    [
      'one of another protocol',
      (acme) => renewalOf(acme, { requester: `passcode:${acme.account.id}` }),
      'unauthorized',
    ],
  ])('are refused for %s', (_, renewal, type) =>
    withAcme(async (acme) => {
      const found = renewal(acme);
      if (found !== undefined) acme.says.renewal = found;
      await expect(placeOrder(acme, replacing)).rejects.toMatchObject({ type });
    }),
  );

  it('are refused where they have no name in common with it', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      await expect(placeOrder(acme, { ...dns('b.example'), replaces: name })).rejects.toMatchObject({
        type: 'malformed',
        message: 'the certificate to be replaced has none of the identifiers of the order',
      });
    }));

  it('are one at a time, also when fifty come at once', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => placeOrder(acme, replacing)));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(refused).toHaveLength(49);
      for (const reason of refused) expect(reason).toMatchObject({ type: 'alreadyReplaced', status: 409 });
    }));

  it('make room when they fail, expire, lose an authorization or are rejected, and not when they are valid', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      acme.says.acme = { authorizationLifetime: 3600, orderLifetime: 7200 };
      const first = await placeReadyOrder(acme, replacing);
      acme.clock.advance(3600);
      expect((await authorizationOf(acme, first.authorizations[0])).status).toBe('expired');
      await placeOrder(acme, replacing);
      expect((await orderOf(acme, first.id)).status).toBe('invalid');
      acme.clock.advance(7200);
      const third = await placeReadyOrder(acme, replacing);
      acme.says.enroll = 'pending';
      await finalize(acme, third.id);
      await expect(placeOrder(acme, replacing)).rejects.toMatchObject({ type: 'alreadyReplaced' });
      acme.says.poll = new GatewayError('forbidden', 'the request was rejected');
      delete acme.says.enroll;
      const fourth = await placeReadyOrder(acme, replacing);
      await finalize(acme, fourth.id);
      await expect(placeOrder(acme, replacing)).rejects.toMatchObject({ type: 'alreadyReplaced' });
    }));

  async function finalize(acme: FakeAcme, id: string): Promise<void> {
    const alternatives = ['a.example', 'c.example'].map((value) => ({ type: 'dns', value }) as const);
    const csr = Buffer.from(makeCsr({ subject: '', alternatives })).toString('base64url');
    await finalizeOrder(acme.request({ csr }, { id }), acme.context);
  }

  it('of a failed validation make room as well', () =>
    withAcme(async (acme) => {
      acme.says.renewal = renewalOf(acme);
      const { authorizations } = await placeOrder(acme, replacing);
      acme.says.validate = async () => {
        throw new TypeError('down');
      };
      for (let i = 0; i < 3; i++) await respond(acme, authorizations[0]);
      expect((await placeOrder(acme, replacing)).order.status).toBe('pending');
    }));
});
