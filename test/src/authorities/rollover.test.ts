import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { activateDue, activateNext } from '../../../src/authorities/activate.js';
import { planReplacements } from '../../../src/authorities/plan-replacements.js';
import { dropNext, stageNext } from '../../../src/authorities/stage.js';
import { OvertakenError } from '../../../src/errors.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { approve, day, rootAndIssuing, start } from '../ca/test-hierarchy.js';
import { certificate } from '../store/temporary-store.js';
import { actionsOf, codeOf, type OperatedCas, operator, withCas } from './operated-cas.js';

function statesOf({ generations }: OperatedCas): Record<string, string> {
  return Object.fromEntries(generations.all().map(({ id, state }) => [id, state]));
}

describe('A next generation', () => {
  it('issues from its set time on, once for all processes, and is not followed by another one by itself', async () => {
    const documents = rootAndIssuing.map((document) => ({ ...document, stageNextGeneration: true }));
    await withCas(documents, async (cas) => {
      const at = new Date(start + 10 * day);
      expect(await activateNext({ ca: 'issuing', at, actor: operator }, cas)).toEqual(at);
      expect(cas.generations.findNext('issuing')?.activateAt).toEqual(at);
      cas.world.clock.at = at.getTime() - 1;
      await activateDue(cas);
      expect(cas.authority.issuer('issuing').id).toBe('issuing-1');
      cas.world.clock.at = at.getTime();
      const other = cas.another();
      await Promise.all([activateDue(cas), activateDue(other)]);
      await Promise.all([activateDue(cas), activateDue(other)]);
      expect(cas.authority.issuer('issuing').id).toBe('issuing-2');
      expect(other.authority.issuer('issuing').id).toBe('issuing-2');
      expect((await actionsOf(cas)).filter((action) => action === 'ca.activated')).toHaveLength(2);
      expect(await cas.ensure()).toEqual([]);
      expect(statesOf(cas)).toMatchObject({ 'issuing-1': 'previous', 'issuing-2': 'current' });
      expect((await stageNext('issuing', operator, cas)).id).toBe('issuing-3');
    });
  });

  it('is announced as soon as it is staged, with a CRL of its own, and issues when it is activated', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      expect((await stageNext('issuing', operator, cas)).id).toBe('issuing-2');
      expect(await codeOf(stageNext('issuing', operator, cas))).toBe('invalid-state');
      expect(cas.authority.next('issuing')?.id).toBe('issuing-2');
      expect(await cas.store.crls.find({ issuerId: 'issuing-2', partition: 0 })).toMatchObject({ number: 1 });
      await activateNext({ ca: 'issuing', actor: operator }, cas);
      expect(cas.authority.issuer('issuing').id).toBe('issuing-2');
      expect((await cas.crls.publish('issuing-1', 0)).issuerId).toBe('issuing-1');
      expect(await codeOf(activateNext({ ca: 'issuing', actor: operator }, cas))).toBe('invalid-state');
    });
  });

  it('is not activated after its own end, and what its time finds unfit is not tried for ever', async () => {
    await withCas([{ ...rootAndIssuing[0], validity: '30d' }], async (cas) => {
      await stageNext('root', operator, cas);
      const late = activateNext({ ca: 'root', at: new Date(start + 40 * day), actor: operator }, cas);
      expect(await codeOf(late)).toBe('invalid-state');
      await activateNext({ ca: 'root', at: new Date(start + 20 * day), actor: operator }, cas);
      cas.world.clock.at = start + 50 * day;
      await activateDue(cas);
      await activateDue(cas);
      expect(cas.generations.findNext('root')?.activateAt).toBeUndefined();
      expect((await actionsOf(cas)).filter((action) => action === 'ca.refused')).toHaveLength(2);
    });
  });

  it('can be dropped: its key is destroyed, its certificates are revoked, and its number is not used again', async () => {
    const documents = rootAndIssuing.map((document) => ({ ...document, stageNextGeneration: true }));
    await withCas(documents, async (cas) => {
      const { serialNumber } = cas.generations.find('issuing-2')?.certificate ?? { serialNumber: '' };
      for (const ca of ['issuing', 'root']) await dropNext(ca, operator, cas);
      expect(statesOf(cas)).toEqual({ 'issuing-1': 'current', 'root-1': 'current' });
      expect(await cas.store.keys.findByPurpose({ purpose: 'ca:issuing-2' })).toEqual([]);
      cas.world.clock.at += 10_000;
      await cas.crls.publishChanged();
      const crl = await cas.store.crls.find({ issuerId: 'root-1', partition: 0 });
      const { revokedCertificates } = decodeCertificateList(crl?.der ?? new Uint8Array());
      // The issuing CA's own, and the link to the root's next key.
      expect(revokedCertificates).toHaveLength(2);
      expect(revokedCertificates.map((entry) => entry.serialNumber)).toContain(serialNumber);
      expect(await cas.ensure()).toEqual([]);
      expect(await codeOf(dropNext('issuing', operator, cas))).toBe('invalid-state');
      expect((await stageNext('issuing', operator, cas)).id).toBe('issuing-3');
    });
  });

  it('is activated later where its key is away at its time, which keeps no other CA waiting', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const at = new Date(start + 10 * day);
      for (const ca of ['issuing', 'root']) {
        await stageNext(ca, operator, cas);
        await activateNext({ ca, at, actor: operator }, cas);
      }
      cas.world.clock.at = at.getTime();
      keepKeyOf('issuing-2', 'elsewhere', cas);
      const restarted = cas.another();
      expect(await codeOf(activateDue(restarted))).not.toBe('done');
      expect(statesOf(cas)).toMatchObject({ 'issuing-2': 'next', 'root-2': 'next' });
      await cas.generations.refresh();
      expect(statesOf(cas)).toMatchObject({ 'issuing-2': 'next', 'root-2': 'current' });
      keepKeyOf('issuing-2', 'software', cas);
      await activateDue(restarted);
      await cas.generations.refresh();
      expect(statesOf(cas)).toMatchObject({ 'issuing-2': 'current', 'root-2': 'current' });
      expect((await actionsOf(cas)).filter((action) => action === 'ca.refused')).toEqual([]);
    });
  });

  it('has what was approved before it took over judged again', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const { subject, subjectPublicKeyInfo } = cas.authority.generation('issuing-1')?.certificate ?? {};
      if (subject === undefined || subjectPublicKeyInfo === undefined) throw new Error('no issuing CA');
      await stageNext('issuing', operator, cas);
      await activateNext({ ca: 'issuing', actor: operator }, cas);
      const issued = cas.authority.issue(approve('issuing-1', subject, subjectPublicKeyInfo));
      await expect(issued).rejects.toThrow(OvertakenError);
    });
  });

  it('has what earlier ones have issued replaced by the time of its activation, once, by whoever is there then', async () => {
    await withCas(rootAndIssuing, async (cas) => {
      const { store } = cas;
      const validity = { notBefore: start, notAfter: start + 90 * day };
      const old = certificate('05', { issuerId: 'issuing-1', ...validity });
      await store.commit({ statements: [store.certificates.insert(old)], audit: [] });
      await stageNext('issuing', operator, cas);
      const at = new Date(start + 10 * day);
      const replaceBy = new Date(start + 40 * day);
      expect(await codeOf(activateNext({ ca: 'issuing', at, replaceBy: at, actor: operator }, cas))).toBe(
        'invalid-state',
      );
      await activateNext({ ca: 'issuing', at, replaceBy, actor: operator }, cas);
      const planOf = async () => (await store.certificates.findWithReplacement({ id: 'issuing-1:05' }))?.replaceBy;
      await planReplacements(cas);
      expect(await planOf()).toBeNull();
      cas.world.clock.at = at.getTime();
      await activateDue(cas);
      // The process ends here; others go on.
      expect(await planOf()).toBeNull();
      const others = [cas.another(), cas.another()];
      for (const other of others) await other.generations.reload();
      for (const other of others) await planReplacements(other);
      expect(await planOf()).toBe(replaceBy.getTime());
      const planned = (await actionsOf(cas)).filter((action) => action === 'certificate.replacement-planned');
      expect(planned).toHaveLength(1);
    });
  });
});

/** Moves it on record to a store that there is not, and back. */
function keepKeyOf(generation: string, store: string, { file }: OperatedCas): void {
  const database = new SqliteDatabase(file);
  const { changes } = database.prepare('update key set store = ? where purpose = ?').run(store, `ca:${generation}`);
  expect(changes).toBe(1);
  database.close();
}
