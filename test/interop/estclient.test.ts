import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith, type GatewayShell, openGatewayShell, readCertified } from '../support/interop.js';
import { ecKey, makeKey, rsaKey } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

/** A command of estclient under a label; `options` say who asks and for what. */
function estclient(command: string, label: string, options = ''): string {
  return `estclient ${command} -server "$SERVER" -explicit "$GATEHOUSE_CA_FILE" -aps ${label} ${options}`;
}

const userPass = '-user "$GATEHOUSE_USERNAME" -pass "$GATEHOUSE_PASSCODE"';

function certificate(name: string, key: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}.pem`, key: `${key}.key` });
}

const hierarchies = [
  ['quickstart', ecKey],
  ['quickstart-rsa', rsaKey],
] as const;

describeWith(['estclient', 'openssl'], 'EST with estclient', () => {
  it.each(['quickstart', 'quickstart-rsa'])('cacerts of %s (RFC 7030 4.1)', async (label) => {
    const cas = await shell.succeed(estclient('cacerts', label));
    expect(cas.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('csrattrs (RFC 7030 4.5)', async () => {
    // id-ecPublicKey with P-256.
    expect(await shell.succeed(estclient('csrattrs', 'quickstart'))).toMatch(
      /1\.2\.840\.10045\.2\.1\n.*1\.2\.840\.10045\.3\.1\.7/,
    );
  });

  it.each(hierarchies)(
    'enroll and reenroll, with the same key and a new one, under %s (RFC 7030 4.2)',
    async (label, key) => {
      const own = '-certs first.pem -key first.key';
      await shell.succeed(
        makeKey('first', key),
        estclient('enroll', label, `${userPass} -key first.key -cn device -dnsnames device.example.com -out first.pem`),
        estclient('reenroll', label, `${own} -out second.pem`),
        makeKey('next', key),
        'estclient csr -key next.key -cn device -dnsnames device.example.com -out next.csr',
        estclient('reenroll', label, `${own} -csr next.csr -out next.pem`),
      );
      const first = certificate('first', 'first');
      const second = certificate('second', 'first');
      const next = certificate('next', 'next');
      for (const { subject, subjectAltName } of [first, second, next]) {
        expect({ subject, subjectAltName }).toEqual({ subject: 'CN=device', subjectAltName: 'DNS:device.example.com' });
      }
      expect(new Set([first, second, next].map(({ serialNumber }) => serialNumber)).size).toBe(3);
    },
  );

  it('enroll with the factory certificate (RFC 7030 3.3.2)', async () => {
    await shell.succeed(
      makeKey('born'),
      'estclient csr -key born.key -cn born -out born.csr',
      estclient(
        'enroll',
        'quickstart',
        '-certs "$GATEHOUSE_FACTORY_CERT" -key "$GATEHOUSE_FACTORY_KEY" -csr born.csr -out born.pem',
      ),
    );
    expect(certificate('born', 'born').subject).toBe('CN=born');
  });

  it.each(hierarchies)('serverkeygen under %s (RFC 7030 4.4)', async (label, key) => {
    await shell.succeed(
      makeKey('any', key),
      estclient('serverkeygen', label, `${userPass} -key any.key -cn made -keyout made.key -out made.pem`),
    );
    expect(certificate('made', 'made').subject).toBe('CN=made');
  });
});
