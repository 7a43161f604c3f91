import { describe, expect, it } from '@jest/globals';
import { createApiKey, getApiKey, revokeApiKey } from '../../../src/access/api-keys.js';
import { everything } from '../../../src/access/grants.js';
import { changeOwnPassword } from '../../../src/access/own-password.js';
import { addUserCertificate } from '../../../src/access/user-certificates.js';
import { changeUser, createUser, deleteUser, getUser, setEnabled, setPassword } from '../../../src/access/users.js';
import type { UserRecord } from '../../../src/store/access-record.js';
import { fingerprint } from '../../../src/x509/certificate.js';
import { toPem } from '../../../src/x509/pem.js';
import { ca, makeChain } from '../../support/make-chain.js';
import { caGeneration, certificate } from '../store/temporary-store.js';
import { makeKey, managerWith, remoteAddress, root, type TestAccess, withAccess } from './access-services.js';

const password = 'correct horse battery';

const makeUser = (access: TestAccess, changes: Partial<Parameters<typeof createUser>[0]> = {}): Promise<UserRecord> =>
  createUser({ name: 'alice', grants: [{ role: 'auditor', division: 'plant' }], ...changes }, root, access);

const administrator = { name: 'admin', grants: everything, password } as const;

const eventsOf = async ({ store }: TestAccess, action: string) =>
  (await store.audit.list({ action, limit: 100 })).map(({ content }) => JSON.parse(content));

describe('A user', () => {
  it('is made, changed, disabled, enabled and deleted, with an audit event each that says who and from where', async () => {
    await withAccess(async (access) => {
      let user = await makeUser(access, { displayName: 'Alice', password });
      user = await changeUser(user, { displayName: null, grants: [{ role: 'approver' }] }, root, access);
      expect(user).toMatchObject({ displayName: null, grants: '[{"role":"approver"}]' });
      user = await setPassword(user, `${password}!`, root, access);
      user = await setEnabled(user, false, root, access);
      await expect(setEnabled(user, false, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
      user = await setEnabled(user, true, root, access);
      await deleteUser(user, root, access);
      await expect(getUser('alice', 'everywhere', access)).rejects.toMatchObject({ code: 'not-found' });
      const by = {
        actor: 'user tester',
        remoteAddress: '192.0.2.1',
        requestId: 'r-1',
        user: 'alice',
        subject: user.id,
      };
      for (const action of ['created', 'changed', 'password-set', 'disabled', 'enabled', 'deleted']) {
        expect(await eventsOf(access, `user.${action}`)).toEqual([expect.objectContaining(by)]);
      }
      expect(await eventsOf(access, 'user.created')).toMatchObject([{ division: 'plant', hasPassword: true }]);
      const contents = (await access.store.audit.list({ limit: 100 })).map(({ content }) => content).join();
      expect(contents).not.toMatch(/scrypt|correct horse/);
    });
  });

  it('has a name of its own: of 50 that come at once one is made', async () => {
    await withAccess(async (access) => {
      const results = await Promise.allSettled(Array.from({ length: 50 }, () => makeUser(access)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'duplicate-request' });
      }
      expect(await eventsOf(access, 'user.created')).toHaveLength(1);
    });
  });

  it('is changed by one of several at once; the others are told to read again', async () => {
    await withAccess(async (access) => {
      const seen = await makeUser(access);
      const changes = Array.from({ length: 20 }, (_, i) =>
        changeUser(seen, { displayName: `Alice ${i}` }, root, access),
      );
      const results = await Promise.allSettled(changes);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ status: 412, code: 'invalid-state' });
      }
      await expect(deleteUser(seen, root, access)).rejects.toMatchObject({ status: 412 });
    });
  });

  it('has roles only in divisions that there are', async () => {
    await withAccess(async (access) => {
      const grants = [{ role: 'auditor', division: 'nowhere' }] as const;
      await expect(makeUser(access, { grants })).rejects.toMatchObject({ status: 422 });
    });
  });

  it('that is deleted leaves no API key behind that works, nor one for a namesake', async () => {
    await withAccess(async (access) => {
      const user = await makeUser(access);
      const { key } = await makeKey(access, { owner: 'alice', grants: [{ role: 'auditor', division: 'plant' }] });
      expect(await access.authenticate({ apiKey: key, remoteAddress })).toMatchObject({ person: `user:${user.id}` });
      await deleteUser(await getUser('alice', 'everywhere', access), root, access);
      await makeUser(access);
      await expect(access.authenticate({ apiKey: key, remoteAddress })).rejects.toMatchObject({ code: 'bad-secret' });
      expect((await getApiKey('platform', 'everywhere', access)).revokedAt).not.toBeNull();
    });
  });

  it('sets its own password with the current one only', async () => {
    await withAccess(async (access) => {
      const user = await makeUser(access, { password });
      const manager = managerWith({ role: 'auditor', division: 'plant' });
      const next = 'another long one';
      await expect(
        changeOwnPassword(user, { current: 'a wrong password', password: next }, manager, access),
      ).rejects.toMatchObject({ code: 'forbidden' });
      await changeOwnPassword(user, { current: password, password: next }, manager, access);
      const basic = { username: 'alice', password: next };
      expect(await access.authenticate({ basic, remoteAddress })).toMatchObject({ name: 'alice' });
    });
  });
});

describe('Who manages users and API keys', () => {
  const ofPlant = managerWith({ role: 'solution-administrator', division: 'plant' });

  it.each([
    ['a role everywhere', [{ role: 'auditor' }]],
    ['a role in another division', [{ role: 'auditor', division: 'lab' }]],
    [
      'all of it beside a role of his own',
      [{ role: 'auditor', division: 'plant' }, { role: 'solution-administrator' }],
    ],
  ] as const)('gives nobody more than he has: %s', async (_, grants) => {
    await withAccess(async (access) => {
      const made = createUser({ name: 'eve', grants }, ofPlant, access);
      await expect(made).rejects.toMatchObject({ code: 'forbidden' });
      const key = createApiKey({ name: 'eve', grants }, ofPlant, access);
      await expect(key).rejects.toMatchObject({ code: 'forbidden' });
      const seen = await makeUser(access);
      await expect(changeUser(seen, { grants }, ofPlant, access)).rejects.toMatchObject({ code: 'forbidden' });
    });
  });

  it('gives what he has in his division', async () => {
    await withAccess(async (access) => {
      const grants = [{ role: 'solution-administrator', division: 'plant' }] as const;
      expect(await createUser({ name: 'bob', grants }, ofPlant, access)).toMatchObject({ isAdministrator: 0 });
      expect(await createApiKey({ name: 'bob', grants }, ofPlant, access)).toMatchObject({ record: { name: 'bob' } });
    });
  });

  it('changes nobody who may do more', async () => {
    await withAccess(async (access) => {
      await makeUser(access, administrator);
      const seen = await getUser('admin', new Set(['plant']), access);
      const { record } = await makeKey(access);
      for (const attempt of [
        () => changeUser(seen, { displayName: 'x' }, ofPlant, access),
        () => setEnabled(seen, false, ofPlant, access),
        () => setPassword(seen, 'a password of mine', ofPlant, access),
        () => deleteUser(seen, ofPlant, access),
        () => revokeApiKey(record, ofPlant, access),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'forbidden' });
      }
    });
  });

  it('sees nobody of another division', async () => {
    await withAccess(async (access) => {
      await makeUser(access);
      await makeKey(access, { grants: [{ role: 'auditor', division: 'plant' }] });
      const lab = new Set(['lab']);
      await expect(getUser('alice', lab, access)).rejects.toMatchObject({ code: 'not-found' });
      await expect(getApiKey('platform', lab, access)).rejects.toMatchObject({ code: 'not-found' });
      expect(await getUser('alice', new Set(['plant', 'lab']), access)).toMatchObject({ name: 'alice' });
    });
  });

  it('makes no key by which he acts as somebody who may do more', async () => {
    await withAccess(async (access) => {
      await makeUser(access, administrator);
      const grants = [{ role: 'approver', division: 'plant' }] as const;
      const made = createApiKey({ name: 'as-admin', grants, owner: 'admin' }, ofPlant, access);
      await expect(made).rejects.toMatchObject({ code: 'forbidden' });
    });
  });

  it('makes no key that may do more than its owner', async () => {
    await withAccess(async (access) => {
      await makeUser(access);
      await expect(makeKey(access, { owner: 'alice' })).rejects.toMatchObject({ code: 'forbidden' });
      await expect(makeKey(access, { owner: 'nobody' })).rejects.toMatchObject({ status: 422 });
    });
  });
});

describe('The last solution administrator', () => {
  it('cannot be removed, disabled or demoted', async () => {
    await withAccess(async (access) => {
      const seen = await makeUser(access, administrator);
      const refusal = { code: 'invalid-state', message: expect.stringContaining('nobody would be left') };
      await expect(setEnabled(seen, false, root, access)).rejects.toMatchObject(refusal);
      await expect(deleteUser(seen, root, access)).rejects.toMatchObject(refusal);
      await expect(changeUser(seen, { grants: [{ role: 'auditor' }] }, root, access)).rejects.toMatchObject(refusal);
      expect(await getUser('admin', 'everywhere', access)).toEqual(seen);
      expect(await eventsOf(access, 'user.deleted')).toEqual([]);
    });
  });

  it('is an API key, too', async () => {
    await withAccess(async (access) => {
      const { record } = await makeKey(access);
      await expect(revokeApiKey(record, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
      const user = await makeUser(access, administrator);
      expect((await revokeApiKey(record, root, access)).revokedAt).not.toBeNull();
      await expect(revokeApiKey(record, root, access)).rejects.toMatchObject({ code: 'already-revoked' });
      await expect(deleteUser(user, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  const { password: _, ...withoutPassword } = administrator;
  it.each<[string, (access: TestAccess) => Promise<unknown>]>([
    ['who cannot authenticate', (access) => makeUser(access, { ...withoutPassword, name: 'other' })],
    [
      'by an expired key',
      async (access) => {
        await makeKey(access, { expiresAt: new Date(access.clock.now().getTime() + 1000) });
        access.clock.advance(2);
      },
    ],
    [
      'by a key that will expire',
      (access) => makeKey(access, { expiresAt: new Date(access.clock.now().getTime() + 10 * 365 * 86_400_000) }),
    ],
    [
      'by a certificate, which ends',
      async (access) => {
        const [der = new Uint8Array()] = makeChain([ca('CN=admin')]);
        const user = await makeUser(access, { ...withoutPassword, name: 'other' });
        await addUserCertificate(user, toPem('CERTIFICATE', der), root, access);
      },
    ],
    [
      'who is disabled',
      async (access) => setEnabled(await makeUser(access, { ...administrator, name: 'other' }), false, root, access),
    ],
    [
      'by a key of hers that will expire',
      async (access) => {
        await makeUser(access, { ...withoutPassword, name: 'other' });
        const expiresAt = new Date(access.clock.now().getTime() + 86_400_000);
        await makeKey(access, { owner: 'other', expiresAt });
      },
    ],
    [
      'by the key of a user who is none any more',
      async (access) => {
        const former = await makeUser(access, { ...withoutPassword, name: 'former' });
        await makeKey(access, { owner: 'former' });
        await changeUser(former, { grants: [{ role: 'auditor' }] }, root, access);
      },
    ],
    [
      'by the key of a disabled user',
      async (access) => {
        const former = await makeUser(access, { ...withoutPassword, name: 'former' });
        await makeKey(access, { owner: 'former' });
        await setEnabled(former, false, root, access);
      },
    ],
    [
      'of a division',
      (access) =>
        makeUser(access, { name: 'b', password, grants: [{ role: 'solution-administrator', division: 'plant' }] }),
    ],
  ])('is not spared by one %s', async (_name, make) => {
    await withAccess(async (access) => {
      const seen = await makeUser(access, administrator);
      await make(access);
      await expect(deleteUser(seen, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  it('is spared by a user who has a key without an end, but no password', async () => {
    await withAccess(async (access) => {
      const seen = await makeUser(access, administrator);
      await makeUser(access, { ...withoutPassword, name: 'other' });
      await makeKey(access, { owner: 'other' });
      await deleteUser(seen, root, access);
      const record = await getApiKey('platform', 'everywhere', access);
      await expect(revokeApiKey(record, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  it('may be one by a certificate or a key that expires, where there is no other, and is one of these for so long', async () => {
    await withAccess(async (access) => {
      const [der = new Uint8Array()] = makeChain([ca('CN=admin')]);
      const other = await makeUser(access, { ...withoutPassword, name: 'other' });
      const expiresAt = new Date(access.clock.now().getTime() + 1000);
      const { record } = await makeKey(access, { expiresAt });
      await expect(revokeApiKey(record, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
      const withCertificate = await addUserCertificate(other, toPem('CERTIFICATE', der), root, access);
      await revokeApiKey(record, root, access);
      await expect(deleteUser(withCertificate, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  it('is none by a certificate that was issued here and is revoked', async () => {
    await withAccess(async (access) => {
      const [der = new Uint8Array()] = makeChain([ca('CN=admin')]);
      const { record } = await makeKey(access, { expiresAt: new Date(access.clock.now().getTime() + 1000) });
      const other = await makeUser(access, { ...withoutPassword, name: 'other' });
      await addUserCertificate(other, toPem('CERTIFICATE', der), root, access);
      const issued = certificate('0a', { certificateFingerprint: fingerprint(der), status: 'revoked' });
      const { caGenerations, certificates, commit } = access.store;
      await commit({ statements: [caGenerations.insert(caGeneration()), certificates.insert(issued)], audit: [] });
      await expect(revokeApiKey(record, root, access)).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  it('is left when the last two are removed fifty times at once', async () => {
    await withAccess(async (access) => {
      const user = await makeUser(access, administrator);
      const { record } = await makeKey(access);
      await makeKey(access, { name: 'brief', expiresAt: new Date(access.clock.now().getTime() + 60_000) });
      const removals = Array.from({ length: 50 }, (_, i) =>
        i % 2 === 0 ? deleteUser(user, root, access) : revokeApiKey(record, root, access),
      );
      const results = await Promise.allSettled(removals);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason.code).toMatch(/^(invalid-state|already-revoked)$/);
      }
      const isUserLeft = (await access.store.users.findByName({ name: 'admin' })) !== undefined;
      const isKeyLeft = (await getApiKey('platform', 'everywhere', access)).revokedAt === null;
      expect([isUserLeft, isKeyLeft].sort()).toEqual([false, true]);
    });
  });

  it('is left when two disable each other at once', async () => {
    await withAccess(async (access) => {
      const first = await makeUser(access, administrator);
      const second = await makeUser(access, { ...administrator, name: 'other' });
      const results = await Promise.allSettled([first, second].map((seen) => setEnabled(seen, false, root, access)));
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    });
  });
});
