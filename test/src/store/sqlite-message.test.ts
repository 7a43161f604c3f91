import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../../src/store/change.js';
import { createPacker, createUnpacker } from '../../../src/store/sqlite-message.js';

const changes: readonly Change[] = [
  {
    statements: [
      { sql: 'insert', parameters: ['a', 1, null, Uint8Array.of(1, 2)], rows: 1, otherwise: 'bad-secret' },
      { sql: 'update', parameters: [] },
    ],
    audit: [
      { id: 'i', at: 5, action: 'a', outcome: 'o', subject: '', content: '{}' },
      { id: 'j', at: 5, action: 'a', outcome: 'o', subject: '', device: 'd', content: '{}' },
    ],
  },
  { statements: [], audit: [] },
  { statements: [{ sql: 'insert', parameters: ['b'], rows: 0, otherwise: 'forbidden' }], audit: [] },
];

describe('a batch on its way to the thread that writes', () => {
  it('arrives as it was sent, also when its texts are known already', () => {
    const pack = createPacker();
    const unpack = createUnpacker();
    expect(unpack(structuredClone(pack(changes)))).toEqual(changes);
    const second = pack(changes.toReversed());
    expect(second.texts).toEqual([]);
    expect(unpack(structuredClone(second))).toEqual(changes.toReversed());
    expect(unpack(pack([]))).toEqual([]);
  });

  it('carries each text once', () => {
    expect(createPacker()(changes).texts).toEqual(['insert', 'update']);
  });
});
