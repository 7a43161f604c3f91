import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isApiKey } from '../../../src/access/api-key-text.js';
import { completeQuickstart, hasQuickstart, prepareQuickstart } from '../../../src/quickstart/quickstart.js';
import { fromPem } from '../../../src/x509/pem.js';

const clock = { now: () => new Date('2026-11-01T00:00:00Z') };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-quick start-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const inQuickstart = (name: string) => join(folder, 'quickstart', name);

/** What a first or later start does. */
async function start(deviceTls = 'https://localhost:8443'): Promise<string> {
  const variables = await prepareQuickstart(folder, clock);
  const [root] = fromPem(readFileSync(variables.get('GATEHOUSE_FACTORY_CA_FILE') ?? '', 'utf8'));
  const urls = { deviceTls, deviceHttp: 'http://localhost:8080', admin: 'https://localhost:9443' };
  return completeQuickstart({
    dataDirectory: folder,
    variables,
    urls,
    roots: root ? [root] : [],
  });
}

function contentOfAll(): Record<string, string> {
  const names = readdirSync(join(folder, 'quickstart'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(inQuickstart(name), 'utf8')]));
}

function sourced(file: string): Record<string, string> {
  const text = execFileSync('sh', [
    '-c',
    'set -a; env -i sh -c "set -a; . \\"\\$0\\"; env" "$1"',
    'sh',
    file,
  ]).toString();
  const lines = text.split('\n').filter((line) => line.startsWith('GATEHOUSE_'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe('quickstart', () => {
  it('writes a file that shells can source, for its owner only, with absolute paths', async () => {
    const file = await start();
    expect(file).toBe(join(folder, 'quickstart.env'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const variables = sourced(file);
    expect(Object.keys(variables).sort()).toEqual([
      'GATEHOUSE_ACME_DIRECTORY',
      'GATEHOUSE_ADMIN_KEY',
      'GATEHOUSE_ADMIN_URL',
      'GATEHOUSE_CA_FILE',
      'GATEHOUSE_CMP_REFERENCE',
      'GATEHOUSE_CMP_SECRET',
      'GATEHOUSE_CMP_URL',
      'GATEHOUSE_EAB_HMAC',
      'GATEHOUSE_EAB_KID',
      'GATEHOUSE_EST_URL',
      'GATEHOUSE_FACTORY_CA_FILE',
      'GATEHOUSE_FACTORY_CERT',
      'GATEHOUSE_FACTORY_KEY',
      'GATEHOUSE_PASSCODE',
      'GATEHOUSE_REST_URL',
      'GATEHOUSE_SCEP_URL',
      'GATEHOUSE_USERNAME',
    ]);
    expect(variables.GATEHOUSE_EST_URL).toBe('https://localhost:8443/.well-known/est/quickstart');
    expect(variables.GATEHOUSE_SCEP_URL).toBe('http://localhost:8080/scep/quickstart');
    expect(variables.GATEHOUSE_CMP_URL).toBe('http://localhost:8080/.well-known/cmp/p/quickstart');
    expect(variables.GATEHOUSE_ACME_DIRECTORY).toBe('https://localhost:8443/acme/quickstart/directory');
    expect(variables.GATEHOUSE_REST_URL).toBe('https://localhost:8443/api/v1/enroll/quickstart');
    expect(variables.GATEHOUSE_ADMIN_URL).toBe('https://localhost:9443');
    expect(isApiKey(variables.GATEHOUSE_ADMIN_KEY ?? '')).toBe(true);
    expect(variables.GATEHOUSE_EAB_KID).toBe('quickstart');
    expect(variables.GATEHOUSE_EAB_HMAC).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(variables.GATEHOUSE_CMP_REFERENCE).toBe('quickstart');
    expect(variables.GATEHOUSE_CMP_SECRET).toHaveLength(31);
    for (const name of ['CA_FILE', 'FACTORY_CERT', 'FACTORY_KEY', 'FACTORY_CA_FILE']) {
      const path = variables[`GATEHOUSE_${name}`] ?? '';
      expect(isAbsolute(path)).toBe(true);
      expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN /);
    }
  });

  it('makes a passcode of more than 128 random bits', async () => {
    const variables = await prepareQuickstart(folder, clock);
    expect(variables.get('GATEHOUSE_PASSCODE')).toMatch(/^([0-9a-hjkmnp-tv-z]{5}-){5}[0-9a-hjkmnp-tv-z]$/);
  });

  it('keeps secrets and private keys from others', async () => {
    await start();
    for (const name of ['secrets.env', 'factory-ca.key', 'factory-device.key']) {
      expect(statSync(inQuickstart(name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(folder, 'quickstart')).mode & 0o777).toBe(0o700);
  });

  it('makes a factory whose device certificate openssl verifies for clientAuth', async () => {
    const variables = sourced(await start());
    const [ca, device] = [variables.GATEHOUSE_FACTORY_CA_FILE ?? '', variables.GATEHOUSE_FACTORY_CERT ?? ''];
    const verify = ['verify', '-x509_strict', '-purpose', 'sslclient', '-attime', '1793491200', '-CAfile', ca, device];
    expect(execFileSync('openssl', verify).toString()).toContain(': OK');
    const subject = execFileSync('openssl', ['x509', '-in', device, '-noout', '-subject', '-nameopt', 'RFC2253']);
    expect(subject.toString().trim()).toBe(
      'subject=serialNumber=QS-000001,CN=quickstart-device-1,O=Example Manufacturer',
    );
  });

  it('changes nothing at the next start', async () => {
    const file = await start();
    const before = [readFileSync(file, 'utf8'), contentOfAll()];
    await start();
    expect([readFileSync(file, 'utf8'), contentOfAll()]).toEqual(before);
  });

  it('follows a change of the address, with the same secrets', async () => {
    const before = sourced(await start());
    const after = sourced(await start('https://est.example:10443'));
    expect(after.GATEHOUSE_EST_URL).toBe('https://est.example:10443/.well-known/est/quickstart');
    expect(after.GATEHOUSE_PASSCODE).toBe(before.GATEHOUSE_PASSCODE);
  });

  it('completes a data directory from whatever a crash has left', async () => {
    const variables = sourced(await start());
    for (const name of [...readdirSync(join(folder, 'quickstart')), '../quickstart.env']) {
      unlinkSync(inQuickstart(name));
      expect(Object.keys(sourced(await start()))).toEqual(Object.keys(variables));
      const [ca, device] = [inQuickstart('factory-ca.pem'), inQuickstart('factory-device.pem')];
      const verify = ['verify', '-attime', '1793491200', '-CAfile', ca, device];
      expect(execFileSync('openssl', verify).toString()).toContain(': OK');
    }
  });

  it('adds the secrets that an older version did not have, and keeps the others', async () => {
    await start();
    writeFileSync(inQuickstart('secrets.env'), "GATEHOUSE_USERNAME='it'\\''s me'\n");
    const variables = await prepareQuickstart(folder, clock);
    expect(variables.get('GATEHOUSE_USERNAME')).toBe("it's me");
    expect(variables.get('GATEHOUSE_PASSCODE')).toHaveLength(31);
    expect(sourced(await start()).GATEHOUSE_USERNAME).toBe("it's me");
  });

  it('agrees with itself when two processes start at once', async () => {
    const [first, second] = await Promise.all([prepareQuickstart(folder, clock), prepareQuickstart(folder, clock)]);
    expect(first.get('GATEHOUSE_PASSCODE')).toBe(second.get('GATEHOUSE_PASSCODE'));
  });

  it('knows whether a data directory has it', async () => {
    expect(await hasQuickstart(folder)).toBe(false);
    await start();
    expect(await hasQuickstart(folder)).toBe(true);
  });

  it('leaves no unfinished files', async () => {
    await start();
    await start();
    expect(readdirSync(join(folder, 'quickstart')).sort()).toEqual([
      'factory-ca.key',
      'factory-ca.pem',
      'factory-device.key',
      'factory-device.pem',
      'root.pem',
      'secrets.env',
    ]);
  });
});
