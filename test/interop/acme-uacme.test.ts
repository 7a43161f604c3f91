import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { hostAddress, placeNames } from '../support/acme/server.js';
import { describeWith } from '../support/interop.js';
import { type AcmeShell, clientTimeout, openAcmeShell, present, readCertificate, serve } from './acme-shell.js';

jest.setTimeout(clientTimeout);

describeWith(['uacme', 'unshare', 'curl', 'openssl'], 'ACME with uacme', () => {
  let shell: AcmeShell;
  beforeAll(async () => {
    shell = await openAcmeShell();
    shell.write('hook', hook);
    shell.write('trusting', trusting);
    const valves = [1, 2, 3].map((valve) => `valve-${valve}.plant.example`);
    await placeNames(shell.server, hostAddress, valves);
    await shell.succeed('chmod +x hook', uacme('new admin@plant.example'));
  });
  afterAll(() => shell.close());

  it.each([
    ['a name, by http-01', 'valve-1.plant.example', 'DNS:valve-1.plant.example', ''],
    ['a name and a key of type EC', 'valve-2.plant.example', 'DNS:valve-2.plant.example', '-t EC'],
    ['a wildcard, by dns-01', '*.plant.example', 'DNS:*.plant.example', ''],
    ['an address (RFC 8738)', hostAddress, `IP Address:${hostAddress}`, ''],
  ])('gets a certificate for %s, and another when it has to', async (_what, name, subjectAltName, options) => {
    await shell.succeed(uacme(`issue "${name}"`, options));
    const first = await readCertificate(shell, filesOf(name));
    expect(first.subjectAltName).toBe(subjectAltName);
    await shell.succeed(uacme(`issue "${name}"`, `${options} -f`));
    const second = await readCertificate(shell, filesOf(name));
    expect(second.publicKey.equals(first.publicKey)).toBe(true);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it('gets one with an account that is bound to an external account', async () => {
    const bound = '-c bound -a "$BOUND_DIRECTORY"';
    await shell.succeed(
      uacme('new', `${bound} -e "$EAB_KID:$EAB_HMAC_KEY"`),
      uacme('issue valve-1.plant.example', bound),
    );
    const issued = await readCertificate(shell, filesOf('valve-1.plant.example', 'bound'));
    expect(issued.subjectAltName).toBe('DNS:valve-1.plant.example');
  });

  it('revokes by the key of the account, changed on the way, and by that of the certificate', async () => {
    const name = 'valve-3.plant.example';
    await shell.succeed(uacme(`issue ${name}`));
    const first = await readCertificate(shell, filesOf(name));
    await shell.succeed(uacme('newkey'), uacme(`revoke ${filesOf(name).chain}`, '-r 4'));
    expect(await shell.server.isRevoked(first)).toBe(true);
    await shell.succeed(uacme(`issue ${name}`));
    const second = await readCertificate(shell, filesOf(name));
    // With a folder that has no account.
    await shell.succeed(uacme(`revoke ${filesOf(name).chain} ${filesOf(name).key}`, '-c nobody'));
    expect(await shell.server.isRevoked(second)).toBe(true);
  });

  it('changes the address of its account, and gives the account up', async () => {
    const folder = '-c short-lived';
    await shell.succeed(
      uacme('new admin@plant.example', folder),
      uacme('update other@plant.example', folder),
      uacme('deactivate', folder),
    );
    const { status, errors } = await shell.run(uacme('issue valve-1.plant.example', folder));
    expect({ status, errors }).toEqual({ status: 2, errors: expect.stringContaining('urn:ietf:params:acme:error:') });
  });
});

/** Of options that are there twice it takes the second. */
function uacme(command: string, options = ''): string {
  return `unshare --user --map-root-user --mount sh trusting uacme -v -y -a "$DIRECTORY" -c uacme -h "$PWD/hook" ${options} ${command}`;
}

// It trusts what is in the system's file of roots and nothing else, so it gets a view of its own of that file.
const trusting = `
mount --bind "$PWD/ca.pem" /etc/ssl/certs/ca-certificates.crt
exec "$@"
`;

const hook = `#!/bin/sh
case "$1 $2" in
  'begin http-01') ${serve('$4', '$5')} ;;
  'begin dns-01') ${present('_acme-challenge.$3', '$5')} ;;
  begin*) exit 1 ;;
esac
`;

function filesOf(name: string, folder = 'uacme') {
  const plain = name.replace('*.', '');
  return { chain: `${folder}/${plain}/cert.pem`, key: `${folder}/private/${plain}/key.pem` };
}
