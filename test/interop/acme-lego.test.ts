import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { deviceAddress, placeNames } from '../support/acme/server.js';
import { describeWith } from '../support/interop.js';
import { type AcmeShell, clientTimeout, openAcmeShell, readCertificate } from './acme-shell.js';

jest.setTimeout(clientTimeout);

describeWith(['lego', 'openssl'], 'ACME with lego', () => {
  let shell: AcmeShell;
  beforeAll(async () => {
    shell = await openAcmeShell({ LEGO_CA_CERTIFICATES: 'ca.pem', HTTPREQ_POLLING_INTERVAL: '1' });
    const pumps = [1, 2, 3, 4, 5, 6, 7].map((pump) => `pump-${pump}.plant.example`);
    await placeNames(shell.server, deviceAddress, pumps);
  });
  afterAll(() => shell.close());

  const httpChallenge = '--http --http.port "127.0.0.1:$HTTP_PORT"';
  const tlsChallenge = '--tls --tls.port "127.0.0.1:$TLS_PORT"';
  // Its hooks speak the language of its own provider. That it waits for other name servers is off: there are none.
  const dnsChallenge = '--dns httpreq --dns.resolvers "$RESOLVER" --dns.disable-cp';

  it.each([
    ['http-01', 'pump-1.plant.example', 'ec256', 'ec', httpChallenge],
    ['http-01', 'pump-2.plant.example', 'rsa2048', 'rsa', httpChallenge],
    ['tls-alpn-01', 'pump-3.plant.example', 'ec384', 'ec', tlsChallenge],
    ['dns-01', '*.plant.example', 'ec256', 'ec', dnsChallenge],
  ])('gets a certificate by %s for %s and a key of type %s', async (_type, name, keyType, kind, how) => {
    await shell.succeed(lego('run', `${how} --key-type ${keyType} -d "${name}"`));
    const issued = await readCertificate(shell, filesOf(name));
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
    expect(issued.publicKey.asymmetricKeyType).toBe(kind);
  });

  it('renews a certificate, with a new key and with the one that it has', async () => {
    const name = 'pump-4.plant.example';
    const renew = lego('renew', `${httpChallenge} -d ${name}`, '--days 10000 --no-random-sleep');
    await shell.succeed(lego('run', `${httpChallenge} -d ${name}`));
    const first = await readCertificate(shell, filesOf(name));
    await shell.succeed(renew);
    const second = await readCertificate(shell, filesOf(name));
    await shell.succeed(`${renew} --reuse-key`);
    const third = await readCertificate(shell, filesOf(name));
    expect(second.publicKey.equals(first.publicKey)).toBe(false);
    expect(third.publicKey.equals(second.publicKey)).toBe(true);
    expect(new Set([first, second, third].map(({ serialNumber }) => serialNumber)).size).toBe(3);
  });

  it('gets one with an account that is bound to an external account', async () => {
    const name = 'pump-5.plant.example';
    const binding = '--server "$BOUND_DIRECTORY" --eab --kid "$EAB_KID" --hmac "$EAB_HMAC_KEY"';
    await shell.succeed(
      `lego --path bound --accept-tos -m admin@plant.example ${binding} ${httpChallenge} -d ${name} run 2>&1`,
    );
    const issued = await readCertificate(shell, filesOf(name, 'bound'));
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('gets one for a request of somebody else', async () => {
    const name = 'pump-6.plant.example';
    await shell.succeed(
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -subj / -addext subjectAltName=DNS:${name} -out own.csr 2> /dev/null`,
      lego('run', `${httpChallenge} --csr own.csr`),
    );
    const issued = await readCertificate(shell, { ...filesOf(name), key: 'own.key' });
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('revokes a certificate', async () => {
    const name = 'pump-7.plant.example';
    await shell.succeed(lego('run', `${httpChallenge} -d ${name}`));
    const issued = await readCertificate(shell, filesOf(name));
    await shell.succeed(lego('revoke', `-d ${name}`, '--reason 4'));
    expect(await shell.server.isRevoked(issued)).toBe(true);
  });
});

/** Options of the program stand in front of the command, its own behind it. */
function lego(command: string, options: string, own = ''): string {
  return `lego --path lego --server "$DIRECTORY" --accept-tos -m admin@plant.example ${options} ${command} ${own} 2>&1`;
}

function filesOf(name: string, folder = 'lego') {
  const file = `${folder}/certificates/${name.replace('*', '_')}`;
  return { chain: `${file}.crt`, key: `${file}.key` };
}
