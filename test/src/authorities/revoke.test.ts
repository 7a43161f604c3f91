import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { revokeAuthority } from '../../../src/authorities/revoke.js';
import { stageNext } from '../../../src/authorities/stage.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { approve, day, rootAndIssuing } from '../ca/test-hierarchy.js';
import { certificate } from '../store/temporary-store.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

const key = Uint8Array.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }),
);
const device = encodeName(parseName('CN=device'));

async function issuingCodes({ authority }: Pick<OperatedCas, 'authority'>, generation: string): Promise<string[]> {
  return [
    await codeOf((async () => authority.issuer(generation.replace(/-\d+$/, '')))()),
    await codeOf(authority.issue(approve(generation, device, key))),
  ];
}

async function crlOf({ store }: OperatedCas, issuerId: string) {
  const crl = await store.crls.find({ issuerId, partition: 0 });
  return decodeCertificateList(crl?.der ?? new Uint8Array());
}

describe('A revoked CA', () => {
  it('issues nothing more, is on the CRL of its parent, and still signs CRLs of its own', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      expect(await issuingCodes(cas, 'issuing-1')).toEqual(['done', 'done']);
      const revoked = await revokeAuthority({ generation: 'issuing', reason: 'keyCompromise', actor: operator }, cas);
      expect(revoked).toEqual({ generation: 'issuing-1' });
      expect(await issuingCodes(cas, 'issuing-1')).toEqual(['unavailable', 'unavailable']);
      const { serialNumber } = cas.generations.find('issuing-1')?.certificate ?? { serialNumber: '' };
      const { revokedCertificates } = await crlOf(cas, 'root-1');
      expect(revokedCertificates).toMatchObject([{ serialNumber, reason: 'keyCompromise' }]);
      expect((await cas.crls.publish('issuing-1', 0)).number).toBe(1);
      expect(cas.generations.find('issuing-1')).toMatchObject({ state: 'previous', revoked: true });
      const again = revokeAuthority({ generation: 'issuing-1', reason: 'cACompromise', actor: operator }, cas);
      expect(await codeOf(again)).toBe('already-revoked');
      expect((await actionsOf(cas)).filter((action) => action.startsWith('ca.re'))).toEqual([
        'ca.refused',
        'ca.revoked',
      ]);
    });
  });

  it('takes the CAs below it along, in every process as soon as it looks', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const other = cas.another();
      await other.generations.reload();
      await revokeAuthority({ generation: 'root', reason: 'cACompromise', actor: operator }, cas);
      expect(await issuingCodes(cas, 'issuing-1')).toEqual(['unavailable', 'unavailable']);
      expect(await other.generations.refresh()).toBe(true);
      expect(await other.generations.refresh()).toBe(false);
      expect(await issuingCodes(other, 'issuing-1')).toEqual(['unavailable', 'unavailable']);
      expect(await cas.ensure()).toEqual([]);
    });
  });

  it('gets no certificate committed that was signed before another process revoked it', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const { store } = cas;
      const policy = { kind: 'policy', name: 'sensors', document: '{}', updatedAt: 0 };
      await store.commit({ statements: [store.catalog.put(policy)], audit: [] });
      const commit = (serialNumber: string) =>
        codeOf(
          store.commit({
            statements: [store.certificates.insertUnderPolicy(certificate(serialNumber, { issuerId: 'issuing-1' }))],
            audit: [],
          }),
        );
      expect(await commit('0a')).toBe('done');
      await revokeAuthority({ generation: 'issuing-1', reason: 'cACompromise', actor: operator }, cas);
      expect(await commit('0b')).toBe('unavailable');
    });
  });

  it('is followed at once by its next generation', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      await stageNext('issuing', operator, cas);
      const next = revokeAuthority({ generation: 'issuing-2', reason: 'cACompromise', actor: operator }, cas);
      expect(await codeOf(next)).toBe('invalid-state');
      const revoked = await revokeAuthority({ generation: 'issuing', reason: 'cACompromise', actor: operator }, cas);
      expect(revoked).toEqual({ generation: 'issuing-1', successor: 'issuing-2' });
      expect(cas.authority.issuer('issuing').id).toBe('issuing-2');
      expect(await actionsOf(cas)).toContain('ca.activated');
    });
  });

  it('can be staged anew and go on, where no next generation was there', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      await revokeAuthority({ generation: 'issuing', reason: 'cACompromise', actor: operator }, cas);
      expect((await stageNext('issuing', operator, cas)).id).toBe('issuing-2');
    });
  });

  it('is revoked as a CA: revoking or holding its certificate alone is refused, and says so', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const { serialNumber } = cas.generations.find('issuing-1')?.certificate ?? { serialNumber: '' };
      for (const reason of ['cACompromise', 'certificateHold'] as const) {
        const revocation = revokeCertificate({ issuerId: 'root-1', serialNumber, reason, actor: operator }, cas);
        await expect(revocation).rejects.toThrow('gatehouse ca revoke issuing-1');
      }
    });
  });
});

describe('A CA that has ended', () => {
  it('issues nothing more, nor does one below it', async () => {
    const [root = {}, issuing = {}] = rootAndIssuing;
    await withCas(
      [
        { ...root, validity: '30d' },
        { ...issuing, validity: '10d' },
      ],
      async (cas) => {
        cas.world.clock.at += 10 * day;
        expect(await issuingCodes(cas, 'issuing-1')).toEqual(['unavailable', 'unavailable']);
        expect(await issuingCodes(cas, 'root-1')).toEqual(['done', 'done']);
      },
    );
  });
});
