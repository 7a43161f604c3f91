import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createNonces, type Nonces } from '../../../protocols/acme/nonces.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { withFile, withStore } from '../../src/store/temporary-store.js';
import { createTestClock } from '../../support/test-clock.js';

const key = createSecretKey(Buffer.alloc(32, 1));

function noncesOn(store: Store, { clock = createTestClock(), secret = key } = {}): Nonces {
  return createNonces({
    database: store.database,
    clock,
    commit: (statements) => store.commit({ statements, audit: [] }),
    deriveKey: () => secret,
  });
}

async function outcome(use: () => unknown): Promise<string> {
  try {
    await use();
    return 'taken';
  } catch (error) {
    return (error as { type?: string }).type ?? String(error);
  }
}

const useUp = (nonces: Nonces, nonce: string | undefined) => outcome(() => nonces.use(nonces.read(nonce)));

describe('nonces (RFC 8555 6.5)', () => {
  it('are base64url, unpredictable and good once', () =>
    withStore(async (store) => {
      const nonces = noncesOn(store);
      const issued = Array.from({ length: 100 }, () => nonces.issue());
      expect(issued.every((nonce) => /^[A-Za-z0-9_-]{43}$/.test(nonce))).toBe(true);
      expect(new Set(issued).size).toBe(100);
      const [first, second] = issued;
      expect(await useUp(nonces, first)).toBe('taken');
      expect(await useUp(nonces, first)).toBe('badNonce');
      expect(await useUp(nonces, second)).toBe('taken');
    }));

  it('are taken from one of fifty messages that use one at the same time', () =>
    withStore(async (store) => {
      const nonces = noncesOn(store);
      const nonce = nonces.issue();
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => useUp(nonces, nonce)));
      expect(outcomes.filter((each) => each === 'taken')).toHaveLength(1);
      expect(outcomes.filter((each) => each === 'badNonce')).toHaveLength(49);
    }));

  it('are good in another process on the same database, and after a restart, once', () =>
    withFile(async (file) => {
      const first = await openStore({ file, synchronous: 'OFF' });
      const second = await openStore({ file, synchronous: 'OFF' });
      const [atFirst, atSecond] = [noncesOn(first), noncesOn(second)];
      const [one, other, later] = [atFirst.issue(), atFirst.issue(), atFirst.issue()];
      expect(await useUp(atSecond, one)).toBe('taken');
      expect(await useUp(atFirst, one)).toBe('badNonce');
      expect(await useUp(atFirst, other)).toBe('taken');
      await first.close();
      await second.close();
      const again = await openStore({ file, synchronous: 'OFF' });
      const restarted = noncesOn(again);
      expect(await useUp(restarted, other)).toBe('badNonce');
      expect(await useUp(restarted, later)).toBe('taken');
      await again.close();
    }));

  it('are good for a quarter of an hour', () =>
    withStore(async (store) => {
      const clock = createTestClock();
      const nonces = noncesOn(store, { clock });
      const [early, late] = [nonces.issue(), nonces.issue()];
      clock.advance(898);
      expect(await useUp(nonces, early)).toBe('taken');
      clock.advance(2);
      expect(await useUp(nonces, late)).toBe('badNonce');
    }));

  it('may come from a process whose clock is a minute ahead, but not from the future', () =>
    withStore(async (store) => {
      const [ahead, clock] = [createTestClock(), createTestClock()];
      ahead.advance(50);
      const nonces = noncesOn(store, { clock });
      expect(await useUp(nonces, noncesOn(store, { clock: ahead }).issue())).toBe('taken');
      ahead.advance(60);
      expect(await useUp(nonces, noncesOn(store, { clock: ahead }).issue())).toBe('badNonce');
    }));

  it('are badNonce where they are missing, of others, or changed anywhere', () =>
    withStore(async (store) => {
      const nonces = noncesOn(store);
      const others = noncesOn(store, { secret: createSecretKey(randomBytes(32)) });
      const octets = Buffer.from(nonces.issue(), 'base64url');
      const changed = Array.from(octets, (octet, i) => {
        const copy = Buffer.from(octets);
        copy[i] = octet ^ 1;
        return copy.toString('base64url');
      });
      const bad = [undefined, '', 'AAAA', others.issue(), octets.subarray(1).toString('base64url'), ...changed];
      for (const nonce of bad) expect(await useUp(nonces, nonce)).toBe('badNonce');
      expect(await useUp(nonces, octets.toString('base64url'))).toBe('taken');
    }));

  it.each(['not base64url!', 'AAAA=', 'AB'])('are malformed where they are not base64url (6.5.2): %s', (nonce) =>
    withStore(async (store) => {
      expect(await useUp(noncesOn(store), nonce)).toBe('malformed');
    }),
  );

  it('are remembered for as long as any process would take them again, and then forgotten', () =>
    withStore(async (store) => {
      const clock = createTestClock();
      const nonces = noncesOn(store, { clock });
      const { find } = store.database.tables<{ acmeUsedNonce: { nonce: Uint8Array; expiresAt: number } }>();
      const remembered = find((db, slot: { least: number }) =>
        db.selectFrom('acmeUsedNonce').select('expiresAt').where('expiresAt', '>', slot.least),
      );
      await nonces.use(nonces.read(nonces.issue()));
      clock.advance(15 * 60 + 50);
      await nonces.removeExpired(clock.now());
      expect(await remembered({ least: 0 })).toBeDefined();
      clock.advance(11);
      await nonces.removeExpired(clock.now());
      expect(await remembered({ least: 0 })).toBeUndefined();
    }));
});
