import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateAuthorityCommand } from '../../../src/cli/certificate-authority.js';
import { checkAuthorities } from '../../../src/cli/check-store.js';
import { applyYaml, fleet } from '../../support/fleet.js';
import { makeCrl, makeRoot, withOpenssl } from '../../support/openssl-folder.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { signLink } from '../authorities/foreign-link.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({
    configuration: fleet.replace('validity: 20y }', 'validity: 20y, crl: { interval: 90d, validity: 200d } }'),
  });
});
afterAll(() => test.close());

function run(...words: string[]): Promise<string> {
  return runCommand(certificateAuthorityCommand, test, words);
}

async function found(): Promise<readonly string[]> {
  const { core } = test.gateway;
  const findings = await checkAuthorities(core.store, core.catalog(), Date.now());
  return findings.map(({ said, remedy = '' }) => `${said}: ${remedy}`);
}

describe('gatehouse ca', () => {
  it('stages, plans, drops, activates and revokes', async () => {
    expect(await run('stage', 'devices')).toMatch(
      /^staged devices-2, until .*: gatehouse ca activate devices makes it issue$/,
    );
    expect(await run('activate', 'devices', '--at', '14d')).toMatch(
      /^devices-2 issues from .*: the gateway must run then$/,
    );
    expect(await run('show', 'devices')).toMatch(/devices-2: next, .*issues from/);
    expect(await run('drop-next', 'devices')).toBe('dropped what was to come of CA devices; its key is destroyed');
    expect(await run('stage', 'devices')).toContain('devices-3');
    expect(await run('activate', 'devices', '--replace-by', '30d')).toMatch(
      /^devices-3 issues now, and earlier certificates are to be replaced by \S+Z$/,
    );
    expect(await run('revoke', 'devices-1', '--reason', 'superseded')).toContain('revoked devices-1');
    expect(await run('show', 'devices')).toMatch(/devices-1: previous, revoked/);
    await expect(run('stage', 'nowhere')).rejects.toThrow('there is no CA "nowhere"');
  });

  it('takes the root offline and signs with its key; the gateway starts without it, and doctor names what is due', async () => {
    await withOpenssl(async (openssl) => {
      const key = openssl.path('root.key');
      const passphrase = openssl.write('pass', 'for the ceremony\n');
      const words = ['--key-out', key, '--passphrase-file', passphrase];
      await expect(run('take-offline', 'devices', ...words)).rejects.toThrow('policy fleet issues by CA devices');
      expect(await run('take-offline', 'root', ...words)).toMatch(/^root-1 is offline/);
      expect(statSync(key).mode & 0o777).toBe(0o600);
      expect(readFileSync(key, 'latin1')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
      await expect(run('take-offline', 'root', ...words)).rejects.toThrow('not in the gateway');
      test = await test.restart();
      expect(test.gateway.core.authority.issuer('devices').id).toBe('devices-3');
      await applyYaml(
        test,
        'certificateAuthorities: [{ name: later, parent: root, subject: "CN=Later", key: ec-p256, pathLength: 0 }]',
      );
      expect(await test.gateway.core.ensureCas()).toEqual([]);
      expect(await found()).toContainEqual(
        expect.stringMatching(/later waits to be certified by root.*gatehouse ca sign root/),
      );
      expect(await run('request', 'later')).toContain('BEGIN CERTIFICATE REQUEST');
      await expect(run('publish', 'root')).rejects.toThrow('root-1 is offline: gatehouse ca sign root signs its CRLs');
      const all = await run('publish');
      expect(all).toMatch(/^devices-1: CRL 0, number \d+, .*\n(.*\n)*devices-3: CRL 0, number 3/);
      expect(all).toContain('\nroot-1 is offline: gatehouse ca sign root signs its CRLs');
      const brought = ['--key', key, '--passphrase-file', passphrase];
      const said = await run('sign', 'root', ...brought);
      expect(said).toMatch(/^root-1 has certified later-1\n1 CRL of root-1, the next before /);
      await expect(run('sign', 'root', '--pending', ...brought)).rejects.toThrow('nothing waits');
      expect((await found()).join()).not.toContain('later');
    });
  });

  it('certifies a foreign CA, takes what that has issued for one here, lists both and ends one', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'partner', { subject: '/CN=Partner' });
      const limits = [
        '--permitted',
        'dns:partner.example',
        'ip:10.9.0.0/16',
        '--path-length',
        '0',
        '--validity',
        '90d',
      ];
      const words = ['cross-certify', 'pki', openssl.path('partner.pem')];
      await applyYaml(test, 'certificateAuthorities: [{ name: pki, subject: "CN=PKI", key: ec-p256 }]');
      await test.gateway.core.ensureCas();
      openssl.write('cross.pem', await run(...words, ...limits, '--policy', '1.3.6.1.4.1.99999.1'));
      const shown = openssl.run('x509', '-in', 'cross.pem', '-noout', '-text').toString();
      expect(shown).toMatch(/Issuer: CN ?= ?PKI.*pathlen:0.*Permitted:.*DNS:partner\.example.*IP:10\.9\.0\.0/s);
      await expect(run(...words, '--permitted', 'x')).rejects.toThrow('such as dns:partner.example');
      await expect(run(...words, '--path-length', '')).rejects.toThrow('pathLength');
      await expect(run(...words, '--permitted', 'ip:x')).rejects.toThrow('nameConstraints cannot be read: ip "x"');
      const certificate = test.gateway.core.authority.chain('pki-1')[0] ?? new Uint8Array();
      signLink(openssl, { certificate, by: 'partner', subject: '/CN=PKI' });
      const said = await run('link', 'pki', openssl.path('link.pem'), openssl.path('partner.pem'));
      const [, fingerprint = ''] =
        /^linked pki-1 to CN=Partner until .*; gatehouse ca unlink pki (\S+) ends it$/.exec(said) ?? [];
      const listed = await run('cross-certificates', 'pki');
      expect(listed).toMatch(/pki-1 +CN=Partner .* valid +pki-1:/);
      expect(listed).toMatch(new RegExp(`CN=Partner +pki-1 .* link +${fingerprint}`));
      expect(await run('unlink', 'pki', fingerprint)).toBe(`unlinked ${fingerprint}`);
      await expect(run('unlink', 'pki', fingerprint)).rejects.toThrow('has no link');
      expect(await run('cross-certificates', 'devices')).toBe('no cross-certificates of CA devices');
    });
  });

  it('takes over a CA, and the certificate of an external one', async () => {
    await applyYaml(
      test,
      `certificateAuthorities:
  - { name: corporate, subject: "CN=Corporate", key: external }
  - { name: old, subject: "CN=Old", key: external }`,
    );
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'corporate', { subject: '/CN=Corporate' });
      makeRoot(openssl, 'old', { subject: '/CN=Old' });
      const said = await run('certificate', 'import', 'corporate', openssl.path('corporate.pem'));
      expect(said).toBe('corporate-1 is known: CAs that name it as their parent can be certified by it');
      const files = ['--key', openssl.path('old.key'), '--certificate', openssl.path('old.pem')];
      await expect(run('import', 'old', ...files, '--crl', openssl.path('old.pem'))).rejects.toThrow('no X509 CRL');
      makeCrl(openssl, 'old', { revoked: [{ serial: '0A' }, { serial: '0B', reason: 'superseded' }] });
      const taken = await run('import', 'old', ...files, '--crl', openssl.path('old.crl'));
      expect(taken).toMatch(/^imported old-1, which issues now.*\n2 certificates .* stay on its CRLs$/);
      expect(await run('show', 'old')).toMatch(/old-1: CRL 0, number 13, entries 2, nextUpdate 20/);
      expect(await run('publish', 'old')).toMatch(/^old-1: CRL 0, number 14, entries 2, nextUpdate 20\S+$/);
      await expect(run('publish', 'corporate')).rejects.toThrow('the key of corporate-1 is not in the gateway');
      expect(await run('certificate', 'old')).toBe(openssl.read('old.pem').toString().trim());
      await expect(run('import', 'old', '--key', '/nowhere')).rejects.toThrow('/nowhere cannot be read');
    });
  });
});
