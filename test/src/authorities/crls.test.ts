import { describe, expect, it } from '@jest/globals';
import { activateNext } from '../../../src/authorities/activate.js';
import { listCrls, publishCrls } from '../../../src/authorities/crls.js';
import { stageNext } from '../../../src/authorities/stage.js';
import { codeOf, operator, withCas } from './operated-cas.js';

const crl = { delta: { interval: '10m', validity: '1h' } };
const root = { name: 'root', subject: 'CN=Root', key: 'ec-p256', crl };
const waiting = { name: 'waiting', subject: 'CN=Waiting', key: 'external' };

describe('The CRLs of a CA', () => {
  it('are published at once for all its keys, with the deltas that there are, under the next number', async () => {
    await withCas([root, waiting], async (cas) => {
      await cas.crls.publishDue();
      await stageNext('root', operator, cas);
      await activateNext({ ca: 'root', actor: operator }, cas);
      const shown = async () =>
        (await listCrls('root', cas)).map(({ generation, kind, number, url }) => [generation, kind, number, url]);
      const before = await shown();
      expect(before).toEqual([
        ['root-1', 'full', 1, expect.stringMatching(/\/crl\/root-1\/0\.crl$/)],
        ['root-1', 'delta', 2, expect.stringMatching(/\/crl\/root-1\/0-delta\.crl$/)],
        ['root-2', 'full', 2, expect.stringMatching(/\/crl\/root-2\/0\.crl$/)],
        ['root-2', 'delta', 2, expect.stringMatching(/\/crl\/root-2\/0-delta\.crl$/)],
      ]);
      const { crls, skipped } = await publishCrls({ ca: 'root', actor: operator }, cas);
      expect(skipped).toEqual([]);
      expect(crls.map(({ generation, kind, number }) => [generation, kind, number])).toEqual([
        ['root-1', 'full', 3],
        ['root-1', 'delta', 3],
        ['root-2', 'full', 3],
        ['root-2', 'delta', 3],
      ]);
      expect(await listCrls('root', cas)).toEqual(crls);
      expect((await publishCrls({ actor: operator }, cas)).crls).toHaveLength(4);
      expect(await listCrls('waiting', cas)).toEqual([]);
      expect(await codeOf(publishCrls({ ca: 'waiting', actor: operator }, cas))).toBe('invalid-state');
      expect(await codeOf(publishCrls({ ca: 'nowhere', actor: operator }, cas))).toBe('not-found');
      const [, refused] = await cas.store.audit.list({ action: 'ca.refused', limit: 2 });
      expect(JSON.parse(refused?.content ?? '{}')).toMatchObject({ act: 'publish', code: 'invalid-state' });
    });
  });
});
