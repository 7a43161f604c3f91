import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readDocumentFile } from '../../../src/catalog/document-file.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-document-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('A configuration file', () => {
  it('is read where a link leads to it', async () => {
    const file = join(directory, 'fleet.yaml');
    await writeFile(file, 'divisions: [{ name: plant }]');
    await symlink(file, join(directory, 'link.yaml'));
    const { objects } = readDocumentFile(join(directory, 'link.yaml'), {});
    expect(objects.map(({ name }) => name)).toEqual(['plant']);
  });

  it('is read to its bound, also where it has no end and no size', () => {
    expect(() => readDocumentFile('/dev/zero', {})).toThrow('/dev/zero is larger than 8000000 bytes');
  });

  it('names certificates that are read to the same bound', async () => {
    const file = join(directory, 'endless.yaml');
    const credential = '{ kind: authentication-ca, name: a, certificateFile: /dev/zero }';
    await writeFile(file, `authenticationPolicies: [{ name: p, division: d, credentials: [${credential}] }]`);
    expect(() => readDocumentFile(file, {})).toThrow('larger than 8000000 bytes');
  });

  it('is refused with the reason where it cannot be read', () => {
    expect(() => readDocumentFile(join(directory, 'none.yaml'), {})).toThrow(/cannot be read: .*ENOENT/);
    expect(() => readDocumentFile(directory, {})).toThrow(/cannot be read: .*EISDIR/);
  });
});
