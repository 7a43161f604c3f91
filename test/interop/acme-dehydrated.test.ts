import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { hostAddress, placeNames } from '../support/acme/server.js';
import { describeWith } from '../support/interop.js';
import {
  type AcmeShell,
  cleanUp,
  clientTimeout,
  openAcmeShell,
  present,
  readCertificate,
  serve,
} from './acme-shell.js';

jest.setTimeout(clientTimeout);

describeWith(['dehydrated', 'curl', 'openssl'], 'ACME with dehydrated', () => {
  let shell: AcmeShell;
  beforeAll(async () => {
    shell = await openAcmeShell();
    shell.write('hook', hook);
    await configure('dehydrated', `CA=${shell.server.directory}`);
    const valves = [1, 2, 3].map((valve) => `valve-${valve}.plant.example`);
    await placeNames(shell.server, hostAddress, valves);
    await shell.succeed('chmod +x hook', dehydrated('--register --accept-terms'));
  });
  afterAll(() => shell.close());

  /** It keeps everything in a folder of this name. */
  async function configure(folder: string, ...lines: readonly string[]): Promise<void> {
    const home = `${shell.directory}/${folder}`;
    await shell.succeed(`mkdir -p ${folder}/wellknown`);
    const common = [
      `BASEDIR=${home}`,
      `WELLKNOWN=${home}/wellknown`,
      `HOOK=${shell.directory}/hook`,
      `CURL_OPTS="--cacert ${shell.directory}/ca.pem"`,
      'CONTACT_EMAIL=admin@plant.example',
      'KEYSIZE=2048',
    ];
    shell.write(`${folder}/config`, [...common, ...lines, ''].join('\n'));
  }

  it.each([
    ['http-01', 'prime256v1', 'valve-1.plant.example', 'valve-1.plant.example'],
    ['http-01', 'rsa', 'valve-2.plant.example', 'valve-2.plant.example'],
    ['dns-01', 'secp384r1', '*.plant.example', 'wildcard'],
  ])('gets a certificate by %s for a key of type %s, and another with a new key', async (type, kind, name, alias) => {
    const sign = `--cron -d "${name}" --alias ${alias} -t ${type} -a ${kind}`;
    await shell.succeed(dehydrated(sign));
    const first = await readCertificate(shell, filesOf(alias));
    expect(first.subjectAltName).toBe(`DNS:${name}`);
    await shell.succeed(dehydrated(`${sign} --force`));
    const second = await readCertificate(shell, filesOf(alias));
    expect(second.subjectAltName).toBe(first.subjectAltName);
    expect(second.publicKey.equals(first.publicKey)).toBe(false);
  });

  it('gets one for a request of somebody else', async () => {
    const name = 'valve-3.plant.example';
    await shell.succeed(
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -subj / -addext subjectAltName=DNS:${name} -out own.csr 2> /dev/null`,
      dehydrated('--signcsr own.csr > own.pem'),
    );
    const issued = await readCertificate(shell, { chain: 'own.pem', key: 'own.key' });
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('gets one with an account that is bound to an external account', async () => {
    const { externalAccount, boundDirectory } = shell.server;
    const binding = [`EAB_KID=${externalAccount.keyId}`, `EAB_HMAC_KEY=${externalAccount.hmacKey}`];
    await configure('bound', `CA=${boundDirectory}`, ...binding);
    await shell.succeed(
      dehydrated('--register --accept-terms', 'bound'),
      dehydrated('--cron -d valve-1.plant.example -t http-01', 'bound'),
    );
    const issued = await readCertificate(shell, filesOf('valve-1.plant.example', 'bound'));
    expect(issued.subjectAltName).toBe('DNS:valve-1.plant.example');
  });

  it('revokes a certificate', async () => {
    await shell.succeed(dehydrated('--cron -d valve-2.plant.example --alias unwanted -t http-01'));
    const issued = await readCertificate(shell, filesOf('unwanted'));
    await shell.succeed(dehydrated('--revoke dehydrated/certs/unwanted/cert.pem'));
    expect(await shell.server.isRevoked(issued)).toBe(true);
  });

  it('changes the address of its account, and gives the account up', async () => {
    await configure('short-lived', `CA=${shell.server.directory}`);
    await shell.succeed(dehydrated('--register --accept-terms', 'short-lived'));
    await configure('short-lived', `CA=${shell.server.directory}`, 'CONTACT_EMAIL=other@plant.example');
    await shell.succeed(dehydrated('--account', 'short-lived'));
    expect(await shell.succeed(dehydrated('--deactivate', 'short-lived'))).toContain('+ Done.');
  });
});

function dehydrated(command: string, folder = 'dehydrated'): string {
  return `dehydrated -f ${folder}/config ${command}`;
}

// It calls it for much else, too.
const hook = `#!/bin/sh
case "$1" in
  deploy_challenge)
    ${serve('$3', '$4')}
    ${present('_acme-challenge.$2', '$4')} ;;
  clean_challenge) ${cleanUp('_acme-challenge.$2')} ;;
esac
`;

function filesOf(alias: string, folder = 'dehydrated') {
  return { chain: `${folder}/certs/${alias}/fullchain.pem`, key: `${folder}/certs/${alias}/privkey.pem` };
}
