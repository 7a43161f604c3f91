import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { kekSourceOf, readSettings, type Settings, SettingsError, settingDescriptions } from '../../src/settings.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'settings.yaml');
  writeFileSync(path, text);
  return path;
}

function settings(sources: Partial<Parameters<typeof readSettings>[0]> = {}): Settings {
  return readSettings({ flags: {}, environment: {}, ...sources });
}

function problem(sources: Partial<Parameters<typeof readSettings>[0]>): string {
  try {
    settings(sources);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return '';
}

describe('settings', () => {
  it('have the defaults that clients and documents rely on', () => {
    expect(settings()).toMatchObject({
      data: resolve('data'),
      host: '127.0.0.1',
      deviceTlsPort: 8443,
      deviceHttpPort: 8080,
      adminPort: 9443,
      database: resolve('data/gatehouse.sqlite'),
      kekFile: resolve('data/key-encryption-key'),
      publicName: 'localhost',
      publicHttpUrl: 'http://localhost:8080',
      protocols: ['est', 'scep', 'cmp', 'acme', 'rest', 'ocsp', 'repository'],
      trustedProxies: [],
      adminClientCertificates: false,
      logLevel: 'info',
    });
  });

  it('come from the file, then the environment, then the flags', () => {
    const path = file('deviceTlsPort: 1001\ndeviceHttpPort: 1002\nadminPort: 1003\n');
    const environment = { GATEHOUSE_DEVICE_HTTP_PORT: '2002', GATEHOUSE_ADMIN_PORT: '2003' };
    const { deviceTlsPort, deviceHttpPort, adminPort } = settings({
      file: path,
      environment,
      flags: { adminPort: '3003' },
    });
    expect([deviceTlsPort, deviceHttpPort, adminPort]).toEqual([1001, 2002, 3003]);
  });

  it('take an empty variable for none', () => {
    expect(settings({ environment: { GATEHOUSE_PUBLIC_NAME: '' } }).publicName).toBe('localhost');
  });

  it('read lists and switches from text', () => {
    const environment = {
      GATEHOUSE_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16',
      GATEHOUSE_ADMIN_CLIENT_CERTIFICATES: 'true',
    };
    expect(settings({ environment })).toMatchObject({
      trustedProxies: ['10.0.0.1', '10.1.0.0/16'],
      adminClientCertificates: true,
    });
  });

  it('find paths of the file beside the file, and others in the working folder', () => {
    expect(settings({ file: file('data: here\n') }).data).toBe(join(folder, 'here'));
    const { protocols } = settings({ file: file('protocols: [est, ./own.js]\n') });
    expect(protocols).toEqual(['est', join(folder, 'own.js')]);
    expect(settings({ flags: { data: 'there' } })).toMatchObject({
      data: resolve('there'),
      database: resolve('there/gatehouse.sqlite'),
    });
  });

  it('have a flag, a variable and a description each', () => {
    expect(settingDescriptions).toContainEqual(
      expect.objectContaining({
        key: 'deviceTlsPort',
        flag: '--device-tls-port',
        variable: 'GATEHOUSE_DEVICE_TLS_PORT',
      }),
    );
    expect(settingDescriptions.filter(({ description }) => description === '')).toEqual([]);
  });

  it.each<[string, () => Partial<Parameters<typeof readSettings>[0]>, string]>([
    ['a port that is none, in a flag', () => ({ flags: { adminPort: '70000' } }), '--admin-port: '],
    [
      'a port that is none, in a variable',
      () => ({ environment: { GATEHOUSE_ADMIN_PORT: 'abc' } }),
      'GATEHOUSE_ADMIN_PORT: ',
    ],
    ['a port that is none, in the file', () => ({ file: file('adminPort: -1\n') }), 'settings.yaml: adminPort: '],
    ['a key that there is not', () => ({ file: file('adminport: 1\n') }), 'adminport'],
    [
      'a proxy that is no address',
      () => ({ flags: { trustedProxies: '10.0.0.1,proxy.example' } }),
      '--trusted-proxies: an IP address',
    ],
    ['a level that there is not', () => ({ flags: { logLevel: 'loud' } }), '--log-level: '],
    ['an https address for CRLs', () => ({ flags: { publicHttpUrl: 'https://x.example' } }), '--public-http-url: '],
    ['PostgreSQL', () => ({ environment: { GATEHOUSE_DATABASE: 'postgres://x/y' } }), 'GATEHOUSE_DATABASE: '],
    ['a file that is not there', () => ({ file: '/nowhere/settings.yaml' }), 'there is no such file'],
    ['a file that is no YAML', () => ({ file: file('a: [') }), 'settings.yaml: '],
    ['a file that is a list', () => ({ file: file('- 1\n') }), 'mapping'],
  ])('refuse %s, and say where it was given', (_, sources, says) => {
    expect(problem(sources())).toContain(says);
  });

  it('name everything that is wrong at once', () => {
    expect(problem({ flags: { adminPort: 'x', logLevel: 'y' } })).toMatch(/--admin-port[\s\S]*--log-level/);
  });
});

describe('settings of keys', () => {
  it('have key stores from the file, with paths relative to it, or as JSON from the environment', () => {
    const path = file('keyStores:\n  hsm: { kind: pkcs11, module: ./p11.so, tokenLabel: gate, pinFile: pin }\n');
    const hsm = { kind: 'pkcs11', module: join(folder, 'p11.so'), tokenLabel: 'gate', sessions: 4 };
    expect(settings({ file: path }).keyStores).toEqual({ hsm: { ...hsm, pinFile: join(folder, 'pin') } });
    const text = '{"kms": {"kind": "http", "url": "https://kms.example", "tokenVariable": "TOKEN"}}';
    expect(settings({ environment: { GATEHOUSE_KEY_STORES: text } }).keyStores).toEqual({
      kms: { kind: 'http', url: 'https://kms.example', tokenVariable: 'TOKEN' },
    });
  });

  it.each([
    ['hsm: { kind: pkcs11, module: x, tokenLabel: a }', 'keyStores.hsm: needs either pinFile or pinVariable'],
    ['hsm: { kind: pkcs11, module: x, pinFile: p }', 'keyStores.hsm: needs either tokenLabel or tokenSerial'],
    ['hsm: { kind: magic }', 'keyStores.hsm.kind: '],
    ['software: { kind: http, url: "https://x", tokenFile: t }', 'keyStores.software: '],
  ])('name what is wrong with a key store: %s', (text, message) => {
    expect(problem({ file: file(`keyStores:\n  ${text}\n`) })).toContain(message);
  });

  it('take the key-encryption key from one place only, and never tell it', () => {
    const GATEHOUSE_KEK = 'ab'.repeat(32);
    expect(kekSourceOf(settings())).toEqual({ kind: 'file', file: resolve('data/key-encryption-key') });
    expect(kekSourceOf(settings({ flags: { kekPassphraseFile: 'p' } }))).toEqual({
      kind: 'passphrase',
      file: resolve('p'),
    });
    const read = settings({ environment: { GATEHOUSE_KEK } });
    expect(kekSourceOf(read).kind).toBe('environment');
    expect(JSON.stringify(read)).not.toContain(GATEHOUSE_KEK);
    const only = 'give only one of GATEHOUSE_KEK_FILE, GATEHOUSE_KEK_PASSPHRASE_FILE and GATEHOUSE_KEK';
    expect(problem({ environment: { GATEHOUSE_KEK, GATEHOUSE_KEK_FILE: 'x' } })).toBe(only);
    expect(problem({ flags: { kekFile: 'x', kekPassphraseFile: 'y' } })).toBe(only);
    const wrong = problem({ environment: { GATEHOUSE_KEK: 'my-secret' } });
    expect(wrong).toContain('GATEHOUSE_KEK must be 32 octets');
    expect(wrong).not.toContain('my-secret');
  });
});
