import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { deviceAddress, placeNames } from '../support/acme/server.js';
import { describeWith } from '../support/interop.js';
import { type AcmeShell, cleanUp, clientTimeout, openAcmeShell, present, readCertificate } from './acme-shell.js';

jest.setTimeout(clientTimeout);

describeWith(['certbot', 'curl', 'openssl'], 'ACME with certbot', () => {
  let shell: AcmeShell;
  beforeAll(async () => {
    shell = await openAcmeShell({ REQUESTS_CA_BUNDLE: 'ca.pem' });
    shell.write('present', present('_acme-challenge.$CERTBOT_DOMAIN', '$CERTBOT_VALIDATION'));
    shell.write('clean-up', cleanUp('_acme-challenge.$CERTBOT_DOMAIN'));
    const pumps = ['ecdsa', 'rsa', 'bound', '3', '4'].map((pump) => `pump-${pump}.plant.example`);
    await placeNames(shell.server, deviceAddress, pumps);
    await shell.succeed(certbot('register', '--server "$DIRECTORY" --agree-tos --no-eff-email -m admin@plant.example'));
  });
  afterAll(() => shell.close());

  const httpChallenge = '--standalone --http-01-address 127.0.0.1 --http-01-port "$HTTP_PORT"';
  const dnsChallenge =
    '--manual --preferred-challenges dns --manual-auth-hook "sh present" --manual-cleanup-hook "sh clean-up"';

  function issue(name: string, how: string, names: string): string {
    return certbot('certonly', `--server "$DIRECTORY" ${how} --cert-name ${name} ${names}`);
  }

  it.each([
    ['ecdsa', 'ec'],
    ['rsa', 'rsa'],
  ])('gets and renews a certificate for a key of type %s by http-01', async (type, keyType) => {
    const name = `pump-${type}.plant.example`;
    await shell.succeed(issue(name, `${httpChallenge} --key-type ${type}`, `-d ${name}`));
    const first = await readCertificate(shell, filesOf(name));
    expect(first.subjectAltName).toBe(`DNS:${name}`);
    expect(first.publicKey.asymmetricKeyType).toBe(keyType);
    await shell.succeed(certbot('renew', `--cert-name ${name} --force-renewal --no-random-sleep-on-renew`));
    const second = await readCertificate(shell, filesOf(name));
    expect(second.subjectAltName).toBe(first.subjectAltName);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it('gets one for a wildcard, and the name that it is under, by dns-01', async () => {
    await shell.succeed(issue('wildcard', dnsChallenge, '-d plant.example -d "*.plant.example"'));
    const { subjectAltName = '' } = await readCertificate(shell, filesOf('wildcard'));
    expect(subjectAltName.split(', ').sort()).toEqual(['DNS:*.plant.example', 'DNS:plant.example']);
  });

  it('gets one with an account that is bound to an external account', async () => {
    const binding = '--eab-kid "$EAB_KID" --eab-hmac-key "$EAB_HMAC_KEY"';
    const account = `--server "$BOUND_DIRECTORY" --agree-tos --register-unsafely-without-email ${binding}`;
    const name = 'pump-bound.plant.example';
    await shell.succeed(certbot('certonly', `${account} ${httpChallenge} --cert-name ${name} -d ${name}`, 'bound'));
    const { subjectAltName } = await readCertificate(shell, filesOf(name, 'bound'));
    expect(subjectAltName).toBe(`DNS:${name}`);
  });

  it('revokes by the key of the account and by that of the certificate', async () => {
    const names = ['pump-3.plant.example', 'pump-4.plant.example'];
    await shell.succeed(...names.map((name) => issue(name, httpChallenge, `-d ${name}`)));
    const [byAccount, byKey] = await Promise.all(names.map((name) => readCertificate(shell, filesOf(name))));
    if (byAccount === undefined || byKey === undefined) throw new Error('not both are there');
    const revoke = (name: string) =>
      `--server "$DIRECTORY" --cert-path certbot/live/${name}/cert.pem --no-delete-after-revoke`;
    await shell.succeed(certbot('revoke', `${revoke('pump-3.plant.example')} --reason superseded`));
    expect(await shell.server.isRevoked(byAccount)).toBe(true);
    expect(await shell.server.isRevoked(byKey)).toBe(false);
    const key = '--key-path certbot/live/pump-4.plant.example/privkey.pem';
    // With a folder that has no account.
    await shell.succeed(certbot('revoke', `${revoke('pump-4.plant.example')} ${key}`, 'nobody'));
    expect(await shell.server.isRevoked(byKey)).toBe(true);
  });

  it('changes the address of its account, and gives the account up', async () => {
    const register = '--server "$DIRECTORY" --agree-tos --no-eff-email -m admin@plant.example';
    const output = await shell.succeed(
      certbot('register', register, 'short-lived'),
      certbot('update_account', '--server "$DIRECTORY" --no-eff-email -m other@plant.example', 'short-lived'),
      certbot('show_account', '--server "$DIRECTORY"', 'short-lived'),
      certbot('unregister', '--server "$DIRECTORY"', 'short-lived'),
    );
    expect(output).toContain('Email contact: other@plant.example');
    expect(output).toContain('Account deactivated.');
  });
});

/** `folder`: where it keeps its account and certificates. */
function certbot(command: string, options: string, folder = 'certbot'): string {
  return `certbot ${command} -n --config-dir ${folder} --work-dir ${folder}/work --logs-dir ${folder}/logs ${options}`;
}

function filesOf(name: string, folder = 'certbot') {
  return { chain: `${folder}/live/${name}/fullchain.pem`, key: `${folder}/live/${name}/privkey.pem` };
}
