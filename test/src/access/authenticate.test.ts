import { describe, expect, it } from '@jest/globals';
import { makeApiKey } from '../../../src/access/api-key-text.js';
import { getApiKey, revokeApiKey } from '../../../src/access/api-keys.js';
import { createAccess } from '../../../src/access/authenticate.js';
import { everything } from '../../../src/access/grants.js';
import { addUserCertificate, removeUserCertificate } from '../../../src/access/user-certificates.js';
import { changeUser, createUser, getUser, setEnabled } from '../../../src/access/users.js';
import { certificateId } from '../../../src/store/certificate-record.js';
import { decodeCertificate, fingerprint } from '../../../src/x509/certificate.js';
import { toPem } from '../../../src/x509/pem.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { ca, makeCertificate, makeChain } from '../../support/make-chain.js';
import { createWorld } from '../ca/test-hierarchy.js';
import { caGeneration, certificate as certificateRecord } from '../store/temporary-store.js';
import { makeKey, remoteAddress, root, type TestAccess, withAccess } from './access-services.js';

const password = 'correct horse battery';
const makeUserCertificate = () => makeCertificate({ subject: 'CN=alice', notAfter: '2027-06-01T00:00:00Z' });

const refusedWith = (code: string) => expect.objectContaining({ code });

const makeUser = (access: TestAccess, name = 'alice') =>
  createUser({ name, password, grants: [{ role: 'approver' }, { role: 'auditor', division: 'plant' }] }, root, access);

describe('An API key', () => {
  it('stands for itself, with its rights', async () => {
    await withAccess(async (access) => {
      const grants = [{ role: 'device-creator', division: 'plant' }] as const;
      const { key, record } = await makeKey(access, { grants });
      const principal = await access.authenticate({ apiKey: key, remoteAddress });
      const { id } = record;
      expect(principal).toEqual({ kind: 'api-key', id, name: 'platform', person: `api-key:${id}`, grants });
      const kept = JSON.stringify(await getApiKey('platform', 'everywhere', access));
      expect(kept).not.toContain(key.slice(12, 40));
    });
  });

  it('is refused when unknown, mistyped, expired or revoked', async () => {
    await withAccess(async (access) => {
      await createUser({ name: 'admin', password, grants: everything }, root, access);
      const expiresAt = new Date(access.clock.now().getTime() + 60_000);
      const { key, record } = await makeKey(access, { expiresAt });
      const revoked = await makeKey(access, { name: 'revoked' });
      await revokeApiKey(revoked.record, root, access);
      const refused = { code: 'bad-secret', message: 'the API key is unknown, expired or revoked; ask for a new one' };
      for (const apiKey of [makeApiKey(), revoked.key]) {
        await expect(access.authenticate({ apiKey, remoteAddress })).rejects.toMatchObject(refused);
      }
      await expect(access.authenticate({ apiKey: `${key}x`, remoteAddress })).rejects.toEqual(
        refusedWith('bad-secret'),
      );
      expect(await access.authenticate({ apiKey: key, remoteAddress })).toMatchObject({ id: record.id });
      access.clock.advance(60);
      await expect(access.authenticate({ apiKey: key, remoteAddress })).rejects.toMatchObject(refused);
    });
  });

  it('of a user is never worth more than the user is now', async () => {
    await withAccess(async (access) => {
      await makeKey(access, { name: 'spare' });
      const user = await makeUser(access);
      const grants = [{ role: 'approver' }, { role: 'auditor', division: 'plant' }] as const;
      const { key } = await makeKey(access, { owner: 'alice', grants });
      const present = () => access.authenticate({ apiKey: key, remoteAddress });
      expect(await present()).toMatchObject({ kind: 'api-key', person: `user:${user.id}`, grants });
      const changed = await changeUser(user, { grants: [{ role: 'auditor' }] }, root, access);
      expect((await present()).grants).toEqual([{ role: 'auditor', division: 'plant' }]);
      const disabled = await setEnabled(changed, false, root, access);
      await expect(present()).rejects.toEqual(refusedWith('bad-secret'));
      await setEnabled(disabled, true, root, access);
      expect((await present()).grants).toHaveLength(1);
    });
  });

  it('has its last use on record to the minute, without a write for each request', async () => {
    await withAccess(async (access) => {
      const { key } = await makeKey(access);
      const lastUse = async () => {
        // Whatever is being written is in the same queue.
        await access.store.commit({ statements: [], audit: [] });
        return (await getApiKey('platform', 'everywhere', access)).lastUsedAt;
      };
      const first = access.clock.now().getTime();
      await Promise.all(Array.from({ length: 50 }, () => access.authenticate({ apiKey: key, remoteAddress })));
      expect(await lastUse()).toBe(first);
      access.clock.advance(59);
      await access.authenticate({ apiKey: key, remoteAddress });
      expect(await lastUse()).toBe(first);
      access.clock.advance(1);
      await access.authenticate({ apiKey: key, remoteAddress });
      expect(await lastUse()).toBe(first + 60_000);
    });
  });

  it('works where its last use cannot be recorded', async () => {
    await withAccess(async (access) => {
      const { key } = await makeKey(access);
      const store = { ...access.store, commit: () => Promise.reject(new Error('full')) };
      const { authenticate } = createAccess({ ...access, store });
      expect(await authenticate({ apiKey: key, remoteAddress })).toMatchObject({ name: 'platform' });
    });
  });
});

describe('A password', () => {
  it('lets its user in, and nobody who is disabled', async () => {
    await withAccess(async (access) => {
      const user = await makeUser(access);
      const basic = { username: 'alice', password };
      expect(await access.authenticate({ basic, remoteAddress })).toEqual({
        kind: 'user',
        id: user.id,
        name: 'alice',
        person: `user:${user.id}`,
        grants: [{ role: 'approver' }, { role: 'auditor', division: 'plant' }],
      });
      await setEnabled(await getUser('alice', 'everywhere', access), false, root, access);
      await expect(access.authenticate({ basic, remoteAddress })).rejects.toEqual(refusedWith('bad-secret'));
    });
  });

  it('is refused in the same words and with the same work for an unknown user', async () => {
    await withAccess(async (access) => {
      await makeUser(access);
      await createUser({ name: 'keys-only', grants: [{ role: 'auditor' }] }, root, access);
      const messages = new Set<string>();
      const guess = (username: string) => () =>
        access.authenticate({ basic: { username, password: 'a wrong password' }, remoteAddress }).catch((error) => {
          messages.add(`${error.code} ${error.message}`);
        });
      const known = await cpuTimeOf(guess('alice'));
      for (const name of ['nobody', 'keys-only', '', "' or 1=1 --"]) {
        const unknown = await cpuTimeOf(guess(name));
        expect(unknown).toBeGreaterThan(known / 3);
        expect(unknown).toBeLessThan(known * 3);
      }
      expect([...messages]).toEqual(['bad-secret the user name or password is wrong']);
    });
  });

  it('can be guessed so often a minute from one network, and counts for more than a key does', async () => {
    await withAccess(async (access) => {
      await makeUser(access);
      const { key } = await makeKey(access);
      const guess = () =>
        access.authenticate({ basic: { username: 'alice', password: 'a wrong password' }, remoteAddress });
      for (let i = 0; i < 2; i++) await expect(guess()).rejects.toEqual(refusedWith('bad-secret'));
      await expect(guess()).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 60 });
      await expect(access.authenticate({ apiKey: key, remoteAddress })).rejects.toEqual(refusedWith('rate-limited'));
      expect(await access.authenticate({ apiKey: key, remoteAddress: '198.51.100.1' })).toMatchObject({
        name: 'platform',
      });
      access.clock.advance(60);
      expect(await access.authenticate({ apiKey: key, remoteAddress })).toMatchObject({ name: 'platform' });
    }, 40);
  });
});

describe('A client certificate', () => {
  const pemOf = (der: Uint8Array) => toPem('CERTIFICATE', der);

  it('lets the user in that it is registered for, whoever has issued it, until it is removed or the user disabled', async () => {
    await withAccess(async (access) => {
      const der = makeUserCertificate();
      const present = () => access.authenticate({ clientChain: [der], remoteAddress });
      await expect(present()).rejects.toEqual(refusedWith('bad-secret'));
      let user = await addUserCertificate(await makeUser(access), pemOf(der), root, access);
      expect(await present()).toMatchObject({ kind: 'user', name: 'alice' });
      user = await setEnabled(user, false, root, access);
      await expect(present()).rejects.toEqual(refusedWith('revoked-requester'));
      user = await setEnabled(user, true, root, access);
      user = await removeUserCertificate(user, fingerprint(der), root, access);
      await expect(present()).rejects.toEqual(refusedWith('bad-secret'));
      await expect(removeUserCertificate(user, fingerprint(der), root, access)).rejects.toEqual(
        refusedWith('not-found'),
      );
    });
  });

  it('is nobody else’s as well', async () => {
    await withAccess(async (access) => {
      const pem = pemOf(makeUserCertificate());
      await addUserCertificate(await makeUser(access), pem, root, access);
      const bob = await makeUser(access, 'bob');
      await expect(addUserCertificate(bob, pem, root, access)).rejects.toEqual(refusedWith('duplicate-request'));
    });
  });

  it('is refused outside its validity', async () => {
    await withAccess(async (access) => {
      const der = makeUserCertificate();
      const user = await addUserCertificate(await makeUser(access), pemOf(der), root, access);
      access.clock.advance(400 * 86_400);
      await expect(access.authenticate({ clientChain: [der], remoteAddress })).rejects.toEqual(
        refusedWith('revoked-requester'),
      );
      await expect(addUserCertificate(user, pemOf(makeUserCertificate()), root, access)).rejects.toMatchObject({
        status: 422,
      });
    });
  });

  it.each(['revoked', 'held'] as const)('that was issued here is refused once it is %s', async (status) => {
    await withAccess(async (access) => {
      const { store } = access;
      const der = makeUserCertificate();
      await addUserCertificate(await makeUser(access), pemOf(der), root, access);
      await store.commit({
        statements: [
          store.caGenerations.insert(caGeneration()),
          store.certificates.insert(certificateRecord(decodeCertificate(der).serialNumber, { der, status })),
        ],
        audit: [],
      });
      await expect(access.authenticate({ clientChain: [der], remoteAddress })).rejects.toEqual(
        refusedWith('revoked-requester'),
      );
    });
  });

  it('that was issued here is good as long as the CA above it is', async () => {
    await withAccess(async (access) => {
      const { store, clock } = access;
      const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-06-01T00:00:00Z' };
      const [top, issuing, own] = makeChain([ca('CN=root'), ca('CN=issuing'), { subject: 'CN=alice', ...validity }]);
      if (top === undefined || issuing === undefined || own === undefined) throw new Error('no chain');
      const serialOf = (der: Uint8Array) => decodeCertificate(der).serialNumber;
      await store.commit({
        statements: [
          store.caGenerations.insert(caGeneration({ id: 'root-1', ca: 'root', certificate: top })),
          store.caGenerations.insert(caGeneration({ certificate: issuing, parent: 'root-1' })),
          store.certificates.insert(certificateRecord(serialOf(issuing), { issuerId: 'root-1', der: issuing })),
          store.certificates.insert(certificateRecord(serialOf(own), { der: own })),
        ],
        audit: [],
      });
      await addUserCertificate(await makeUser(access), pemOf(own), root, access);
      const { authority } = createWorld([]).node(store);
      const { authenticate } = createAccess({ ...access, authority });
      const present = () => authenticate({ clientChain: [own], remoteAddress });
      expect(await present()).toMatchObject({ kind: 'user', name: 'alice' });
      const revoked = { revokedAt: clock.now().getTime(), revocationReason: 2, invalidityDate: null };
      const statement = store.certificates.revoke({ id: certificateId('root-1', serialOf(issuing)), ...revoked });
      await store.commit({ statements: [statement], audit: [] });
      await expect(present()).rejects.toMatchObject({
        code: 'revoked-requester',
        cause: expect.stringMatching(/^revoked/),
      });
    });
  });

  it.each([
    ['no PEM', 'x'],
    [
      'two certificates',
      `${toPem('CERTIFICATE', makeUserCertificate())}${toPem('CERTIFICATE', makeUserCertificate())}`,
    ],
    ['something else in PEM', toPem('CERTIFICATE', Uint8Array.of(0x30, 0))],
  ])('is not registered from %s', async (_, pem) => {
    await withAccess(async (access) => {
      const user = await makeUser(access);
      await expect(addUserCertificate(user, pem, root, access)).rejects.toMatchObject({ status: 422 });
    });
  });
});

describe('A request', () => {
  it('shows one secret', async () => {
    await withAccess(async ({ authenticate }) => {
      await expect(authenticate({ remoteAddress })).rejects.toEqual(refusedWith('bad-secret'));
      const both = { apiKey: makeApiKey(), basic: { username: 'alice', password } };
      await expect(authenticate({ ...both, remoteAddress })).rejects.toEqual(refusedWith('malformed-request'));
    });
  });
});
