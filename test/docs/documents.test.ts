/** Pages of docs against what they are made from, and what they say of the command line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { catalogKinds } from '../../src/catalog/objects.js';
import { createProgram, eachCommand, pathOf } from '../../src/cli/commands.js';
import { documentFile, madeDocuments } from './documents.js';
import { schemaRows } from './schema-rows.js';

describe('pages that are made', () => {
  it.each(Object.entries(madeDocuments))('%s is what npm run docs would write now', (name, make) => {
    expect(readFileSync(documentFile(name), 'utf8')).toBe(make());
  });
});

describe('the configuration reference', () => {
  it('reads types, defaults and keys of keys from the schemas', () => {
    const rows = new Map(schemaRows(catalogKinds.policy.schema).map((row) => [row.key, row]));
    expect(rows.get('name')).toMatchObject({ type: 'name', isRequired: true });
    expect(rows.get('approvalTimeout')).toMatchObject({ type: 'duration', isRequired: false, fallback: '7d' });
    expect(rows.get('profiles[].usage')).toMatchObject({ type: '`bootstrap` `operational` `intermediate`' });
    expect(rows.get('limits.perMinute')).toMatchObject({ type: 'whole number, 1 or more', isRequired: false });
    expect(rows.get('acme.allowedNetworks')?.type).toBe('list of address or network');
    expect(rows.get('scep.chain')?.fallback).toBe('full');
  });
});

describe('docs/command-line.md', () => {
  const text = readFileSync(documentFile('command-line.md'), 'utf8');
  const paths = [...eachCommand(createProgram('0'))]
    .filter(({ commands }) => commands.length === 0)
    .map((command) => pathOf(command).join(' '));

  it.each(paths)('has `%s` in its table', (path) => {
    expect(text).toMatch(new RegExp(`^\\| \`${path}[ \`]`, 'm'));
  });
});

describe('links between pages', () => {
  const pages = readdirSync(documentFile('.')).filter((name) => name.endsWith('.md'));

  it.each(['../README.md', ...pages])('%s leads to pages that are there', (name) => {
    const text = readFileSync(documentFile(name), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target = '']) => target);
    const folder = name.startsWith('..') ? '../' : '';
    const missing = targets.filter((target) => !existsSync(documentFile(`${folder}${target}`)));
    expect(missing).toEqual([]);
  });
});
