import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { X509Certificate as OtherCertificate, X509Crl, X509CrlReason } from '@peculiar/x509';
import type { IssuedCertificate } from '../../../src/ca/sign-certificate.js';
import { GatewayError } from '../../../src/errors.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { withStore } from '../store/temporary-store.js';
import { entriesOf, hold, issue, openssl, release, revoke } from './test-crls.js';
import { createWorld, day, rootAndIssuing, second, start, type TestNode, withHierarchy } from './test-hierarchy.js';

const hour = 3_600_000;

describe('CRL: content (RFC 5280 5)', () => {
  it('is signed, numbered and timed as configured, and empty without a list (5.1.2.6)', async () => {
    await withHierarchy(rootAndIssuing, async ({ authority, crls }) => {
      const record = await crls.publish('issuing-1', 0);
      const crl = new X509Crl(record.der);
      expect(crl.issuer).toBe('O=Example, CN=Test Issuing');
      expect([crl.thisUpdate.getTime(), crl.nextUpdate?.getTime()]).toEqual([start, start + 7 * day]);
      expect(crl.entries).toHaveLength(0);
      expect(crl.extensions.map(({ type, critical }) => [type, critical])).toEqual([
        ['2.5.29.35', false],
        ['2.5.29.20', false],
      ]);
      const [issuing = new Uint8Array()] = authority.chain('issuing-1');
      expect(await crl.verify({ publicKey: new OtherCertificate(issuing) })).toBe(true);
      expect(record).toMatchObject({ number: 1, thisUpdate: start, nextUpdate: start + 7 * day });
      expect(decodeCertificateList(record.der).revokedCertificates).toEqual([]);
    });
  });

  it.each(['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'])(
    'of %s keys is verified by openssl',
    async (type) => {
      await withHierarchy(
        rootAndIssuing.map((document) => ({ ...document, key: type })),
        async ({ authority, crls }) => {
          const { der } = await crls.publish('issuing-1', 0);
          expect(openssl(authority.chain('issuing-1'), [der], 'crl', '-in 0.crl -CAfile 0.pem -noout')).toContain(
            'verify OK',
          );
        },
      );
    },
  );

  it('makes openssl refuse what is revoked, and accept what is not', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const [good, bad] = [await issue(node), await issue(node)];
      await revoke(node, bad, { revocationReason: 1 });
      const lists = [(await node.crls.publish('issuing-1', 0)).der, (await node.crls.publish('root-1', 0)).der];
      const verify = `-crl_check_all -x509_strict -attime ${start / second + 60} -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl 0.pem`;
      const chain = node.authority.chain('issuing-1');
      expect(openssl([good.der, ...chain], lists, 'verify', verify)).toContain('0.pem: OK');
      expect(openssl([bad.der, ...chain], lists, 'verify', verify)).toContain('certificate revoked');
    });
  });

  it('of a root makes openssl refuse an issuing CA that is revoked', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const leaf = await issue(node);
      const issuing = node.authority.generation('issuing-1')?.certificate;
      await revoke(node, {
        der: new Uint8Array(),
        issuerId: 'root-1',
        serialNumber: issuing?.serialNumber ?? '',
        crlPartition: 0,
      });
      const lists = [(await node.crls.publish('issuing-1', 0)).der, (await node.crls.publish('root-1', 0)).der];
      const verify = `-crl_check_all -attime ${start / second + 60} -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl 0.pem`;
      expect(openssl([leaf.der, ...node.authority.chain('issuing-1')], lists, 'verify', verify)).toMatch(
        /error 23 at 1 depth lookup: certificate revoked/,
      );
    });
  });

  it('lists revoked certificates with their reasons, and none where it is unspecified (5.3.1)', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const [valid, unspecified, compromised] = [await issue(node), await issue(node), await issue(node)];
      await revoke(node, unspecified);
      await revoke(node, compromised, { revocationReason: 1, revokedAt: start - hour });
      expect(await entriesOf(node)).toEqual({
        [unspecified.serialNumber]: undefined,
        [compromised.serialNumber]: X509CrlReason.keyCompromise,
      });
      const crl = new X509Crl((await node.crls.publish('issuing-1', 0)).der);
      expect(crl.findRevoked(valid.serialNumber)).toBeNull();
      expect(crl.findRevoked(compromised.serialNumber)?.revocationDate.getTime()).toBe(start - hour);
      expect(Buffer.from(crl.rawData).includes(Buffer.from('0603551d15', 'hex'))).toBe(true);
      expect(crl.findRevoked(unspecified.serialNumber)?.extensions).toEqual([]);
    });
  });

  it('says since when a key is suspected (5.3.2)', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const issued = await issue(node);
      await revoke(node, issued, { revocationReason: 1, invalidityDate: start - day });
      const crl = new X509Crl((await node.crls.publish('issuing-1', 0)).der);
      expect(crl.findRevoked(issued.serialNumber)?.invalidity?.getTime()).toBe(start - day);
    });
  });

  it('lists what is on hold, forgets it when it is released, and keeps it when it is revoked', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const [released, revoked] = [await issue(node), await issue(node)];
      for (const each of [released, revoked]) await hold(node, each);
      expect(await entriesOf(node)).toEqual({
        [released.serialNumber]: X509CrlReason.certificateHold,
        [revoked.serialNumber]: X509CrlReason.certificateHold,
      });
      await release(node, released);
      await revoke(node, revoked, { revocationReason: 4 });
      expect(await entriesOf(node)).toEqual({ [revoked.serialNumber]: X509CrlReason.superseded });
    });
  });

  it('keeps what has expired until it was on one regular CRL afterwards (3.3)', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const issued = await issue(node, new Date(start + 12 * hour));
      await revoke(node, issued);
      const isListed = async () => issued.serialNumber in (await entriesOf(node));
      expect(await isListed()).toBe(true);
      world.clock.at = start + 13 * hour;
      expect(await isListed()).toBe(true);
      world.clock.at = start + 24 * hour;
      expect(await isListed()).toBe(true);
      world.clock.at = start + 72 * hour;
      await node.crls.publish('issuing-1', 0);
      expect(await isListed()).toBe(false);
    });
  });

  it('names its scope, critically, where there are several partitions (5.2.5), and has only its own entries', async () => {
    const bounded = rootAndIssuing.map((document) => ({ ...document, crl: { maximumCertificates: 2 } }));
    await withHierarchy(bounded, async (node) => {
      const all: IssuedCertificate[] = [];
      while (new Set(all.map(({ crlPartition }) => crlPartition)).size < 2) all.push(await issue(node));
      for (const each of all) await revoke(node, each);
      for (const partition of [0, 1]) {
        const own = all.filter((each) => each.crlPartition === partition).map((each) => each.serialNumber);
        expect(Object.keys(await entriesOf(node, partition)).sort()).toEqual(own.sort());
        const { der } = await node.crls.publish('issuing-1', partition);
        const text = openssl([], [der], 'crl', '-in 0.crl -noout -text');
        expect(text).toMatch(
          /Issuing Distribution Point: critical\s+Full Name:\s+URI:http:\/\/gate.example:8080\/crl\/issuing-1\/\d.crl/,
        );
        expect(text).toContain(`/${partition}.crl`);
      }
      const verify = `-crl_check -attime ${start / second + 60} -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl 0.pem`;
      const lists = await Promise.all(
        [0, 1].map(async (partition) => (await node.crls.publish('issuing-1', partition)).der),
      );
      const good = await issue(node);
      const chain = node.authority.chain('issuing-1');
      expect(openssl([good.der, ...chain], lists, 'verify -extended_crl', verify)).toContain('0.pem: OK');
      for (const each of all) {
        expect(openssl([each.der, ...chain], lists, 'verify -extended_crl', verify)).toContain('certificate revoked');
      }
    });
  });

  it('names its scope before there is a second part: from when the first is half full; or always', async () => {
    const bounded = rootAndIssuing.map((document) => ({ ...document, crl: { maximumCertificates: 4 } }));
    await withHierarchy(bounded, async (node, world) => {
      const hasScope = async (issuerId: string) =>
        decodeCertificateList((await node.crls.publish(issuerId, 0)).der).extensions.some(
          ({ id }) => id === '2.5.29.28',
        );
      await issue(node);
      expect(await hasScope('issuing-1')).toBe(false);
      await issue(node);
      await issue(node);
      expect(await hasScope('issuing-1')).toBe(true);
      expect(await hasScope('root-1')).toBe(false);
      world.configureCrl('root', { scope: 'always' });
      expect(await hasScope('root-1')).toBe(true);
    });
  });

  it('is of 6,000 entries read and written in parts, between which other work has its turn', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      await revokeMany(node, 6_000);
      let turns = 0;
      let isDone = false;
      const count = () => {
        turns++;
        if (!isDone) setImmediate(count);
      };
      setImmediate(count);
      const regular = await node.crls.publish('issuing-1', 0);
      expect(turns).toBeGreaterThan(6_000 / 500);
      turns = 0;
      const held = await issue(node);
      await hold(node, held);
      await node.crls.publish('issuing-1', 0);
      await release(node, held);
      const after = await node.crls.publish('issuing-1', 0);
      expect(turns).toBeGreaterThan(6_000 / 500);
      isDone = true;
      expect([regular.entries, after.entries]).toEqual([6_000, 6_000]);
      expect(decodeCertificateList(after.der).revokedCertificates).toHaveLength(6_000);
    });
  });

  it('costs a revocation the same whether ten are listed or ten thousand, but for the bytes', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      await revokeMany(node, 10_000);
      await node.crls.publish('issuing-1', 0);
      const added = await issue(node);
      await revoke(node, added);
      const cost = await cpuTimeOf(async () => {
        await node.crls.publish('issuing-1', 0);
      });
      expect(cost).toBeLessThan(100);
    });
  });

  it('of a generation that does not exist is refused', async () => {
    await withHierarchy(rootAndIssuing, async ({ crls }) => {
      const refusal = await crls.publish('issuing-2', 0).catch((error) => error);
      expect(refusal instanceof GatewayError && refusal.code).toBe('not-found');
    });
  });
});

describe('CRL: publishing', () => {
  it('has a higher number each time, also when several processes publish at once (5.2.3)', async () => {
    await withStore(async (store, file) => {
      const world = createWorld(rootAndIssuing);
      const other = await openStore({ file, synchronous: 'OFF' });
      try {
        const nodes = [world.node(store), world.node(other), world.node(store)];
        for (const node of nodes) await node.ensure();
        const numbers: number[] = [];
        for (let round = 0; round < 4; round++) {
          const published = await Promise.all(nodes.map((node) => node.crls.publish('issuing-1', 0)));
          numbers.push(...published.map((record) => record.number));
        }
        expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
        const record = await store.crls.find({ issuerId: 'issuing-1', partition: 0 });
        expect(record?.number).toBe(12);
        const events = await store.audit.list({ action: 'crl.published', limit: 50 });
        expect(events).toHaveLength(12);
      } finally {
        await other.close();
      }
    });
  });

  it('shares one CRL among calls that wait together, and has what was revoked before each', async () => {
    await withHierarchy(rootAndIssuing, async (node) => {
      const issued = await Promise.all(Array.from({ length: 10 }, () => issue(node)));
      const listed = await Promise.all(
        issued.map(async (each) => {
          await revoke(node, each);
          const { der } = await node.crls.publish('issuing-1', 0);
          return new X509Crl(der).findRevoked(each.serialNumber) !== null;
        }),
      );
      expect(listed).toEqual(issued.map(() => true));
      expect((await node.store.crls.find({ issuerId: 'issuing-1', partition: 0 }))?.number).toBeLessThanOrEqual(10);
    });
  });

  it('publishes what is missing and what is due, for roots and all generations, and says when to come again', async () => {
    await withHierarchy(rootAndIssuing, async ({ crls, store }, world) => {
      const numbers = async () =>
        Promise.all(
          ['root-1', 'issuing-1'].map(async (issuerId) => (await store.crls.find({ issuerId, partition: 0 }))?.number),
        );
      expect((await crls.publishDue()).getTime()).toBe(start + hour);
      expect(await numbers()).toEqual([1, 1]);
      world.clock.at = start + day - second;
      expect((await crls.publishDue()).getTime()).toBe(start + day);
      expect(await numbers()).toEqual([1, 1]);
      const retired = store.caGenerations.setState({ id: 'issuing-1', from: 'current', to: 'previous' });
      await store.commit({ statements: [retired], audit: [] });
      world.clock.at = start + day;
      await crls.publishDue();
      expect(await numbers()).toEqual([2, 2]);
    });
  });

  it('goes on for a CA that is not configured any more, until it has ended', async () => {
    await withHierarchy(rootAndIssuing, async ({ crls, store }, world) => {
      world.configs.delete('issuing');
      await crls.publishDue();
      expect((await store.crls.find({ issuerId: 'issuing-1', partition: 0 }))?.number).toBe(1);
      world.clock.at = start + 11 * 366 * day;
      await crls.publishDue();
      expect((await store.crls.find({ issuerId: 'issuing-1', partition: 0 }))?.number).toBe(1);
      expect((await store.crls.find({ issuerId: 'root-1', partition: 0 }))?.number).toBe(2);
    });
  });

  it('publishes what has changed when half of publishWithin is over, once, and nothing else', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const { crls, store } = node;
      const numbers = () =>
        Promise.all(
          ['root-1', 'issuing-1'].map(async (issuerId) => (await store.crls.find({ issuerId, partition: 0 }))?.number),
        );
      world.configureCrl('issuing', { publishWithin: 8 });
      await crls.publishChanged();
      expect(await numbers()).toEqual([undefined, undefined]);
      const [first, later] = [await issue(node), await issue(node)];
      await revoke(node, first, {}, world.clock.at);
      world.clock.at += 3 * second;
      await revoke(node, later, {}, world.clock.at);
      world.clock.at += second - 1;
      await crls.publishChanged();
      expect(await numbers()).toEqual([undefined, undefined]);
      world.clock.at += 1;
      // A process that does not know of the CA yet.
      await world.node(store).crls.publishChanged();
      await crls.publishChanged();
      expect(await numbers()).toEqual([undefined, 1]);
      expect((await store.crls.find({ issuerId: 'issuing-1', partition: 0 }))?.entries).toBe(2);
      world.clock.at += 60 * second;
      await crls.publishChanged();
      expect(await numbers()).toEqual([undefined, 1]);
    });
  });

  it('has a change that was made while a CRL was being made on the next one', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const { crls, store } = node;
      const issued = await issue(node);
      const publishing = crls.publish('issuing-1', 0);
      await revoke(node, issued, {}, world.clock.at);
      await publishing;
      world.clock.at += 10 * second;
      await crls.publishChanged();
      const { der = new Uint8Array() } = (await store.crls.find({ issuerId: 'issuing-1', partition: 0 })) ?? {};
      expect(new X509Crl(der).findRevoked(issued.serialNumber)).not.toBeNull();
      expect(await store.crls.changed({})).toEqual([]);
    });
  });

  it('publishes for a partition as soon as its first certificate points there', async () => {
    const bounded = rootAndIssuing.map((document) => ({ ...document, crl: { maximumCertificates: 1 } }));
    await withHierarchy(bounded, async (node) => {
      await issue(node);
      expect((await issue(node)).crlPartition).toBe(1);
      await node.crls.publishChanged();
      expect(await node.store.crls.findHeader({ issuerId: 'issuing-1', partition: 1 })).toMatchObject({ number: 1 });
      await node.crls.publishDue();
      expect((await node.store.crls.headers({})).map(({ issuerId, partition }) => [issuerId, partition])).toEqual([
        ['issuing-1', 0],
        ['issuing-1', 1],
        ['root-1', 0],
      ]);
    });
  });

  it('leaves the work to another node that has the lease, and takes over when that dies', async () => {
    await withHierarchy(rootAndIssuing, async ({ crls, store }, world) => {
      const lease = { name: 'crl root-1', holder: 'another node', until: start + 60 * second, now: start };
      await store.commit({ statements: [store.leases.take(lease)], audit: [] });
      const next = await crls.publishDue();
      expect(next.getTime()).toBeGreaterThan(start);
      expect(await store.crls.find({ issuerId: 'root-1', partition: 0 })).toBeUndefined();
      expect((await store.crls.find({ issuerId: 'issuing-1', partition: 0 }))?.number).toBe(1);
      world.clock.at = next.getTime();
      await crls.publishDue();
      expect((await store.crls.find({ issuerId: 'root-1', partition: 0 }))?.number).toBe(1);
    });
  });

  it('does not let one CA that cannot sign keep the CRLs of others from being published', async () => {
    await withHierarchy(rootAndIssuing, async ({ crls, store, generations }, world) => {
      const broken = generations.find('issuing-1');
      if (broken === undefined) throw new Error('no CA');
      Object.assign(broken.signer, { sign: async () => Promise.reject(new Error('the key is gone')) });
      await expect(crls.publishDue()).rejects.toThrow('the key is gone');
      expect((await store.crls.find({ issuerId: 'root-1', partition: 0 }))?.number).toBe(1);
      world.clock.at += second;
      await expect(crls.publishDue()).rejects.toThrow('the key is gone');
    });
  });
});

async function revokeMany({ store }: TestNode, count: number): Promise<void> {
  const place = { issuerId: 'issuing-1', partition: 0 };
  for (let done = 0; done < count; done += 500) {
    const statements = Array.from({ length: 500 }, () => [
      store.crls.markChanged({ ...place, at: start }),
      store.revocations.record({
        ...place,
        ...{ serialNumber: `55${randomBytes(19).toString('hex')}`, revokedAt: start, reason: 4, invalidityDate: null },
        ...{ notAfter: start + 90 * day, removed: 0 },
      }),
    ]);
    await store.commit({ statements: statements.flat(), audit: [] });
  }
}
