import { describe, expect, it } from '@jest/globals';
import { OvertakenError } from '../../../src/errors.js';
import type { NewCertificateRecord } from '../../../src/store/certificate-record.js';
import type { Statement } from '../../../src/store/change.js';
import type { CredentialRecord } from '../../../src/store/credential-repository.js';
import type { Store } from '../../../src/store/store.js';
import {
  auditRecord,
  caGeneration,
  certificate,
  credential,
  day,
  device,
  enrollmentTransaction,
  now,
  withStore,
} from './temporary-store.js';

/** The code that a change of these statements is refused with, 'done' if it is not. */
async function tryOut(store: Store, ...statements: Statement[]): Promise<string> {
  return store.commit({ statements, audit: [] }).then(
    () => 'done',
    (error) => error.code,
  );
}

describe('catalog', () => {
  it('replaces documents, and refuses a change that was made from an older version as unavailable', async () => {
    await withStore(async ({ catalog, ...store }) => {
      const put = (document: string) => catalog.put({ kind: 'policy', name: 'sensors', document, updatedAt: now });
      await store.commit({ statements: [catalog.bumpVersion({ expected: 0 }), put('{"a":1}')], audit: [] });
      await expect(
        store.commit({ statements: [catalog.bumpVersion({ expected: 0 }), put('{"a":2}')], audit: [] }),
      ).rejects.toMatchObject({ code: 'unavailable' });
      expect(await catalog.version()).toBe(1);
      expect(await catalog.items()).toEqual([{ kind: 'policy', name: 'sensors', document: '{"a":1}', updatedAt: now }]);
      await store.commit({ statements: [put('{"a":3}')], audit: [] });
      expect((await catalog.items())[0]?.document).toBe('{"a":3}');
      await store.commit({ statements: [catalog.remove({ kind: 'policy', name: 'sensors' })], audit: [] });
      expect(await catalog.items()).toEqual([]);
    });
  });
});

describe('keys', () => {
  it('are found by their purpose, the latest first', async () => {
    await withStore(async (store) => {
      const key = (id: string, createdAt: number) => ({
        id,
        purpose: 'tls',
        algorithm: 'ec-p256',
        publicKey: Uint8Array.of(1),
        sealed: Uint8Array.of(2),
        store: 'software',
        createdAt,
      });
      const { insert, findByPurpose } = store.keys;
      expect(await findByPurpose({ purpose: 'tls' })).toEqual([]);
      await store.commit({ statements: [insert(key('new', now + 1)), insert(key('old', now))], audit: [] });
      expect((await findByPurpose({ purpose: 'tls' })).map(({ id }) => id)).toEqual(['new', 'old']);
      expect(await findByPurpose({ purpose: 'cmc' })).toEqual([]);
    });
  });

  it('are kept once per id and removed', async () => {
    await withStore(async (store) => {
      const key = {
        id: 'k',
        purpose: 'ca',
        algorithm: 'ec-p256',
        store: 'software',
        publicKey: Uint8Array.of(1),
        sealed: Uint8Array.of(2),
        createdAt: now,
      };
      expect(await tryOut(store, store.keys.insert(key))).toBe('done');
      expect(await tryOut(store, store.keys.insert(key))).toBe('invalid-state');
      const found = await store.keys.find({ id: 'k' });
      expect(found && { ...found, publicKey: [...found.publicKey], sealed: [...found.sealed] }).toEqual({
        ...key,
        publicKey: [1],
        sealed: [2],
      });
      expect(await tryOut(store, store.keys.remove({ id: 'k' }))).toBe('done');
      expect(await tryOut(store, store.keys.remove({ id: 'k' }))).toBe('not-found');
      expect(await store.keys.find({ id: 'k' })).toBeUndefined();
    });
  });
});

describe('CA generations', () => {
  it('have at most one current one, and roll over in one change', async () => {
    await withStore(async (store) => {
      const { insert, setState } = store.caGenerations;
      await store.commit({
        statements: [
          insert(caGeneration()),
          insert(caGeneration({ id: 'plant-2', number: 2, state: 'next' })),
          insert(caGeneration({ id: 'office-1', ca: 'office' })),
        ],
        audit: [],
      });
      expect(await tryOut(store, insert(caGeneration({ id: 'plant-3', number: 3 })))).toBe('invalid-state');
      expect(await tryOut(store, insert(caGeneration({ id: 'plant-3', state: 'next' })))).toBe('invalid-state');
      const activate = setState({ id: 'plant-2', from: 'next', to: 'current' });
      const retire = setState({ id: 'plant-1', from: 'current', to: 'previous' });
      expect(await tryOut(store, activate)).toBe('invalid-state');
      expect(await tryOut(store, retire, activate)).toBe('done');
      expect(await tryOut(store, retire)).toBe('invalid-state');
      const all = await store.caGenerations.all();
      expect(all.map(({ id, state }) => [id, state])).toEqual([
        ['office-1', 'current'],
        ['plant-1', 'previous'],
        ['plant-2', 'current'],
      ]);
    });
  });
});

/** A store with the generations that certificates need. */
async function withGenerations(work: (store: Store) => Promise<void>): Promise<void> {
  await withStore(async (store) => {
    const { insert } = store.caGenerations;
    await store.commit({
      statements: [insert(caGeneration()), insert(caGeneration({ id: 'plant-2', number: 2, state: 'next' }))],
      audit: [],
    });
    await work(store);
  });
}

describe('certificates', () => {
  it('are found by each of their names', async () => {
    await withGenerations(async (store) => {
      const { certificates, devices } = store;
      await store.commit({
        statements: [
          devices.insert(device('device-1')),
          certificates.insert(certificate('0a', { deviceId: 'device-1' })),
          certificates.insert(certificate('0a', { issuerId: 'plant-2', certificateFingerprint: 'other' })),
          certificates.insert(certificate('0b', { keyFingerprint: 'bb', subjectKeyIdentifier: Uint8Array.of(9) })),
        ],
        audit: [],
      });
      const ids = (records: readonly { id: string }[]) => records.map(({ id }) => id).sort();
      const found = await certificates.findByIssuerAndSerial('plant-1', '0a');
      expect(found && { ...found, der: [...found.der], subjectKeyIdentifier: [...found.subjectKeyIdentifier] }).toEqual(
        {
          ...certificate('0a', { deviceId: 'device-1' }),
          id: 'plant-1:0a',
          der: [48, 1, 0],
          subjectKeyIdentifier: [1, 2, 3],
        },
      );
      expect((await certificates.findById({ id: 'plant-2:0a' }))?.issuerId).toBe('plant-2');
      expect((await certificates.findByFingerprint({ serialNumber: '0a', certificateFingerprint: 'other' }))?.id).toBe(
        'plant-2:0a',
      );
      expect(
        await certificates.findByFingerprint({ serialNumber: '0a', certificateFingerprint: 'none' }),
      ).toBeUndefined();
      expect(ids(await certificates.findBySerial({ serialNumber: '0a' }))).toEqual(['plant-1:0a', 'plant-2:0a']);
      expect(ids(await certificates.findByKey({ keyFingerprint: 'bb' }))).toEqual(['plant-1:0b']);
      expect(ids(await certificates.findBySubjectKeyIdentifier({ subjectKeyIdentifier: Uint8Array.of(9) }))).toEqual([
        'plant-1:0b',
      ]);
      expect(ids(await certificates.validByDevice({ deviceId: 'device-1', at: now }))).toEqual(['plant-1:0a']);
    });
  });

  it('refuse a serial number of the same issuer twice as unavailable, and an issuer or device that does not exist', async () => {
    await withGenerations(async (store) => {
      const { insert } = store.certificates;
      expect(await tryOut(store, insert(certificate('0a')))).toBe('done');
      expect(await tryOut(store, insert(certificate('0a', { certificateFingerprint: 'x' })))).toBe('unavailable');
      expect(await tryOut(store, insert(certificate('0b', { issuerId: 'unknown' })))).toBe('internal');
      expect(await tryOut(store, insert(certificate('0b', { deviceId: 'unknown' })))).toBe('internal');
    });
  });

  it('are found by who got them over CMP, as long as they are in use', async () => {
    await withGenerations(async (store) => {
      const { insert, idsOfRequester } = store.certificates;
      const devices = ['a', 'b'].map((id) => store.devices.insert(device(id, { name: id })));
      const of = (serial: string, deviceId: string, changes: Partial<NewCertificateRecord> = {}) =>
        insert(certificate(serial, { protocol: 'cmp', requester: 'cmp-secret:s', deviceId, ...changes }));
      await store.commit({
        statements: [
          ...devices,
          of('01', 'a'),
          of('03', 'b', { requester: 'cmp-secret:other' }),
          of('04', 'b', { protocol: 'est' }),
          of('05', 'b', { status: 'held' }),
          of('06', 'b', { notAfter: now - 1 }),
          of('07', 'b', { confirmBy: now + 1 }),
          of('08', 'b', { supplantedBy: 'plant-1:01' }),
        ],
        audit: [],
      });
      const asked = { requester: 'cmp-secret:s', at: now, limit: 2 };
      expect(await idsOfRequester(asked)).toEqual([{ id: 'plant-1:01' }]);
      await store.commit({ statements: [of('09', 'b'), of('0a', 'a')], audit: [] });
      expect(await idsOfRequester(asked)).toHaveLength(2);
    });
  });

  it('are revoked once, also from hold, and come back from hold only', async () => {
    await withGenerations(async (store) => {
      const { insert, hold, release, revoke, requireValid, findById } = store.certificates;
      const id = 'plant-1:0a';
      const revocation = { id, revokedAt: now + 5, revocationReason: 1, invalidityDate: now };
      await store.commit({ statements: [insert(certificate('0a'))], audit: [] });
      expect(await tryOut(store, requireValid({ id }))).toBe('done');
      expect(await tryOut(store, release({ id }))).toBe('invalid-state');
      expect(await tryOut(store, hold({ id, at: now + 1 }))).toBe('done');
      expect(await findById({ id })).toMatchObject({ status: 'held', revokedAt: now + 1, revocationReason: 6 });
      expect(await tryOut(store, requireValid({ id }))).toBe('revoked-requester');
      expect(await tryOut(store, hold({ id, at: now + 2 }))).toBe('invalid-state');
      expect(await tryOut(store, release({ id }))).toBe('done');
      expect(await findById({ id })).toMatchObject({ status: 'valid', revokedAt: null, revocationReason: null });
      expect(await tryOut(store, hold({ id, at: now + 3 }), revoke(revocation))).toBe('done');
      expect(await findById({ id })).toMatchObject({
        status: 'revoked',
        revokedAt: now + 5,
        revocationReason: 1,
        invalidityDate: now,
      });
      expect(await tryOut(store, revoke(revocation))).toBe('already-revoked');
      expect(await tryOut(store, release({ id }))).toBe('invalid-state');
    });
  });

  it('are counted per policy and device, and a limit holds in a race', async () => {
    await withGenerations(async (store) => {
      const { certificates, devices } = store;
      await store.commit({ statements: [devices.insert(device('device-1'))], audit: [] });
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          store.commit({
            statements: [
              certificates.requireFewerByPolicy({ policy: 'sensors', at: now, limit: 10 }),
              certificates.requireFewerByDevice({ deviceId: 'device-1', policy: 'sensors', at: now, limit: 3 }),
              certificates.insert(certificate(String(index), { deviceId: 'device-1' })),
            ],
            audit: [],
          }),
        ),
      );
      const refused = results.filter((result) => result.status === 'rejected');
      expect(refused).toHaveLength(17);
      expect(refused.every(({ reason }) => reason.code === 'forbidden')).toBe(true);
      expect(await certificates.countActiveByDevice({ deviceId: 'device-1', policy: 'sensors', at: now })).toBe(3);
      expect(await certificates.countActiveByDevice({ deviceId: 'device-1', policy: 'other', at: now })).toBe(0);
      expect(await certificates.countActiveByPolicy({ policy: 'sensors', at: now })).toBe(3);
      expect(await certificates.countActiveByPolicy({ policy: 'sensors', at: now + 91 * day })).toBe(0);
      expect(await tryOut(store, certificates.requireFewerByPolicy({ policy: 'sensors', at: now, limit: 3 }))).toBe(
        'forbidden',
      );
      expect(await tryOut(store, certificates.requireFewerByPolicy({ policy: 'other', at: now, limit: 1 }))).toBe(
        'done',
      );
    });
  });

  it('are listed by filters, in pages, latest first', async () => {
    await withGenerations(async (store) => {
      const { insert, list } = store.certificates;
      await store.commit({
        statements: ['0a', '0b', '0c', '0d', '0e'].map((serial, index) =>
          insert(
            certificate(serial, {
              issuedAt: now + Math.floor(index / 2),
              subject: index === 0 ? 'CN=Gateway_1' : 'CN=Sensor 100%',
              usage: index === 4 ? 'bootstrap' : 'operational',
            }),
          ),
        ),
        audit: [],
      });
      const serials = async (...[filter]: Parameters<typeof list>) =>
        (await list(filter)).map(({ serialNumber }) => serialNumber);
      expect(await serials({ limit: 10 })).toEqual(['0e', '0d', '0c', '0b', '0a']);
      expect(await serials({ limit: 2, after: { issuedAt: now + 1, id: 'plant-1:0d' } })).toEqual(['0c', '0b']);
      expect(await serials({ limit: 10, usage: 'bootstrap' })).toEqual(['0e']);
      expect(await serials({ limit: 10, subjectContains: 'gateWAY_' })).toEqual(['0a']);
      expect(await serials({ limit: 10, subjectContains: '0%' })).toHaveLength(4);
      expect(await serials({ limit: 10, subjectContains: '%' })).toHaveLength(4);
      expect(await serials({ limit: 10, status: 'revoked' })).toEqual([]);
      expect(await serials({ limit: 10, expiresBefore: now + 90 * day })).toEqual([]);
      expect(await serials({ limit: 10, expiresBefore: now + 91 * day })).toHaveLength(5);
      expect(await serials({ limit: 10, expiresFrom: now + 91 * day })).toEqual([]);
      expect(await serials({ limit: 10, expiresFrom: now + 90 * day })).toHaveLength(5);
    });
  });
});

describe('credentials', () => {
  it.each([
    ['revoked', { revokedAt: now - 1 }, 'bad-secret'],
    ['not yet valid', { notBefore: now + 1 }, 'bad-secret'],
    ['no longer valid', { notAfter: now - 1 }, 'bad-secret'],
    ['within its validity', { notBefore: now, notAfter: now }, 'done'],
    ['without bounds', {}, 'done'],
  ])('that are %s', async (_what, changes, expected) => {
    await withStore(async (store) => {
      const { insert, consume, findById } = store.credentials;
      await store.commit({ statements: [insert(credential('c', changes))], audit: [] });
      expect(await tryOut(store, consume({ id: 'c', now }))).toBe(expected);
      expect((await findById({ id: 'c' }))?.uses).toBe(expected === 'done' ? 1 : 0);
    });
  });

  it('that are used up refuse another use, but still hold for what was begun, until they are revoked', async () => {
    await withStore(async (store) => {
      const { insert, consume, requireUnrevoked, revoke } = store.credentials;
      await store.commit({ statements: [insert(credential('c', { usageLimit: 1 }))], audit: [] });
      expect(await tryOut(store, consume({ id: 'c', now }))).toBe('done');
      expect(await tryOut(store, consume({ id: 'c', now }))).toBe('bad-secret');
      expect(await tryOut(store, requireUnrevoked({ id: 'c' }))).toBe('done');
      expect(await tryOut(store, consume({ id: 'unknown', now }))).toBe('bad-secret');
      expect(await tryOut(store, revoke({ id: 'c', at: now }))).toBe('done');
      expect(await tryOut(store, requireUnrevoked({ id: 'c' }))).toBe('bad-secret');
    });
  });

  it('keep their uses and their revocation when they are defined anew', async () => {
    await withStore(async (store) => {
      const { insert, consume, replace, revoke, findByName } = store.credentials;
      await store.commit({
        statements: [insert(credential('c')), consume({ id: 'c', now }), revoke({ id: 'c', at: now })],
        audit: [],
      });
      expect(await tryOut(store, insert(credential('d', { name: 'c' })))).toBe('duplicate-request');
      const {
        id: _id,
        uses: _uses,
        createdAt: _at,
        revokedAt: _revoked,
        source: _source,
        ...definition
      } = credential('c', { usageLimit: 7, lookup: 'new' });
      expect(await tryOut(store, replace(definition))).toBe('done');
      expect(await findByName({ authenticationPolicy: 'factory', name: 'c' })).toEqual(
        credential('c', { usageLimit: 7, lookup: 'new', uses: 1, revokedAt: now }),
      );
      expect(await tryOut(store, replace({ ...definition, name: 'unknown' }))).toBe('not-found');
      expect(await tryOut(store, revoke({ id: 'c', at: now }))).toBe('not-found');
    });
  });

  it('of the same lookup value are all found within their policy and kind, the unrevoked first', async () => {
    await withStore(async (store) => {
      const { insert, findByLookup, listByPolicy } = store.credentials;
      await store.commit({
        statements: [
          insert(credential('a', { revokedAt: now, createdAt: now + 9 })),
          insert(credential('b')),
          insert(credential('c', { createdAt: now + 1 })),
          insert(credential('d', { kind: 'cmp-secret' })),
          insert(credential('e', { authenticationPolicy: 'other' })),
        ],
        audit: [],
      });
      const found = await findByLookup({ authenticationPolicy: 'factory', kind: 'passcode', lookup: 'hmac' });
      expect(found.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
      expect(await listByPolicy({ authenticationPolicy: 'factory' })).toHaveLength(4);
    });
  });

  it('that a message sets take the place of older ones of their name, and are not among those of operators', async () => {
    await withStore(async (store) => {
      const { supersede, findByName, listByPolicy, insert, revoke } = store.credentials;
      const named = { authenticationPolicy: 'factory', name: 'device:1' };
      const set = (id: string, changes: Partial<CredentialRecord> = {}) =>
        credential(id, { ...named, kind: 'revocation-passphrase', source: 'message', ...changes });
      expect(await tryOut(store, supersede(set('a')))).toBe('done');
      await store.commit({ statements: [revoke({ id: 'a', at: now })], audit: [] });
      expect(await tryOut(store, supersede(set('b', { lookup: 'new' })))).toBe('done');
      expect(await findByName(named)).toEqual(set('b', { lookup: 'new' }));
      expect(await tryOut(store, supersede(set('c', { createdAt: now - 1 })))).toBe('stale-message');
      expect((await findByName(named))?.id).toBe('b');
      await store.commit({ statements: [insert(credential('code'))], audit: [] });
      expect(await tryOut(store, supersede(set('d', { name: 'code', createdAt: now + 1 })))).toBe('stale-message');
      const listed = await listByPolicy({ authenticationPolicy: 'factory' });
      expect(listed.map(({ name }) => name)).toEqual(['code']);
    });
  });

  it('can be held to a lookup value that no other one of the kind has, but a revoked one', async () => {
    await withStore(async (store) => {
      const { insert, requireSoleLookup } = store.credentials;
      await store.commit({
        statements: [
          insert(credential('a')),
          insert(credential('b', { kind: 'cmp-secret' })),
          insert(credential('c', { authenticationPolicy: 'other' })),
          insert(credential('d', { revokedAt: now })),
        ],
        audit: [],
      });
      const guard = requireSoleLookup({ id: 'a', authenticationPolicy: 'factory', kind: 'passcode', lookup: 'hmac' });
      expect(await tryOut(store, guard)).toBe('done');
      expect(await tryOut(store, insert(credential('e')), guard)).toBe('invalid-state');
    });
  });
});

describe('devices', () => {
  it('are registered once per division and name; the loser of a race is told to try again', async () => {
    await withStore(async (store) => {
      const { insert, findByName } = store.devices;
      expect(await tryOut(store, insert(device('a', { name: 'press' })))).toBe('done');
      expect(await tryOut(store, insert(device('b', { name: 'press' })))).toBe('unavailable');
      expect(await tryOut(store, insert(device('c', { name: 'press', division: 'office' })))).toBe('done');
      expect((await findByName({ division: 'plant', name: 'press' }))?.id).toBe('a');
    });
  });

  it('change their state only from the expected one', async () => {
    await withStore(async (store) => {
      const { insert, setState, requireState, findById } = store.devices;
      await store.commit({ statements: [insert(device('a'))], audit: [] });
      const provision = setState({ id: 'a', from: 'registered', to: 'provisioned', at: now + 1 });
      expect(await tryOut(store, requireState({ id: 'a', state: 'registered' }), provision)).toBe('done');
      expect(await tryOut(store, provision)).toBe('unavailable');
      expect(await tryOut(store, requireState({ id: 'a', state: 'registered' }))).toBe('unavailable');
      expect(await findById({ id: 'a' })).toMatchObject({ state: 'provisioned', updatedAt: now + 1 });
    });
  });

  it('let one of several parallel changes through', async () => {
    await withStore(async (store) => {
      const { insert, touch, findById } = store.devices;
      await store.commit({ statements: [insert(device('a', { updatedAt: now }))], audit: [] });
      const first = touch({ id: 'a', seenAt: now, at: now + 1 });
      expect(await tryOut(store, first)).toBe('done');
      await expect(store.commit({ statements: [first], audit: [] })).rejects.toBeInstanceOf(OvertakenError);
      expect((await findById({ id: 'a' }))?.updatedAt).toBe(now + 1);
    });
  });

  it('are listed by filters, in pages', async () => {
    await withStore(async (store) => {
      const { insert, list } = store.devices;
      await store.commit({
        statements: [
          insert(device('a')),
          insert(device('b', { state: 'retired' })),
          insert(device('c', { division: 'office' })),
        ],
        audit: [],
      });
      const ids = async (...[filter]: Parameters<typeof list>) => (await list(filter)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).toEqual(['c', 'a', 'b']);
      expect(await ids({ limit: 10, division: 'plant', state: 'registered' })).toEqual(['a']);
      expect(await ids({ limit: 1, after: { division: 'office', name: 'c' } })).toEqual(['a']);
    });
  });
});

describe('enrollment transactions', () => {
  it('refuse a key that is in use as duplicate-transaction, and replace an expired one whole', async () => {
    await withStore(async (store) => {
      const { insert, findByKey, findByRequestId } = store.enrollmentTransactions;
      const first = enrollmentTransaction('k', { decidedBy: 'eve', state: 'rejected', groupName: 'g' });
      const second = enrollmentTransaction('k', { requestId: 'r2', createdAt: now + day, expiresAt: now + 2 * day });
      expect(await tryOut(store, insert({ ...first, expiredBy: now }))).toBe('done');
      expect(await tryOut(store, insert({ ...second, expiredBy: now + day - 1 }))).toBe('duplicate-transaction');
      expect(await findByKey({ key: 'k' })).toEqual(first);
      expect(await tryOut(store, insert({ ...second, expiredBy: now + day }))).toBe('done');
      expect(await findByKey({ key: 'k' })).toEqual(second);
      expect(await findByRequestId({ requestId: first.requestId })).toBeUndefined();
      expect(await findByRequestId({ requestId: 'r2' })).toEqual(second);
    });
  });

  it('move from the expected state, under the same request id, and keep who decided', async () => {
    await withStore(async (store) => {
      const { insert, moveState, recordCertificate, findByKey } = store.enrollmentTransactions;
      await store.commit({ statements: [insert({ ...enrollmentTransaction('k'), expiredBy: now })], audit: [] });
      const move = { key: 'k', requestId: 'request-k', at: now + 1, expiresAt: now + 5, decidedBy: null, reason: null };
      const approve = moveState({ ...move, from: 'pending', to: 'approved', decidedBy: 'ann', reason: 'known' });
      const record = recordCertificate({
        ...move,
        from: 'approved',
        request: '{"modified":[]}',
        certificateIssuer: 'plant-1',
        certificateSerial: '0a',
      });
      expect(await tryOut(store, record)).toBe('unavailable');
      expect(await tryOut(store, moveState({ ...move, requestId: 'old', from: 'pending', to: 'rejected' }))).toBe(
        'invalid-state',
      );
      expect(await tryOut(store, approve)).toBe('done');
      expect(await tryOut(store, approve)).toBe('invalid-state');
      expect(await tryOut(store, record)).toBe('done');
      expect(await tryOut(store, moveState({ ...move, from: 'issued', to: 'rejected' }))).toBe('done');
      expect(await findByKey({ key: 'k' })).toMatchObject({
        state: 'rejected',
        decidedBy: 'ann',
        reason: 'known',
        request: '{"modified":[]}',
        certificateIssuer: 'plant-1',
        certificateSerial: '0a',
        updatedAt: now + 1,
        expiresAt: now + 5,
      });
    });
  });

  it('count each approver once', async () => {
    await withStore(async (store) => {
      const { insertApproval, approvals } = store.enrollmentTransactions;
      const approval = (approver: string) =>
        insertApproval({ requestId: 'r', approver, at: now, name: `${approver}.`, comment: null });
      expect(await tryOut(store, approval('ann'))).toBe('done');
      expect(await tryOut(store, approval('ann'))).toBe('invalid-state');
      expect(await tryOut(store, approval('bob'))).toBe('done');
      expect(await approvals({ requestId: 'r' })).toEqual([
        { requestId: 'r', approver: 'ann', at: now, name: 'ann.', comment: null },
        { requestId: 'r', approver: 'bob', at: now, name: 'bob.', comment: null },
      ]);
      expect(await approvals({ requestId: 'other' })).toEqual([]);
    });
  });

  it('are removed with their approvals when they have expired', async () => {
    await withStore(async (store) => {
      const { insert, insertApproval, approvals, removeExpired, list } = store.enrollmentTransactions;
      await store.commit({
        statements: [
          insert({ ...enrollmentTransaction('old', { expiresAt: now + 1 }), expiredBy: now }),
          insert({ ...enrollmentTransaction('new'), expiredBy: now }),
          insertApproval({ requestId: 'request-old', approver: 'ann', at: now, name: null, comment: null }),
          insertApproval({ requestId: 'request-new', approver: 'ann', at: now, name: null, comment: null }),
        ],
        audit: [],
      });
      expect(await list({ limit: 10, state: 'pending', policy: 'sensors' })).toHaveLength(2);
      await store.commit({ statements: removeExpired({ now: now + 1 }), audit: [] });
      expect((await list({ limit: 10 })).map(({ key }) => key)).toEqual(['new']);
      expect(await approvals({ requestId: 'request-old' })).toEqual([]);
      expect(await approvals({ requestId: 'request-new' })).toMatchObject([{ approver: 'ann' }]);
    });
  });

  it('are listed in pages, oldest first', async () => {
    await withStore(async (store) => {
      const { insert, list } = store.enrollmentTransactions;
      await store.commit({
        statements: ['c', 'b', 'a'].map((key, index) =>
          insert({ ...enrollmentTransaction(key, { createdAt: now + index }), expiredBy: now }),
        ),
        audit: [],
      });
      expect((await list({ limit: 2 })).map(({ key }) => key)).toEqual(['c', 'b']);
      const after = { at: now + 1, requestId: 'request-b' };
      expect((await list({ limit: 2, after })).map(({ key }) => key)).toEqual(['a']);
      const latestFirst = { by: 'updatedAt', descending: true } as const;
      // Changed all at once, they go by their ids.
      expect((await list({ limit: 2, order: latestFirst })).map(({ key }) => key)).toEqual(['c', 'b']);
      expect(
        (await list({ limit: 2, order: latestFirst, after: { at: now, requestId: 'request-b' } })).map(
          ({ key }) => key,
        ),
      ).toEqual(['a']);
    });
  });
});

describe('the audit log', () => {
  it('is listed by filters, in pages, latest first', async () => {
    await withStore(async (store) => {
      await store.commit({
        statements: [],
        audit: [
          auditRecord('a'),
          auditRecord('b', { subject: 'device-2' }),
          auditRecord('c', { outcome: 'denied' }),
          auditRecord('d'),
        ],
      });
      const ids = async (...[filter]: Parameters<typeof store.audit.list>) =>
        (await store.audit.list(filter)).map(({ id }) => id);
      expect(await ids({ limit: 2 })).toEqual(['d', 'c']);
      expect(await ids({ limit: 2, before: 3 })).toEqual(['b', 'a']);
      expect(await ids({ limit: 9, subject: 'device-1', outcome: 'issued' })).toEqual(['d', 'a']);
      expect(await ids({ limit: 9, action: 'other' })).toEqual([]);
    });
  });
});

describe('leases', () => {
  it('are held by one node until they lapse or are given back', async () => {
    await withStore(async (store) => {
      const { take, release, find } = store.leases;
      const lease = (holder: string, from: number) => take({ name: 'crl', holder, until: from + 10, now: from });
      expect(await tryOut(store, lease('one', now))).toBe('done');
      expect(await tryOut(store, lease('two', now + 9))).toBe('invalid-state');
      expect(await tryOut(store, lease('one', now + 5))).toBe('done');
      expect(await tryOut(store, lease('two', now + 14))).toBe('invalid-state');
      expect(await tryOut(store, lease('two', now + 15))).toBe('done');
      await store.commit({ statements: [release({ name: 'crl', holder: 'one' })], audit: [] });
      expect(await find({ name: 'crl' })).toEqual({ name: 'crl', holder: 'two', until: now + 25 });
      await store.commit({ statements: [release({ name: 'crl', holder: 'two' })], audit: [] });
      expect(await tryOut(store, lease('one', now + 16))).toBe('done');
    });
  });
});

describe('meta values', () => {
  it('keep the first value, or the last, as is asked', async () => {
    await withStore(async (store) => {
      expect(await tryOut(store, store.meta.insert({ name: 'n', value: 'first' }))).toBe('done');
      expect(await tryOut(store, store.meta.insert({ name: 'n', value: 'second' }))).toBe('invalid-state');
      expect(await store.meta.find('n')).toBe('first');
      expect(await tryOut(store, store.meta.put({ name: 'n', value: 'third' }))).toBe('done');
      expect(await store.meta.find('n')).toBe('third');
    });
  });
});
