import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { IssuedCertificate } from '../../../src/ca/sign-certificate.js';
import { type CertificateList, decodeCertificateList, type RevokedCertificate } from '../../../src/x509/crl.js';
import { DerReader } from '../../../src/x509/der.js';
import { findExtension } from '../../../src/x509/extensions.js';
import { decodeCrlDistributionPoints } from '../../../src/x509/location-extensions.js';
import { describeWith } from '../../support/interop.js';
import { withStore } from '../store/temporary-store.js';
import { hold, issue, openssl, release, revoke, runWithFiles } from './test-crls.js';
import {
  createWorld,
  rootAndIssuing,
  second,
  start,
  type TestNode,
  type TestWorld,
  withHierarchy,
} from './test-hierarchy.js';

const hour = 3600 * second;
const withDeltas = rootAndIssuing.map((document) => ({
  ...document,
  crl: { interval: '24h', delta: { interval: '1h', validity: '3h' } },
}));
const place = { issuerId: 'issuing-1', partition: 0 };
const oids = { number: '2.5.29.20', delta: '2.5.29.27', scope: '2.5.29.28', freshest: '2.5.29.46' };

function numberIn(list: CertificateList, id: string): number | undefined {
  const found = findExtension(list.extensions, id);
  return found && DerReader.decode(found.value, (r) => r.smallInteger());
}

async function published({ store }: TestNode): Promise<{ full: CertificateList; delta: CertificateList | undefined }> {
  const full = await store.crls.find(place);
  const delta = await store.crls.findDelta(place);
  if (full === undefined) throw new Error('no CRL');
  return { full: decodeCertificateList(full.der), delta: delta && decodeCertificateList(delta.der) };
}

/** The complete CRL that a client makes of both (RFC 5280 5.2.4): reasons by serial number. */
function combine(full: CertificateList, delta: CertificateList): ReadonlyMap<string, string> {
  const combined = new Map(reasonsIn(full));
  for (const entry of delta.revokedCertificates) {
    if (entry.reason === 'removeFromCRL') combined.delete(entry.serialNumber);
    else combined.set(...reasonOf(entry));
  }
  return combined;
}

function reasonsIn({ revokedCertificates }: CertificateList): ReadonlyMap<string, string> {
  return new Map(revokedCertificates.map(reasonOf));
}

function reasonOf({ serialNumber, reason }: RevokedCertificate): [string, string] {
  return [serialNumber, reason ?? 'unspecified'];
}

describe('delta CRLs (RFC 5280 5.2.4)', () => {
  it('are there once there is a base, with its number, critically, and numbers of the same sequence (5.2.3)', async () => {
    await withHierarchy(withDeltas, async (node, world) => {
      await node.crls.publishDue();
      const first = await published(node);
      expect(numberIn(first.full, oids.number)).toBe(1);
      expect(
        first.delta && [oids.number, oids.delta].map((id) => numberIn(first.delta as CertificateList, id)),
      ).toEqual([2, 1]);
      expect(first.delta?.revokedCertificates).toEqual([]);
      expect(first.delta?.nextUpdate).toEqual(new Date(start + 3 * hour));
      expect(findExtension(first.delta?.extensions ?? [], oids.delta)?.critical).toBe(true);
      const freshest = findExtension(first.full.extensions, oids.freshest);
      expect(freshest?.critical).toBe(false);
      expect(decodeCrlDistributionPoints(freshest?.value ?? new Uint8Array())).toEqual([
        'http://gate.example:8080/crl/issuing-1/0-delta.crl',
      ]);
      expect(findExtension(first.delta?.extensions ?? [], oids.freshest)).toBeUndefined();
      const issued = await issue(node);
      await revoke(node, issued, { revocationReason: 1 });
      await node.crls.publish('issuing-1', 0);
      const second = await published(node);
      // Published together they have one number, and say the same.
      expect([numberIn(second.full, oids.number), second.delta && numberIn(second.delta, oids.number)]).toEqual([3, 3]);
      expect(second.delta && numberIn(second.delta, oids.delta)).toBe(1);
      expect(second.delta?.revokedCertificates).toEqual(second.full.revokedCertificates);
      world.clock.at += hour;
      await node.crls.publishDue();
      const third = await published(node);
      expect([numberIn(third.full, oids.number), third.delta && numberIn(third.delta, oids.number)]).toEqual([3, 4]);
      expect(third.delta?.revokedCertificates).toHaveLength(1);
      world.clock.at = start + 24 * hour;
      await node.crls.publishDue();
      const fourth = await published(node);
      expect([numberIn(fourth.full, oids.number), fourth.delta && numberIn(fourth.delta, oids.number)]).toEqual([5, 5]);
      expect(fourth.delta && numberIn(fourth.delta, oids.delta)).toBe(1);
      world.clock.at += hour;
      await node.crls.publishDue();
      const fifth = await published(node);
      expect(
        fifth.delta && [oids.number, oids.delta].map((id) => numberIn(fifth.delta as CertificateList, id)),
      ).toEqual([6, 5]);
      expect(fifth.delta?.revokedCertificates).toEqual([]);
    });
  });

  it('say what has changed, holds that have ended among it, and are gone when they are configured away', async () => {
    await withHierarchy(withDeltas, async (node, world) => {
      await node.crls.publishDue();
      const [released, revoked] = [await issue(node), await issue(node)];
      await hold(node, released);
      await node.crls.publish('issuing-1', 0);
      await release(node, released);
      await revoke(node, revoked, { revocationReason: 4 });
      await node.crls.publish('issuing-1', 0);
      const { full, delta } = await published(node);
      expect(full.revokedCertificates.map(({ serialNumber }) => serialNumber)).toEqual([revoked.serialNumber]);
      expect(delta?.revokedCertificates.map(({ serialNumber, reason }) => [serialNumber, reason])).toEqual([
        [released.serialNumber, 'removeFromCRL'],
        [revoked.serialNumber, 'superseded'],
      ]);
      const events = await node.store.audit.list({ action: 'crl.published', limit: 20 });
      const kinds = events.map(({ content }) => JSON.parse(content)).filter(({ subject }) => subject === 'issuing-1');
      expect(kinds.map(({ kind, number, entries }) => [kind, number, entries])).toEqual([
        ['delta', 4, 2],
        ['full', 4, 1],
        ['delta', 3, 1],
        ['full', 3, 1],
        ['full', 1, 0],
      ]);
      const crl = world.configs.get('issuing')?.crl;
      if (crl === undefined) throw new Error('no CA');
      const { delta: _, ...plain } = crl;
      world.configure('issuing', { crl: plain });
      await node.crls.publish('issuing-1', 0);
      expect(await node.store.crls.findDelta(place)).toBeUndefined();
      expect(findExtension((await published(node)).full.extensions, oids.freshest)).toBeUndefined();
    });
  });

  it('have the scope of their base: when a CRL has to name it, that is a base of its own', async () => {
    const bounded = withDeltas.map((document) => ({
      ...document,
      crl: { interval: '24h', delta: { interval: '1h', validity: '3h' }, maximumCertificates: 4 },
    }));
    await withHierarchy(bounded, async (node, world) => {
      await node.crls.publishDue();
      for (let i = 0; i < 3; i++) await issue(node);
      await node.crls.publish('issuing-1', 0);
      const changed = await published(node);
      expect(findExtension(changed.full.extensions, oids.scope)?.critical).toBe(true);
      expect(findExtension(changed.delta?.extensions ?? [], oids.scope)).toBeUndefined();
      world.clock.at += hour;
      await node.crls.publishDue();
      const { full, delta } = await published(node);
      expect(delta && numberIn(delta, oids.delta)).toBe(numberIn(full, oids.number));
      expect(findExtension(delta?.extensions ?? [], oids.scope)).toEqual(findExtension(full.extensions, oids.scope));
    });
  });

  it('make of any CRL since their base what the full one says, whatever happens', async () => {
    const act = fc.constantFrom('revoke', 'hold', 'release', 'pass', 'pass', 'publish', 'publishDue');
    const steps = fc.array(fc.record({ act, which: fc.nat(ends.length - 1) }), { minLength: 10, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, (all) =>
        withHierarchy(withDeltas, async (node, world) => {
          const lives = await startLives(node, world);
          const fulls = new Map<number, CertificateList>();
          let lastDelta: number | undefined;
          for (const step of all) {
            await lives.take(step);
            if (step.act !== 'publish' && step.act !== 'publishDue') continue;
            const { full, delta } = await published(node);
            const fullNumber = numberIn(full, oids.number) ?? 0;
            expect(full.revokedCertificates.some(({ reason }) => reason === 'removeFromCRL')).toBe(false);
            if (!fulls.has(fullNumber)) expect(lives.unexpired(reasonsIn(full))).toEqual(lives.listed());
            fulls.set(fullNumber, full);
            if (delta === undefined) continue;
            const [number = 0, base = 0] = [oids.number, oids.delta].map((id) => numberIn(delta, id));
            if (number === lastDelta) continue;
            lastDelta = number;
            expect(fulls.has(base)).toBe(true);
            const complete = [...fulls].filter(([of]) => of >= base && of <= number);
            for (const [, one] of complete) expect(lives.unexpired(combine(one, delta))).toEqual(lives.listed());
          }
        }),
      ),
      { numRuns: 15 },
    );
  });
});

describe('delta CRLs to other programs', () => {
  it('make openssl see a revocation that the base has not, and a hold that has ended', async () => {
    await withHierarchy(withDeltas, async (node, world) => {
      const [held, revoked] = [await issue(node), await issue(node)];
      await hold(node, held);
      await node.crls.publishDue();
      const base = (await node.store.crls.find(place))?.der ?? new Uint8Array();
      await release(node, held);
      await revoke(node, revoked, { revocationReason: 1 });
      world.clock.at += hour;
      await node.crls.publishDue();
      const delta = (await node.store.crls.findDelta(place))?.der ?? new Uint8Array();
      const verify = `-crl_check -x509_strict -attime ${world.clock.at / second + 60} -CAfile 2.pem -untrusted 1.pem -CRLfile all.crl 0.pem`;
      const chain = node.authority.chain('issuing-1');
      const told = (leaf: IssuedCertificate, options: string) =>
        openssl([leaf.der, ...chain], [base, delta], 'verify', options, verify);
      expect(told(held, '')).toContain('certificate revoked');
      expect(told(revoked, '')).toContain('0.pem: OK');
      expect(told(held, '-use_deltas')).toContain('0.pem: OK');
      expect(told(revoked, '-use_deltas')).toContain('certificate revoked');
      expect(openssl([], [delta], 'crl', '-in 0.crl -noout -text')).toMatch(/Delta CRL Indicator: critical\s+1/);
    });
  });
});

describeWith(['certtool'], 'CRLs to GnuTLS', () => {
  it('are verified, the full one and the delta, with what they say', async () => {
    await withStore(async (store) => {
      const world = createWorld(withDeltas);
      // It has no way to verify at another time.
      world.clock.at = Date.now();
      const node = world.node(store);
      await node.ensure();
      await node.crls.publishDue();
      await revoke(node, await issue(node), { revocationReason: 1 });
      await node.crls.publish('issuing-1', 0);
      const lists = [(await store.crls.find(place))?.der, (await store.crls.findDelta(place))?.der];
      const crls = lists.map((der) => der ?? new Uint8Array());
      for (const index of [0, 1]) {
        const command = `certtool --verify-crl --load-ca-certificate 0.pem --infile ${index}.crl`;
        const said = runWithFiles(node.authority.chain('issuing-1'), crls, command);
        expect(said).toContain('Verification output: Verified');
        expect(said).toContain('Revoked certificates (1)');
      }
    });
  });
});

/** When the certificates of a random story end, hours after its start. */
const ends = [3, 6, 20, 30, 50, 2000, 2000, 2000];

interface Step {
  readonly act: string;
  readonly which: number;
}

/** Certificates, and what should be said of each. */
async function startLives(node: TestNode, world: TestWorld) {
  const certificates: { issued: IssuedCertificate; end: number; reason: string | undefined }[] = [];
  for (const end of ends) {
    certificates.push({
      issued: await issue(node, new Date(start + end * hour)),
      end: start + end * hour,
      reason: undefined,
    });
  }
  return {
    async take({ act, which }: Step): Promise<void> {
      const { at } = world.clock;
      const certificate = certificates[which];
      if (act === 'pass') world.clock.at += (which + 1) * hour;
      if (act === 'publish') await node.crls.publish('issuing-1', 0);
      if (act === 'publishDue') await node.crls.publishDue();
      if (certificate === undefined) return;
      const { issued, reason } = certificate;
      if (act === 'revoke' && reason !== 'keyCompromise') {
        await revoke(node, issued, { revocationReason: 1 }, at);
        certificate.reason = 'keyCompromise';
      }
      if (act === 'hold' && reason === undefined) {
        await hold(node, issued, at);
        certificate.reason = 'certificateHold';
      }
      if (act === 'release' && reason === 'certificateHold') {
        await release(node, issued, at);
        certificate.reason = undefined;
      }
    },

    /** What a CRL of now has to say of those that have not ended. */
    listed: () =>
      new Map(
        certificates.flatMap(({ issued, end, reason }) =>
          end >= world.clock.at && reason !== undefined ? [[issued.serialNumber, reason] as const] : [],
        ),
      ),

    unexpired(reasons: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
      const ended = new Set(
        certificates.filter(({ end }) => end < world.clock.at).map(({ issued }) => issued.serialNumber),
      );
      return new Map([...reasons].filter(([serialNumber]) => !ended.has(serialNumber)));
    },
  };
}
