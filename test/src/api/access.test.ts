import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Principal } from '../../../src/access/principal.js';
import { type Grant, permissionsOf, roles } from '../../../src/model/access.js';
import { toPem } from '../../../src/x509/pem.js';
import { fleet } from '../../support/fleet.js';
import { makeCertificate } from '../../support/make-chain.js';
import { eventsOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { type Caller, createCaller, tester } from './call.js';

let test: TestGateway;
let root: Caller;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  root = callerWith({ role: 'solution-administrator' });
});
afterAll(() => test.close());

const password = 'correct horse battery';
const ofPlant: Grant = { role: 'auditor', division: 'plant' };

function callerWith(...grants: readonly Grant[]): Caller {
  return callerAs(tester(...grants));
}

function callerAs(principal: Principal): Caller {
  return createCaller({ ...test.gateway.core, version: '0' }, principal);
}

describe('Users over the management API', () => {
  const params = { name: 'alice' };

  it('are made, shown and listed, without their passwords', async () => {
    const body = { name: 'alice', displayName: 'Alice', grants: [ofPlant], password };
    const made = await root.call('createUser', { body });
    expect(made).toMatchObject({
      location: '/users/alice',
      value: { name: 'alice', displayName: 'Alice', grants: [ofPlant], enabled: true, hasPassword: true },
    });
    expect(JSON.stringify(made)).not.toMatch(/scrypt|correct/);
    expect((await root.call('getUser', { params })).value).toEqual(made.value);
    await expect(root.call('createUser', { body })).rejects.toMatchObject({ code: 'duplicate-request' });
    expect((await eventsOf(test, 'user.created')).map(({ content }) => JSON.parse(content))).toMatchObject([
      { actor: 'user tester', remoteAddress: '192.0.2.1', requestId: 'request-1', user: 'alice' },
    ]);
  });

  it('are changed by a merge patch, with the entity that was seen', async () => {
    const { value: seen } = await root.call('getUser', { params });
    const body = { displayName: null };
    const { value } = await root.call('changeUser', { params, body, ifMatch: seen });
    expect(value).not.toHaveProperty('displayName');
    expect(value).toMatchObject({ grants: [ofPlant] });
    await expect(root.call('changeUser', { params, body, ifMatch: seen })).rejects.toMatchObject({ status: 412 });
  });

  it('are disabled and enabled', async () => {
    expect(await root.call('disableUser', { params })).toMatchObject({ value: { enabled: false } });
    await expect(root.call('disableUser', { params })).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await root.call('listUsers', { query: { enabled: 'false' } })).value).toMatchObject({
      items: [{ name: 'alice' }],
    });
    expect(await root.call('enableUser', { params })).toMatchObject({ value: { enabled: true } });
  });

  it('get certificates and lose them', async () => {
    const certificate = toPem('CERTIFICATE', makeCertificate({ subject: 'CN=alice' }));
    const { value } = await root.call('addUserCertificate', { params, body: { certificate } });
    expect(value).toMatchObject({ certificates: [{ subject: 'CN=alice', notAfter: '2036-01-01T00:00:00.000Z' }] });
    const fingerprint = /[0-9a-f]{64}/.exec(JSON.stringify(value))?.[0];
    await root.call('removeUserCertificate', { params: { ...params, fingerprint } });
    expect((await root.call('getUser', { params })).value).toMatchObject({ certificates: [] });
  });

  it('set their own passwords with the current one, and nobody else’s', async () => {
    const record = await test.gateway.core.store.users.findByName({ name: 'alice' });
    const id = record?.id ?? '';
    const alice = callerAs({ kind: 'api-key', id: 'k', name: 'k', person: `user:${id}`, grants: [ofPlant] });
    const next = 'another long password';
    const set = (caller: Caller, name: string, body: object) =>
      caller.call('setUserPassword', { params: { name }, body });
    await expect(set(alice, 'alice', { password: next })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(set(alice, 'alice', { password: next, current: 'no' })).rejects.toMatchObject({ code: 'forbidden' });
    await set(alice, 'alice', { password: next, current: password });
    for (const name of ['bob', 'tester']) {
      await expect(set(alice, name, { password: next })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await set(root, 'alice', { password });
  });

  it('are listed in pages, by what is visible in the caller’s divisions', async () => {
    await root.call('createUser', { body: { name: 'bert', grants: [{ role: 'auditor' }] } });
    await root.call('createUser', { body: { name: 'carl', displayName: 'Carl 100%', grants: [ofPlant] } });
    const first = await root.call('listUsers', { query: { limit: '2' } });
    expect(first.value).toMatchObject({ items: [{ name: 'alice' }, { name: 'bert' }], next: expect.any(String) });
    const { next } = first.value as { next: string };
    const second = await root.call('listUsers', { query: { limit: '2', cursor: next } });
    expect(second.value).toEqual({ items: [expect.objectContaining({ name: 'carl' })] });
    const found = await root.call('listUsers', { query: { search: '100%' } });
    expect(found.value).toMatchObject({ items: [{ name: 'carl' }] });
    const lab = callerWith({ role: 'solution-administrator', division: 'lab' });
    const { value } = await lab.call('listUsers');
    expect(value).toMatchObject({ items: [{ name: 'bert' }] });
    // Neither does a cursor name who is not there.
    expect((await lab.call('listUsers', { query: { limit: '1' } })).value).toEqual(value);
    for (const division of ['plant', 'nowhere']) {
      const body = { name: 'dave', grants: [{ role: 'auditor', division }] };
      await expect(lab.call('createUser', { body })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await expect(lab.call('getUser', { params })).rejects.toMatchObject({ code: 'not-found' });
    await expect(lab.call('deleteUser', { params: { name: 'bert' } })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(root.call('listUsers', { query: { cursor: 'x' } })).rejects.toMatchObject({ status: 400 });
  });

  it('are deleted', async () => {
    await root.call('deleteUser', { params });
    await expect(root.call('getUser', { params })).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each([
    ['without roles', { name: 'x', grants: [] }],
    ['with an unknown role', { name: 'x', grants: [{ role: 'root' }] }],
    ['with a short password', { name: 'x', grants: [ofPlant], password: 'short' }],
    ['with a name that no URL has', { name: 'a/b', grants: [ofPlant] }],
    ['with more than there is', { name: 'x', grants: [ofPlant], isAdministrator: true }],
  ])('are not made %s', async (_, body) => {
    await expect(root.call('createUser', { body })).rejects.toThrow();
    await expect(root.call('getUser', { params: { name: 'x' } })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('API keys over the management API', () => {
  const params = { name: 'platform' };

  it('are shown once, and revoked', async () => {
    const expiresAt = '2099-01-01T00:00:00.000Z';
    const { value, location } = await root.call('createApiKey', { body: { ...params, grants: [ofPlant], expiresAt } });
    expect(location).toBe('/api-keys/platform');
    const { key, ...shown } = value as { key: string; prefix: string };
    expect(shown).toMatchObject({ state: 'valid', expiresAt, createdBy: 'user tester', prefix: key.slice(0, 11) });
    expect((await root.call('getApiKey', { params })).value).toEqual(shown);
    expect(await root.call('revokeApiKey', { params })).toMatchObject({ value: { state: 'revoked' } });
    await expect(root.call('revokeApiKey', { params })).rejects.toMatchObject({ code: 'already-revoked' });
    const body = { ...params, grants: [ofPlant] };
    await expect(root.call('createApiKey', { body })).rejects.toMatchObject({ code: 'duplicate-request' });
  });

  it('are listed by state and owner', async () => {
    await root.call('createUser', { body: { name: 'owner', grants: [ofPlant] } });
    await root.call('createApiKey', { body: { name: 'owned', grants: [ofPlant], owner: 'owner' } });
    const names = async (query: object) => {
      const { value } = await root.call('listApiKeys', { query });
      return (value as { items: { name: string }[] }).items.map(({ name }) => name);
    };
    expect(await names({})).toEqual(['first-administrator', 'owned', 'platform']);
    expect(await names({ state: 'revoked' })).toEqual(['platform']);
    expect(await names({ state: 'valid' })).toEqual(['first-administrator', 'owned']);
    expect(await names({ owner: 'owner' })).toEqual(['owned']);
    expect(await names({ owner: 'nobody' })).toEqual([]);
    expect(await names({ search: 'FORM' })).toEqual(['platform']);
    await root.call('disableUser', { params: { name: 'owner' } });
    expect(await names({ state: 'disabled' })).toEqual(['owned']);
    expect(await names({ state: 'expired' })).toEqual([]);
    const lab = callerWith({ role: 'auditor', division: 'lab' });
    const { value } = await lab.call('listApiKeys', { query: { limit: '1' } });
    expect(value).toEqual({ items: [expect.objectContaining({ name: 'first-administrator' })] });
  });

  it('cannot take the first administrator’s key away while there is no other', async () => {
    const first = { params: { name: 'first-administrator' } };
    await expect(root.call('revokeApiKey', first)).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it.each([
    ['that is over', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['for longer than years are counted', { expiresAt: '9999-12-31T23:59:59-01:00' }],
    ['of an unknown user', { owner: 'nobody' }],
    ['for an unknown division', { grants: [{ role: 'auditor', division: 'lab' }] }],
  ])('are not made %s', async (_, changes) => {
    const body = { name: 'other', grants: [ofPlant], ...changes };
    await expect(root.call('createApiKey', { body })).rejects.toMatchObject({ status: 422 });
  });
});

describe('Roles over the management API', () => {
  it('are told with their permissions', async () => {
    const { value } = await root.call('listRoles');
    expect(value).toEqual({ items: roles.map((role) => ({ role, permissions: permissionsOf[role] })) });
  });
});
