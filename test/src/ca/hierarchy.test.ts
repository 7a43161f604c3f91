import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as OtherCertificate,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509';
import { HierarchyError } from '../../../src/ca/plan-hierarchy.js';
import { GatewayError } from '../../../src/errors.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { hasOpenssl, opensslAccepts } from '../../support/openssl-verify.js';
import { withStore } from '../store/temporary-store.js';
import { createWorld, day, rootAndIssuing, second, start, withHierarchy } from './test-hierarchy.js';

const strictly = ['-x509_strict', '-purpose', 'any', '-attime', String(start / second + 60)];

function acceptedByOpenssl(chain: readonly Uint8Array[], parameters: readonly string[] = strictly): boolean {
  if (!hasOpenssl) throw new Error('this test needs the openssl command');
  return opensslAccepts([...chain].reverse(), parameters);
}

describe('CA hierarchy: certificates (RFC 5280 4.2)', () => {
  it.each([
    ['ec-p256', 'ecdsa-with-SHA256'],
    ['ec-p384', 'ecdsa-with-SHA384'],
    ['ec-p521', 'ecdsa-with-SHA512'],
    ['rsa-2048', 'sha256WithRSAEncryption'],
    ['ed25519', 'ED25519'],
  ])('makes root and issuing CA with %s keys, which openssl verifies strictly', async (key) => {
    const documents = rootAndIssuing.map((document) => ({ ...document, key }));
    await withHierarchy(documents, async ({ authority }) => {
      const chain = authority.chain('issuing-1');
      expect(chain).toHaveLength(2);
      expect(acceptedByOpenssl(chain)).toBe(true);
      const [issuing, root] = chain.map((der) => new X509Certificate(der));
      expect(root?.verify(root.publicKey)).toBe(true);
      expect(root !== undefined && issuing?.verify(root.publicKey)).toBe(true);
      expect(root !== undefined && issuing?.checkIssued(root)).toBe(true);
    });
  });

  it('signs with the hash that is configured', async () => {
    const documents = rootAndIssuing.map((document) => ({ ...document, signatureHash: 'sha512' }));
    await withHierarchy(documents, async ({ authority }) => {
      for (const der of authority.chain('issuing-1')) {
        expect(new OtherCertificate(der).signatureAlgorithm.hash.name).toBe('SHA-512');
      }
    });
  });

  it('makes a root: self-signed, CA, for certificates and CRLs only, and pointing to its own CRL', async () => {
    await withHierarchy(rootAndIssuing, async ({ authority }) => {
      const root = new OtherCertificate(authority.chain('root-1')[0] ?? new Uint8Array());
      expect(root.subject).toBe('O=Example, CN=Test Root');
      expect(root.issuer).toBe(root.subject);
      expect(root.notBefore.getTime()).toBe(start - 60 * second);
      expect(root.notAfter.getTime()).toBe(start + 20 * 31_557_600 * second - second);
      const constraints = root.getExtension(BasicConstraintsExtension);
      expect([constraints?.critical, constraints?.ca, constraints?.pathLength]).toEqual([true, true, undefined]);
      const usages = root.getExtension(KeyUsagesExtension);
      const wanted = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
      expect([usages?.critical, usages?.usages]).toEqual([true, wanted]);
      const identifier = root.getExtension(SubjectKeyIdentifierExtension);
      expect([identifier?.critical, identifier?.keyId]).toEqual([
        false,
        Buffer.from(await root.publicKey.getKeyIdentifier()).toString('hex'),
      ]);
      expect(root.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(identifier?.keyId);
      const [point] = root.getExtension(CRLDistributionPointsExtension)?.distributionPoints ?? [];
      expect(point?.distributionPoint?.fullName?.map((name) => name.uniformResourceIdentifier)).toEqual([
        'http://gate.example:8080/crl/root-1/0.crl',
      ]);
      expect(root.getExtension(AuthorityInfoAccessExtension)).toBeNull();
      expect(root.extensions).toHaveLength(5);
    });
  });

  it("makes an issuing CA that points to its parent's key, CRL and certificate", async () => {
    await withHierarchy(rootAndIssuing, async ({ authority }) => {
      const [issuing, root] = authority.chain('issuing-1').map((der) => new OtherCertificate(der));
      expect(issuing?.issuer).toBe('O=Example, CN=Test Root');
      expect(issuing?.subject).toBe('O=Example, CN=Test Issuing');
      expect(issuing?.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(
        root?.getExtension(SubjectKeyIdentifierExtension)?.keyId,
      );
      const points = issuing?.getExtension(CRLDistributionPointsExtension);
      expect(points?.distributionPoints[0]?.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier).toBe(
        'http://gate.example:8080/crl/root-1/0.crl',
      );
      const access = issuing?.getExtension(AuthorityInfoAccessExtension);
      expect(access?.caIssuers.map((name) => name.value)).toEqual(['http://gate.example:8080/aia/root-1.cer']);
      expect(access?.ocsp.map((name) => name.value)).toEqual(['http://gate.example:8080/ocsp/root-1']);
      expect(issuing?.extensions).toHaveLength(6);
    });
  });

  it('carries path lengths, which openssl enforces', async () => {
    const documents = [
      { name: 'root', subject: 'CN=R', key: 'ec-p256', validity: '3y', pathLength: 2 },
      { name: 'middle', parent: 'root', subject: 'CN=M', key: 'ec-p256', validity: '2y' },
      { name: 'low', parent: 'middle', subject: 'CN=L', key: 'ec-p256', validity: '1y' },
    ];
    await withHierarchy(documents, async ({ authority }) => {
      const lengths = authority
        .chain('low-1')
        .map((der) => new OtherCertificate(der).getExtension(BasicConstraintsExtension)?.pathLength);
      expect(lengths).toEqual([0, 1, 2]);
      expect(authority.issuer('low')).toMatchObject({
        id: 'low-1',
        keyAlgorithm: 'ec',
        pathLength: 0,
        backdateSeconds: 60,
      });
      expect(acceptedByOpenssl(authority.chain('low-1'))).toBe(true);
    });
  });

  it("cuts validity to the parent's, at both ends", async () => {
    const documents = [
      { name: 'root', subject: 'CN=R', key: 'ec-p256', validity: '1y', backdate: '0s' },
      { name: 'low', parent: 'root', subject: 'CN=L', key: 'ec-p256', validity: '5y', backdate: '1d' },
    ];
    await withHierarchy(documents, async ({ authority }) => {
      const [low, root] = authority.chain('low-1').map((der) => new OtherCertificate(der));
      expect(low?.notAfter).toEqual(root?.notAfter);
      expect(low?.notBefore).toEqual(root?.notBefore);
    });
  });

  it('writes times of 2050 and later as GeneralizedTime (RFC 5280 4.1.2.5)', async () => {
    const documents = rootAndIssuing.map((document) => ({ ...document, validity: '30y' }));
    await withHierarchy(documents, async ({ authority }) => {
      for (const der of authority.chain('issuing-1')) {
        expect(new OtherCertificate(der).notAfter.getUTCFullYear()).toBe(2056);
        // Tag and length of UTCTime, then of GeneralizedTime.
        expect(Buffer.from(der).toString('hex')).toMatch(/170d32363131(3\d){8}5a180f32303536(3\d){10}5a/);
      }
      expect(acceptedByOpenssl(authority.chain('issuing-1'))).toBe(true);
    });
  });

  it('ends at the last time there is when validity has no end (RFC 5280 4.1.2.5)', async () => {
    await withHierarchy(
      [{ name: 'root', subject: 'CN=R', key: 'ec-p256', validity: '9999999y' }],
      async ({ authority }) => {
        expect(authority.issuer('root').notAfter.toISOString()).toBe('9999-12-31T23:59:59.000Z');
      },
    );
  });
});

describe('CA hierarchy: making it', () => {
  it('makes each CA once, with one audit event, and leaves it as it is afterwards', async () => {
    await withStore(async (store) => {
      const world = createWorld(rootAndIssuing);
      const node = world.node(store);
      expect(await node.ensure()).toEqual(['root', 'issuing']);
      const before = await store.caGenerations.all();
      expect(await node.ensure()).toEqual([]);
      expect(await world.node(store).ensure()).toEqual([]);
      expect(await store.caGenerations.all()).toEqual(before);
      const events = await store.audit.list({ action: 'ca.created', limit: 10 });
      expect(events.map((event) => event.subject)).toEqual(['issuing-1', 'root-1']);
    });
  });

  it('adds CAs that are configured later', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const more = createWorld([{ name: 'more', parent: 'root', subject: 'CN=More', key: 'ec-p256', validity: '1y' }]);
      for (const [name, config] of more.configs) world.configs.set(name, config);
      world.clock.at += day;
      expect(await node.ensure()).toEqual(['more']);
      expect(node.authority.chain('more-1')[1]).toEqual(node.authority.chain('root-1')[0]);
    });
  });

  it('makes nothing at all of a hierarchy that cannot be', async () => {
    await withStore(async (store) => {
      const node = createWorld([...rootAndIssuing, { ...rootAndIssuing[1], name: 'x', parent: 'nowhere' }]).node(store);
      await expect(node.ensure()).rejects.toThrow(HierarchyError);
      expect(await store.caGenerations.all()).toEqual([]);
    });
  });

  it('refuses a CA below one that has ended', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      world.configs.set('late', {
        ...(await configOf(world.configs.get('issuing'))),
        name: 'late',
        subject: 'CN=Late',
      });
      world.clock.at += 21 * 366 * day;
      await expect(node.ensure()).rejects.toThrow('CA late would end before it begins');
    });
  });

  it.each([0, 1])(
    'leaves nothing of a CA when the commit of generation %d fails, and makes it the next time',
    async (failing) => {
      await withStore(async (store) => {
        const world = createWorld(rootAndIssuing);
        let generations = 0;
        const broken: Store = {
          ...store,
          commit: async (change) => {
            const makesGeneration = change.statements.some(({ sql }) => sql.startsWith('insert into "ca_generation"'));
            if (makesGeneration && generations++ === failing)
              throw new GatewayError('unavailable', 'The disk is full.');
            await store.commit(change);
          },
        };
        await expect(world.node(broken).ensure()).rejects.toThrow('The disk is full.');
        expect(await store.caGenerations.all()).toHaveLength(failing);
        expect(await world.node(store).ensure()).toHaveLength(2 - failing);
        expect(acceptedByOpenssl((await reloaded(world.node(store))).authority.chain('issuing-1'))).toBe(true);
      });
    },
  );

  it('makes each CA once when several processes start at once', async () => {
    await withStore(async (store, file) => {
      const world = createWorld(rootAndIssuing);
      const other = await openStore({ file, synchronous: 'OFF' });
      try {
        const nodes = [store, other, store].map((each) => world.node(each));
        const made = await Promise.all(nodes.map((node) => node.ensure()));
        expect(made.flat().sort()).toEqual(['issuing', 'root']);
        const chains = nodes.map((node) => node.authority.chain('issuing-1'));
        expect(chains[1]).toEqual(chains[0]);
        expect(chains[2]).toEqual(chains[0]);
        expect(acceptedByOpenssl(chains[0] ?? [])).toBe(true);
      } finally {
        await other.close();
      }
    });
  });

  it('puts issuing CAs, but no root, on record as certificates that can be revoked', async () => {
    await withHierarchy(rootAndIssuing, async ({ store, authority }) => {
      const certificate = authority.generation('issuing-1')?.certificate;
      const record = await store.certificates.findByIssuerAndSerial('root-1', certificate?.serialNumber ?? '');
      expect(record).toMatchObject({
        subject: 'CN=Test Issuing,O=Example',
        status: 'valid',
        usage: 'service',
        policy: '',
        crlPartition: 0,
        issuedAt: start,
      });
      expect(Buffer.compare(record?.der ?? new Uint8Array(), certificate?.der ?? new Uint8Array())).toBe(0);
      expect(await store.certificates.list({ limit: 10 })).toHaveLength(1);
    });
  });
});

async function configOf<T>(config: T | undefined): Promise<T> {
  if (config === undefined) throw new Error('not configured');
  return config;
}

async function reloaded<T extends { authority: { reload(): Promise<void> } }>(node: T): Promise<T> {
  await node.authority.reload();
  return node;
}
