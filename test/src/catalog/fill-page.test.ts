import { describe, expect, it } from '@jest/globals';
import { fillPage } from '../../../src/catalog/fill-page.js';

const all = ['a1', 'b1', 'a2', 'b2', 'b3', 'a3', 'b4'].sort().map((name) => ({ name }));

const placeOf = ({ name }: { name: string }) => name;

async function pageOf(wanted: string, after: string, limit: number) {
  const wish = { after, limit, placeOf, fits: ({ name }: { name: string }) => wanted.includes(name[0] ?? '') };
  return await fillPage(wish, async (last = '') => {
    const items = all.filter(({ name }) => name > last).slice(0, 2);
    return { items, isEnd: items.length < 2 };
  });
}

describe('A page of what fits', () => {
  it('goes on from pages before, with nothing twice and nothing left out', async () => {
    const names: string[] = [];
    let after: string | undefined = '';
    while (after !== undefined) {
      const page: Awaited<ReturnType<typeof pageOf>> = await pageOf('b', after, 1);
      names.push(...page.items.map(({ name }) => name));
      after = page.next;
    }
    expect(names).toEqual(['b1', 'b2', 'b3', 'b4']);
  });

  it('names nothing that does not fit as the place to go on', async () => {
    const mixed = ['b1', 'x1', 'b2'].map((name) => ({ name }));
    const wish = { after: '', limit: 1, placeOf, fits: ({ name }: { name: string }) => name.startsWith('b') };
    expect(await fillPage(wish, async () => ({ items: mixed, isEnd: true }))).toEqual({
      items: [{ name: 'b1' }],
      next: 'b1',
    });
  });
});
