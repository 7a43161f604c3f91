/** Certificates to configure, made once for the tests of this folder. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFactory } from '../../../src/quickstart/factory.js';

const files = await ensureFactory(mkdtempSync(join(tmpdir(), 'gatehouse-factory-')), new Date('2026-11-01T00:00:00Z'));

export const { caFile } = files;
export const caPem = readFileSync(files.caFile, 'utf8');
export const devicePem = readFileSync(files.certificateFile, 'utf8');
