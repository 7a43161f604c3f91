import { describe, expect, it } from '@jest/globals';
import { authorization } from '../../../protocols/acme/authorizations.js';
import { challenge } from '../../../protocols/acme/challenges.js';
import { keepHouse } from '../../../protocols/acme/housekeeping.js';
import { AcmeError, type ProblemType } from '../../../protocols/acme/problem.js';
import { authorizationOf, type ChallengeObject, dns, orderOf, placeOrder, read, respond } from './acme-objects.js';
import { type FakeAcme, start, until, urls, withAcme } from './fake-core.js';

async function challengeOf(acme: FakeAcme, id = '', type = 'http-01'): Promise<ChallengeObject> {
  return read(await challenge(acme.request(undefined, { id, type }), acme.context));
}

function failing(type: ProblemType = 'connection', detail = 'nobody answered') {
  return async () => {
    throw new AcmeError(type, detail);
  };
}

/** A validation that ends when the test says so. */
function endless() {
  let end: () => void = () => {};
  const validate = () => new Promise<void>((resolve) => (end = resolve));
  return { validate, end: () => end() };
}

describe('ACME responses to challenges (RFC 8555 7.5.1)', () => {
  it('have the challenge validated, and answer with what comes of it at once', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example', '*.example'));
      const [id = '', wildcard = ''] = authorizations;
      const answer = await respond(acme, id);
      const shown = read<ChallengeObject>(answer);
      expect(answer).toMatchObject({ status: 200, links: [`<${urls.authorization(id)}>;rel="up"`] });
      expect(answer.retryAfter).toBeUndefined();
      expect(shown).toEqual({
        type: 'http-01',
        url: urls.challenge(id, 'http-01'),
        status: 'valid',
        token: shown.token,
        validated: start.toISOString(),
      });
      await respond(acme, wildcard, 'dns-01');
      expect(acme.tasks).toMatchObject([
        {
          challenge: 'http-01',
          identifier: { type: 'dns', value: 'a.example' },
          isWildcard: false,
          token: shown.token,
          keyAuthorization: `${shown.token}.${acme.account.keyThumbprint}`,
          accountUrl: urls.account(acme.account.id),
          settings: { httpPort: 80 },
        },
        { challenge: 'dns-01', identifier: { type: 'dns', value: 'example' }, isWildcard: true },
      ]);
    }));

  it('make the authorization valid for its own time, with the challenge that was responded to', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorizationLifetime: 3600 };
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      expect(await authorizationOf(acme, authorizations[0])).toMatchObject({
        status: 'valid',
        expires: new Date(start.getTime() + 3_600_000).toISOString(),
        challenges: [{ type: 'http-01', status: 'valid' }],
      });
      expect(acme.events).toEqual([
        {
          action: 'authorization.validated',
          outcome: 'success',
          subject: authorizations[0],
          details: {
            account: acme.account.id,
            policy: 'web',
            identifier: { type: 'dns', value: 'a.example' },
            challenge: 'http-01',
          },
        },
      ]);
    }));

  it('make that of a name last for eight hours where CAA records are looked at (RFC 8659 3), and of an address longer', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorizationLifetime: 86_400, caaIdentities: ['ca.example'] };
      const { authorizations } = await placeOrder(acme, {
        identifiers: [
          { type: 'dns', value: 'a.example' },
          { type: 'ip', value: '192.0.2.1' },
        ],
      });
      const lasting = async (id: string | undefined) => {
        await respond(acme, id);
        const { expires } = (await authorizationOf(acme, id)) as { expires: string };
        return (Date.parse(expires) - start.getTime()) / 3_600_000;
      };
      expect([await lasting(authorizations[0]), await lasting(authorizations[1])]).toEqual([8, 24]);
    }));

  it('are answered in a moment when the validation takes longer', () =>
    withAcme(async (acme) => {
      const { validate, end } = endless();
      acme.says.validate = validate;
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      const answer = await respond(acme, authorizations[0]);
      expect(answer).toMatchObject({ json: { status: 'processing' }, retryAfter: 1 });
      expect(await authorization(acme.request(undefined, { id: authorizations[0] ?? '' }), acme.context)).toMatchObject(
        {
          json: { status: 'pending' },
          retryAfter: 1,
        },
      );
      end();
      await until(async () => (await challengeOf(acme, authorizations[0])).status === 'valid');
    }));

  it('make one attempt when they come fifty times at once', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      const answers = await Promise.all(Array.from({ length: 50 }, () => respond(acme, authorizations[0])));
      expect(acme.tasks).toHaveLength(1);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect((await challengeOf(acme, authorizations[0])).status).toBe('valid');
      expect(acme.events).toHaveLength(1);
    }));

  it('keep the key authorization of the key that the account had', () =>
    withAcme(async (acme) => {
      acme.says.validate = failing();
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      const { account, ...request } = acme.request({}, { id: authorizations[0] ?? '', type: 'http-01' });
      await challenge({ ...request, account: { ...account, keyThumbprint: 'another' } }, acme.context);
      expect(acme.tasks[1]?.keyAuthorization).toBe(acme.tasks[0]?.keyAuthorization);
    }));

  it('are refused where the authorization cannot become valid any more', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example', 'b.example'));
      await authorization(acme.request({ status: 'deactivated' }, { id: authorizations[0] ?? '' }), acme.context);
      await expect(respond(acme, authorizations[0])).rejects.toMatchObject({
        type: 'malformed',
        message: 'the authorization is deactivated; make a new order',
      });
      acme.clock.advance(8 * 86_400);
      await expect(respond(acme, authorizations[1])).rejects.toMatchObject({
        message: 'the authorization is expired; make a new order',
      });
      expect(acme.tasks).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'challenge' }, { operation: 'challenge' }]);
    }));

  it('are refused for a challenge that the policy offers no more', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      acme.says.acme = { challenges: ['dns-01'] };
      await expect(respond(acme, authorizations[0])).rejects.toMatchObject({ type: 'unauthorized' });
    }));

  it('are refused while another challenge of the authorization is being validated', () =>
    withAcme(async (acme) => {
      acme.says.validate = failing();
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      await expect(respond(acme, authorizations[0], 'dns-01')).rejects.toMatchObject({
        type: 'malformed',
        message: 'http-01 of the same authorization is being validated; wait for its end',
      });
    }));

  it('to those of others and to unknown ones are the same 404', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('*.example'));
      const request = acme.request({}, { id: authorizations[0] ?? '', type: 'dns-01' });
      const foreign = { ...request, account: await acme.addAccount() };
      const gone = { type: 'malformed', status: 404 };
      await expect(challenge(foreign, acme.context)).rejects.toMatchObject(gone);
      await expect(respond(acme, authorizations[0], 'http-01')).rejects.toMatchObject(gone);
      await expect(respond(acme, 'x')).rejects.toMatchObject(gone);
      expect(acme.tasks).toEqual([]);
    }));
});

describe('ACME validations that fail (RFC 8555 8.2)', () => {
  it('leave the challenge processing, with the error of each attempt and the time of the next', () =>
    withAcme(async (acme) => {
      acme.says.validate = failing('connection', 'first');
      const { id, authorizations } = await placeOrder(acme, dns('a.example'));
      expect(await respond(acme, authorizations[0])).toMatchObject({
        json: { status: 'processing', error: { type: 'urn:ietf:params:acme:error:connection', detail: 'first' } },
        retryAfter: 4,
      });
      acme.says.validate = failing('dns', 'second');
      expect(await respond(acme, authorizations[0])).toMatchObject({
        json: {
          status: 'processing',
          error: {
            type: 'urn:ietf:params:acme:error:dns',
            detail: 'second',
            subproblems: [{ detail: 'first' }, { detail: 'second' }],
          },
        },
        retryAfter: 11,
      });
      expect((await orderOf(acme, id)).status).toBe('pending');
      expect(acme.events).toEqual([]);
    }));

  it('end challenge, authorization and orders after the third attempt, with one event', () =>
    withAcme(async (acme) => {
      acme.says.validate = failing('unauthorized', 'the file has other content');
      const { id, authorizations } = await placeOrder(acme, dns('a.example', 'b.example'));
      const other = await placeOrder(acme, dns('c.example'));
      for (let i = 0; i < 3; i++) await respond(acme, authorizations[0]);
      const failed = await challengeOf(acme, authorizations[0]);
      expect(failed).toMatchObject({ status: 'invalid', error: { detail: 'the file has other content' } });
      expect(failed.error?.subproblems).toHaveLength(3);
      expect(await authorizationOf(acme, authorizations[0])).toMatchObject({
        status: 'invalid',
        challenges: [{ type: 'http-01', status: 'invalid' }],
      });
      expect(await orderOf(acme, id)).toMatchObject({
        status: 'invalid',
        error: {
          type: 'urn:ietf:params:acme:error:unauthorized',
          detail: 'a.example was not authorized: the file has other content',
        },
      });
      expect((await orderOf(acme, other.id)).status).toBe('pending');
      expect(acme.events).toMatchObject([
        {
          action: 'authorization.failed',
          outcome: 'refused',
          subject: authorizations[0],
          details: { challenge: 'http-01', error: 'unauthorized', reason: 'the file has other content' },
        },
      ]);
      // Whoever asks once more is told the end of it.
      expect(await respond(acme, authorizations[0])).toMatchObject({ json: { status: 'invalid' } });
      expect(acme.tasks).toHaveLength(3);
    }));

  it.each(['rejectedIdentifier', 'caa'] as const)('end at once for what no other attempt mends: %s', (type) =>
    withAcme(async (acme) => {
      acme.says.validate = failing(type);
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      expect(await respond(acme, authorizations[0])).toMatchObject({ json: { status: 'invalid' } });
      expect(acme.tasks).toHaveLength(1);
    }),
  );

  it('are tried again by themselves', () =>
    withAcme(
      async (acme) => {
        acme.says.validate = failing();
        const { authorizations } = await placeOrder(acme, dns('a.example'));
        await respond(acme, authorizations[0]);
        await until(async () => (await challengeOf(acme, authorizations[0])).status === 'invalid');
        expect(acme.tasks).toHaveLength(3);
      },
      [5, 10],
    ));

  it('may succeed at the second attempt: then the errors are forgotten', () =>
    withAcme(
      async (acme) => {
        acme.says.validate = async () => {
          if (acme.tasks.length === 1) throw new AcmeError('connection', 'not yet');
        };
        const { id, authorizations } = await placeOrder(acme, dns('a.example'));
        await respond(acme, authorizations[0]);
        await until(async () => (await orderOf(acme, id)).status === 'ready');
        expect((await challengeOf(acme, authorizations[0])).error).toBeUndefined();
      },
      [5, 10],
    ));

  it('by a fault of ours are tried again, and tell nothing of it but to the log', () =>
    withAcme(async (acme) => {
      acme.says.validate = async () => {
        throw new TypeError('secret of ours');
      };
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      const { status, error } = read<ChallengeObject>(await respond(acme, authorizations[0]));
      expect(status).toBe('processing');
      expect(error).toEqual({
        type: 'urn:ietf:params:acme:error:serverInternal',
        detail: 'the gateway failed to make the attempt',
        status: 500,
      });
      expect(acme.logged).toEqual([expect.stringContaining('secret of ours')]);
    }));
});

describe('ACME validations that nobody works on any more', () => {
  it('are taken up by housekeeping when their lease has ended, and by nobody before', () =>
    withAcme(async (acme) => {
      acme.says.validate = () => new Promise(() => {});
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      acme.says.validate = async () => {};
      acme.clock.advance(29);
      await keepHouse(acme.context, acme.clock.now());
      await respond(acme, authorizations[0]);
      expect(acme.tasks).toHaveLength(1);
      acme.clock.advance(1);
      await keepHouse(acme.context, acme.clock.now());
      await until(async () => (await challengeOf(acme, authorizations[0])).status === 'valid');
      expect(acme.tasks).toHaveLength(2);
      expect(acme.tasks[1]).toMatchObject({ keyAuthorization: acme.tasks[0]?.keyAuthorization });
    }));

  it('are taken up by one of several that find them due', () =>
    withAcme(async (acme) => {
      acme.says.validate = failing();
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      acme.clock.advance(3);
      acme.says.validate = async () => {};
      await Promise.all(Array.from({ length: 10 }, () => keepHouse(acme.context, acme.clock.now())));
      await until(async () => (await challengeOf(acme, authorizations[0])).status === 'valid');
      expect(acme.tasks).toHaveLength(2);
    }));

  it('are one attempt also where two processes are told at once', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example', 'b.example'));
      const processes = [acme.context, acme.startProcess()];
      const requests = authorizations.map((id) => acme.request({}, { id, type: 'http-01' }));
      await Promise.all(processes.flatMap((each) => requests.map((request) => challenge(request, each))));
      await until(async () => (await challengeOf(acme, authorizations[1])).status === 'valid');
      expect(acme.tasks).toHaveLength(2);
      expect(acme.events).toHaveLength(2);
    }));

  it('end with their authorization', () =>
    withAcme(async (acme) => {
      acme.says.acme = { orderLifetime: 60 };
      acme.says.validate = failing();
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      acme.clock.advance(60);
      acme.says.validate = async () => {};
      await keepHouse(acme.context, acme.clock.now());
      await until(async () => (await authorizationOf(acme, authorizations[0])).status === 'invalid');
      expect(acme.tasks).toHaveLength(1);
    }));

  it('change nothing when the authorization was given up meanwhile', () =>
    withAcme(async (acme) => {
      const { validate, end } = endless();
      acme.says.validate = validate;
      const { id, authorizations } = await placeOrder(acme, dns('a.example'));
      await respond(acme, authorizations[0]);
      await authorization(acme.request({ status: 'deactivated' }, { id: authorizations[0] ?? '' }), acme.context);
      end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect((await authorizationOf(acme, authorizations[0])).status).toBe('deactivated');
      expect((await orderOf(acme, id)).status).toBe('invalid');
    }));
});

describe('ACME validations are so many', () => {
  it('of one account at once: 50, and more when those have ended', () =>
    withAcme(async (acme) => {
      const ends: (() => void)[] = [];
      acme.says.validate = () => new Promise<void>((resolve) => ends.push(resolve));
      const names = Array.from({ length: 51 }, (_, i) => `a${i}.example`);
      const { authorizations } = await placeOrder(acme, dns(...names));
      const outcomes = await Promise.allSettled(authorizations.map((id) => respond(acme, id)));
      const refused = outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [{ ...outcome, i }] : []));
      expect(refused).toMatchObject([{ reason: { type: 'rateLimited', status: 429, retryAfterSeconds: 10 } }]);
      for (const end of ends) end();
      const late = authorizations[refused[0]?.i ?? 0];
      acme.says.validate = async () => {};
      await until(async () => (await respond(acme, late).catch(() => undefined)) !== undefined);
      expect((await authorizationOf(acme, late)).status).toBe('valid');
    }));
});
