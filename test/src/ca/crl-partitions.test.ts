import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { X509Crl } from '@peculiar/x509';
import { createCrlPartitions } from '../../../src/ca/crl-partitions.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { decodeCrlDistributionPoints, decodeIssuingDistributionPoint } from '../../../src/x509/location-extensions.js';
import { withStore } from '../store/temporary-store.js';
import { issue, openssl, revoke } from './test-crls.js';
import { createWorld, rootAndIssuing, second, start, type TestNode, withHierarchy } from './test-hierarchy.js';

function issuing({ generations }: TestNode) {
  const found = generations.find('issuing-1');
  if (found === undefined) throw new Error('no CA');
  return found;
}

describe('CRL partitions', () => {
  it('are filled one after the other: 12,000 certificates at 5,000 make three', async () => {
    await withHierarchy(rootAndIssuing, async (node, { clock }) => {
      const partitions = createCrlPartitions({ ...node, clock });
      const counts = [0, 0, 0];
      for (let i = 0; i < 12_000; i++) {
        const partition = await partitions.take(issuing(node), 5000);
        counts[partition] = (counts[partition] ?? 0) + 1;
      }
      expect(counts).toEqual([5000, 5000, 2000]);
      expect(partitions.current('issuing-1')).toBe(2);
    });
  });

  it('are never overfilled by several processes, and lose few places to one that ends', async () => {
    await withHierarchy(rootAndIssuing, async (node, { clock }) => {
      const counts = new Map<number, number>();
      const take = async (partitions: ReturnType<typeof createCrlPartitions>) => {
        const partition = await partitions.take(issuing(node), 100);
        counts.set(partition, (counts.get(partition) ?? 0) + 1);
      };
      const processes = Array.from({ length: 4 }, () => createCrlPartitions({ ...node, clock }));
      await Promise.all(processes.flatMap((one) => Array.from({ length: 100 }, () => take(one))));
      expect(Math.max(...counts.values())).toBeLessThanOrEqual(100);
      const before = (await node.store.crlPartitions.last({ issuerId: 'issuing-1' }))?.partition ?? 0;
      // As a command does that issues one certificate and ends.
      for (let i = 0; i < 50; i++) await take(createCrlPartitions({ ...node, clock }));
      const after = (await node.store.crlPartitions.last({ issuerId: 'issuing-1' }))?.partition ?? 0;
      expect(after - before).toBeLessThanOrEqual(1);
    });
  });

  it('stay those of the certificates that have them, when fewer or more are to share one', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const first = await issue(node);
      world.configureCrl('issuing', { maximumCertificates: 1 });
      const other = world.node(node.store);
      await other.ensure();
      const second = await issue(other);
      world.configureCrl('issuing', { maximumCertificates: 5000 });
      const again = world.node(node.store);
      await again.ensure();
      const third = await issue(again);
      expect([first, second, third].map(({ crlPartition }) => crlPartition)).toEqual([0, 1, 1]);
      await revoke(node, first);
      const crl = new X509Crl((await other.crls.publish('issuing-1', 0)).der);
      expect(crl.findRevoked(first.serialNumber)).not.toBeNull();
    });
  });
});

describe('the URLs of CRLs', () => {
  it('are those of the certificates, all of them, when publicHttpUrl has changed (RFC 5280 5.2.5)', async () => {
    await withStore(async (store) => {
      const scoped = rootAndIssuing.map((document) => ({ ...document, crl: { scope: 'always' } }));
      const world = createWorld(scoped);
      const before = world.node(store);
      await before.ensure();
      const old = await issue(before);
      world.publicHttpUrl = 'http://moved.example';
      const after = world.node(store);
      await after.ensure();
      const recent = await issue(after);
      const points = [old, recent].map(({ der }) => {
        const value = extension(decodeCertificate(der), '2.5.29.31');
        return decodeCrlDistributionPoints(value ?? new Uint8Array());
      });
      expect(points).toEqual([
        ['http://gate.example:8080/crl/issuing-1/0.crl'],
        ['http://moved.example/crl/issuing-1/0.crl'],
      ]);
      const { der } = await after.crls.publish('issuing-1', 0);
      const scope = decodeCertificateList(der).extensions.find(({ id }) => id === '2.5.29.28');
      expect(decodeIssuingDistributionPoint(scope?.value ?? new Uint8Array()).urls).toEqual(points.flat());
      for (const url of points.flat())
        expect(after.authority.crlPlace(url)).toEqual({ generation: 'issuing-1', partition: 0 });
      const verify = `-crl_check -x509_strict -attime ${start / second + 60} -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl 0.pem`;
      for (const each of [old, recent]) {
        expect(openssl([each.der, ...after.authority.chain('issuing-1')], [der], 'verify', verify)).toContain(
          '0.pem: OK',
        );
      }
      await revoke(after, old);
      const next = (await after.crls.publish('issuing-1', 0)).der;
      expect(openssl([old.der, ...after.authority.chain('issuing-1')], [next], 'verify', verify)).toContain(
        'certificate revoked',
      );
    });
  });

  it('are written down before the first certificate has them, also of a generation that has issued nothing since', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const bases = async () => (await node.store.caGenerations.all()).map(({ id, baseUrls }) => [id, baseUrls]);
      const here = JSON.stringify(['http://gate.example:8080']);
      expect(await bases()).toEqual([
        ['issuing-1', here],
        ['root-1', here],
      ]);
      world.publicHttpUrl = 'http://moved.example';
      const moved = world.node(node.store);
      await moved.authority.reload();
      await issue(moved);
      expect(await bases()).toEqual([
        ['issuing-1', JSON.stringify(['http://gate.example:8080', 'http://moved.example'])],
        ['root-1', here],
      ]);
    });
  });
});
