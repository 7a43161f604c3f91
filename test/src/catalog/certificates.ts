/** Certificates to configure, made once for the tests of this folder. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFactory } from '../../../src/quickstart/factory.js';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-factory-'));
const files = await ensureFactory(folder, new Date('2026-11-01T00:00:00Z'));

export const caPem = readFileSync(files.caFile, 'utf8');
export const devicePem = readFileSync(files.certificateFile, 'utf8');
rmSync(folder, { recursive: true });
