import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  X509Certificate as OtherCertificate,
  SubjectKeyIdentifierExtension,
  X509Crl,
} from '@peculiar/x509';
import { HierarchyError } from '../../../src/ca/plan-hierarchy.js';
import { GatewayError } from '../../../src/errors.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { hasOpenssl, opensslAccepts } from '../../support/openssl-verify.js';
import { withStore } from '../store/temporary-store.js';
import { approve, createWorld, day, rootAndIssuing, second, start, withHierarchy } from './test-hierarchy.js';

const staged = rootAndIssuing.map((document) => ({ ...document, stageNextGeneration: true }));
const [root = {}, issuing = {}] = rootAndIssuing;
const stagedIssuing = [root, { ...issuing, stageNextGeneration: true }];

const key = Uint8Array.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }),
);

const idIssuingDistributionPoint = '2.5.29.28';

function acceptedByOpenssl(chain: readonly Uint8Array[]): boolean {
  if (!hasOpenssl) throw new Error('this test needs the openssl command');
  const strictly = ['-x509_strict', '-purpose', 'any', '-attime', String(start / second + 60)];
  return opensslAccepts([...chain].reverse(), strictly);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => (error instanceof GatewayError ? error.code : `unexpected ${error}`),
  );
}

async function statesOf(store: Store): Promise<Record<string, string>> {
  return Object.fromEntries((await store.caGenerations.all()).map(({ id, state }) => [id, state]));
}

describe('next generation: its certificate', () => {
  it.each(['ec-p384', 'rsa-2048', 'ed25519'])(
    'has a key (%s) and serial number of its own, and the same subject',
    async (type) => {
      const documents = staged.map((document) => ({ ...document, key: type }));
      await withHierarchy(documents, async ({ authority }) => {
        for (const ca of ['root', 'issuing']) {
          const [present, next] = [1, 2].map((number) => authority.generation(`${ca}-${number}`)?.certificate);
          expect(Buffer.from(next?.subject ?? []).equals(present?.subject ?? Buffer.of(1))).toBe(true);
          expect(next?.subjectPublicKeyInfo).not.toEqual(present?.subjectPublicKeyInfo);
          expect(next?.serialNumber).not.toBe(present?.serialNumber);
        }
      });
    },
  );

  it("is signed by the parent's current generation, which its chain leads to; a root's by itself", async () => {
    await withHierarchy(staged, async ({ authority }) => {
      const [next, parent] = authority.chain('issuing-2').map((der) => new X509Certificate(der));
      expect(Buffer.from(parent?.raw ?? [])).toEqual(Buffer.from(authority.chain('root-1')[0] ?? []));
      expect(parent !== undefined && next?.verify(parent.publicKey)).toBe(true);
      expect(acceptedByOpenssl(authority.chain('issuing-2'))).toBe(true);
      const roots = authority.chain('root-2').map((der) => new X509Certificate(der));
      expect(roots.map((each) => each.verify(each.publicKey))).toEqual([true]);
      expect(acceptedByOpenssl(authority.chain('root-2'))).toBe(true);
      expect(authority.generation('issuing-2')).toMatchObject({ ca: 'issuing', number: 2, parent: 'root-1' });
    });
  });

  it('has key identifiers, CRL and issuer URLs of the generations concerned, not of the CA', async () => {
    await withHierarchy(staged, async ({ authority }) => {
      const [present, next] = ['issuing-1', 'issuing-2'].map(
        (id) => new OtherCertificate(authority.chain(id)[0] ?? new Uint8Array()),
      );
      const identifiers = [present, next].map((each) => each?.getExtension(SubjectKeyIdentifierExtension)?.keyId);
      expect(new Set(identifiers).size).toBe(2);
      expect(next?.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(
        present?.getExtension(AuthorityKeyIdentifierExtension)?.keyId,
      );
      const [point] = next?.getExtension(CRLDistributionPointsExtension)?.distributionPoints ?? [];
      expect(point?.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier).toBe(
        'http://gate.example:8080/crl/root-1/0.crl',
      );
      expect(next?.getExtension(AuthorityInfoAccessExtension)?.caIssuers[0]?.value).toBe(
        'http://gate.example:8080/aia/root-1.cer',
      );
    });
  });

  it('has key, path length and validity as configured now, but the subject of the present certificate', async () => {
    await withHierarchy([{ ...root, pathLength: 3 }, issuing], async (node, world) => {
      world.clock.at += 30 * day;
      world.configure('issuing', {
        stageNextGeneration: true,
        subject: 'CN=Renamed',
        key: 'rsa-2048',
        pathLength: 1,
        validity: 365 * 86_400,
      });
      expect(await node.ensure()).toEqual(['issuing (next generation)']);
      const next = new OtherCertificate(node.authority.chain('issuing-2')[0] ?? new Uint8Array());
      expect(next.subject).toBe('O=Example, CN=Test Issuing');
      expect(next.publicKey.algorithm.name).toBe('RSASSA-PKCS1-v1_5');
      expect(next.getExtension(BasicConstraintsExtension)?.pathLength).toBe(1);
      expect(next.notBefore.getTime()).toBe(world.clock.at - 60 * second);
      expect(next.notAfter.getTime()).toBe(world.clock.at + 365 * day - second);
    });
  });

  it('is on record as a certificate that can be revoked, unless it is a root', async () => {
    await withHierarchy(staged, async ({ store, authority }) => {
      const serialNumber = authority.generation('issuing-2')?.certificate.serialNumber ?? '';
      expect(await store.certificates.findByIssuerAndSerial('root-1', serialNumber)).toMatchObject({
        status: 'valid',
        usage: 'service',
        policy: '',
      });
      // And the roots' certificates for each other.
      expect(await store.certificates.list({ limit: 10 })).toHaveLength(4);
    });
  });
});

describe('next generation: staging it', () => {
  it('is made where the configuration says so, and nowhere else', async () => {
    await withHierarchy(stagedIssuing, async ({ store, authority }) => {
      expect(await statesOf(store)).toEqual({ 'root-1': 'current', 'issuing-1': 'current', 'issuing-2': 'next' });
      expect(authority.next('issuing')?.id).toBe('issuing-2');
      expect(authority.next('root')).toBeUndefined();
      expect(authority.next('nowhere')).toBeUndefined();
    });
  });

  it('is made once, with one audit event, also after a restart', async () => {
    await withStore(async (store) => {
      const world = createWorld(staged);
      const made = ['root', 'issuing', 'root (next generation)', 'issuing (next generation)'];
      expect(await world.node(store).ensure()).toEqual(made);
      const before = await store.caGenerations.all();
      expect(before).toHaveLength(4);
      expect(await world.node(store).ensure()).toEqual([]);
      expect(await store.caGenerations.all()).toEqual(before);
      const events = await store.audit.list({ action: 'ca.staged', limit: 10 });
      expect(events.map(({ subject }) => subject)).toEqual(['issuing-2', 'root-2']);
      expect(JSON.parse(events[0]?.content ?? '')).toMatchObject({ ca: 'issuing', key: 'ec-p256', issuer: 'root-1' });
      expect(await store.audit.list({ action: 'ca.created', limit: 10 })).toHaveLength(2);
    });
  });

  it('is made once when several processes find it missing at once', async () => {
    await withStore(async (store, file) => {
      const world = createWorld(rootAndIssuing);
      await world.node(store).ensure();
      for (const name of ['root', 'issuing']) world.configure(name, { stageNextGeneration: true });
      const other = await openStore({ file, synchronous: 'OFF' });
      try {
        const nodes = [store, other, store].map((each) => world.node(each));
        const made = await Promise.all(nodes.map((node) => node.ensure()));
        expect(made.flat().sort()).toEqual(['issuing (next generation)', 'root (next generation)']);
        expect(Object.keys(await statesOf(store))).toEqual(['issuing-1', 'issuing-2', 'root-1', 'root-2']);
        const chains = nodes.map(({ authority }) => authority.chain(authority.next('issuing')?.id ?? ''));
        expect(chains[1]).toEqual(chains[0]);
        expect(chains[2]).toEqual(chains[0]);
        expect(await store.audit.list({ action: 'ca.staged', limit: 10 })).toHaveLength(2);
      } finally {
        await other.close();
      }
    });
  });

  it.each([2, 3])(
    'leaves nothing of it when the commit of generation %d fails, and makes it the next time',
    async (failing) => {
      await withStore(async (store) => {
        const world = createWorld(staged);
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
        const node = world.node(store);
        expect(await node.ensure()).toHaveLength(4 - failing);
        expect(acceptedByOpenssl(node.authority.chain('issuing-2'))).toBe(true);
      });
    },
  );

  it('stays announced when the switch that has staged it is turned off: dropping it is an act of its own', async () => {
    await withHierarchy(stagedIssuing, async (node, world) => {
      const before = node.authority.next('issuing');
      world.configure('issuing', { stageNextGeneration: false });
      expect(node.authority.next('issuing')).toBe(before);
      world.configure('issuing', { stageNextGeneration: true });
      expect(await node.ensure()).toEqual([]);
      expect(node.authority.next('issuing')).toBe(before);
      expect(Object.keys(await statesOf(node.store))).toEqual(['issuing-1', 'issuing-2', 'root-1']);
      world.configs.delete('issuing');
      expect(node.authority.next('issuing')).toBeUndefined();
    });
  });

  it('is not made a second time by the switch, nor where there is no current one', async () => {
    await withHierarchy(stagedIssuing, async (node, world) => {
      const { setState } = node.store.caGenerations;
      const retire = setState({ id: 'issuing-1', from: 'current', to: 'previous' });
      const activate = setState({ id: 'issuing-2', from: 'next', to: 'current' });
      await node.store.commit({ statements: [retire, activate], audit: [] });
      expect(await world.node(node.store).ensure()).toEqual([]);
      const end = setState({ id: 'root-1', from: 'current', to: 'previous' });
      await node.store.commit({ statements: [end], audit: [] });
      world.configure('root', { stageNextGeneration: true });
      expect(await world.node(node.store).ensure()).toEqual([]);
    });
  });

  it('is refused where its path length cannot be, and nothing is made', async () => {
    await withHierarchy([{ ...root, pathLength: 1 }, issuing], async (node, world) => {
      world.configure('root', { stageNextGeneration: true });
      world.configure('issuing', { stageNextGeneration: true, pathLength: 1 });
      await expect(node.ensure()).rejects.toThrow(HierarchyError);
      expect(Object.keys(await statesOf(node.store))).toEqual(['issuing-1', 'root-1']);
    });
  });
});

describe('next generation: until it is activated', () => {
  it('issues nothing, while the current one goes on', async () => {
    await withHierarchy(stagedIssuing, async ({ authority }) => {
      const subject = encodeName(parseName('CN=device'));
      expect(authority.issuer('issuing').id).toBe('issuing-1');
      expect(await codeOf(authority.issue(approve('issuing-2', subject, key)))).toBe('unavailable');
      expect((await authority.issue(approve('issuing-1', subject, key))).issuerId).toBe('issuing-1');
    });
  });

  it('already has a CRL, at a URL of its own, and both CRLs name their scope (RFC 5280 5.2.5)', async () => {
    await withHierarchy(stagedIssuing, async ({ crls, store, authority }) => {
      await crls.publishDue();
      for (const issuerId of ['issuing-1', 'issuing-2']) {
        const record = await store.crls.find({ issuerId, partition: 0 });
        const crl = new X509Crl(record?.der ?? new Uint8Array());
        const issuer = new OtherCertificate(authority.chain(issuerId)[0] ?? new Uint8Array());
        expect(await crl.verify({ publicKey: issuer.publicKey })).toBe(true);
        const scope = crl.extensions.find(({ type }) => type === idIssuingDistributionPoint);
        expect(scope?.critical).toBe(true);
        expect(Buffer.from(scope?.value ?? new ArrayBuffer(0)).toString('latin1')).toContain(`/crl/${issuerId}/0.crl`);
      }
    });
  });
});
