import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { centralHeader, endOfDirectory, writeZip, type ZipEntry } from '../../../../src/jobs/archive/zip-stream.js';
import { describeWith } from '../../../support/interop.js';

const modified = new Date('2026-11-21T13:14:16Z');

async function* entriesOf(entries: readonly ZipEntry[]): AsyncGenerator<ZipEntry> {
  yield* entries;
}

async function* inPieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function zip(entries: AsyncIterable<ZipEntry>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeZip(entries, modified)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

async function* numbered(count: number): AsyncGenerator<ZipEntry> {
  for (let i = 0; i < count; i++) yield { name: `${i}/file`, content: Buffer.from(String(i)) };
}

describe('ZIP files that are written as they come', () => {
  it('have stored files and compressed ones of unknown length', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`);
    const archive = await zip(
      entriesOf([
        { name: 'manifest.csv', content: inPieces(...lines, '') },
        { name: 'a/certificate.pem', content: Buffer.from('certificate') },
        { name: 'empty', content: inPieces() },
      ]),
    );
    const files = unzipSync(archive);
    expect(Object.keys(files)).toEqual(['manifest.csv', 'a/certificate.pem', 'empty']);
    expect(text(files['manifest.csv'])).toBe(lines.join(''));
    expect(text(files['a/certificate.pem'])).toBe('certificate');
    expect(files.empty).toHaveLength(0);
  });

  it('may have nothing in them', async () => {
    expect(unzipSync(await zip(entriesOf([])))).toEqual({});
  });

  it('have an offset beyond 4 GiB in the ZIP64 field (APPNOTE 4.5.3)', () => {
    const name = Buffer.from('far');
    const entry = { name, time: 0, isPrivate: false, isDeflated: false, crc: 0, packedSize: 5, size: 5 };
    const near = Buffer.from(centralHeader({ ...entry, offset: 0xffff_fffe }));
    expect([near.readUInt32LE(42), near.readUInt16LE(30), near.length]).toEqual([0xffff_fffe, 0, 49]);
    const far = Buffer.from(centralHeader({ ...entry, offset: 5_000_000_000 }));
    expect([far.readUInt32LE(42), far.readUInt16LE(30)]).toEqual([0xffff_ffff, 12]);
    expect([far.readUInt16LE(49), far.readUInt16LE(51), far.readBigUInt64LE(53)]).toEqual([1, 8, 5_000_000_000n]);
  });

  it('end as ZIP64 where the directory is beyond 4 GiB (APPNOTE 4.3.14)', () => {
    const end = Buffer.from(endOfDirectory({ count: 2, offset: 5_000_000_000, size: 100 }));
    expect(end).toHaveLength(56 + 20 + 22);
    expect(end.readBigUInt64LE(48)).toBe(5_000_000_000n);
    expect(end.readBigUInt64LE(56 + 8)).toBe(5_000_000_100n);
    expect(end.readUInt32LE(76 + 16)).toBe(0xffff_ffff);
    expect(endOfDirectory({ count: 2, offset: 5, size: 100 })).toHaveLength(22);
  });
});

describeWith(['unzip', 'python3'], 'ZIP files in other programs', () => {
  it('are whole to unzip and Python, and more than 65,535 files as well (ZIP64)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-zip-'));
    try {
      const file = join(folder, 'many.zip');
      writeFileSync(file, await zip(numbered(70_000)));
      execFileSync('unzip', ['-qt', file]);
      const script = `import zipfile; z = zipfile.ZipFile('${file}'); print(len(z.infolist()), z.testzip(), z.read('69999/file'))`;
      expect(execFileSync('python3', ['-c', script]).toString().trim()).toBe("70000 None b'69999'");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('keep private files from others when they are unpacked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-zip-'));
    try {
      const file = join(folder, 'key.zip');
      writeFileSync(
        file,
        await zip(
          entriesOf([
            { name: 'key.pem', content: Buffer.from('key'), isPrivate: true },
            { name: 'manifest.csv', content: inPieces('row\r\n') },
          ]),
        ),
      );
      execFileSync('unzip', ['-q', file], { cwd: folder, env: { ...process.env, TZ: 'UTC' } });
      expect(statSync(join(folder, 'key.pem')).mode & 0o777).toBe(0o600);
      expect(statSync(join(folder, 'manifest.csv')).mtime).toEqual(modified);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
