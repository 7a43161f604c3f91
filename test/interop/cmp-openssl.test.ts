import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { eventsOf, recordOf } from '../support/records.js';
import { cmp, enroll, messagesIn, policyUrl, readCertificate, refusal, runRefused } from './cmp-client.js';
import { makeKey, rsaKey } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

const certificate = (name: string) => readCertificate(name, shell);
const refused = (...lines: string[]) => runRefused(shell, ...lines);
const hashes = ['sha224', 'sha384', 'sha512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'];

describeWith(['openssl'], 'openssl cmp with a shared secret', () => {
  it.each([
    ['quickstart', 'EC', 'ec', undefined],
    ['quickstart', 'EC', 'rsa', rsaKey],
    ['quickstart-rsa', 'RSA', 'ec', undefined],
    ['quickstart-rsa', 'RSA', 'rsa', rsaKey],
  ])('enrolls by ir under %s, whose CA is %s, for an %s key, and confirms', async (policy, ca, kind, key) => {
    const name = `first-${policy}-${kind}`;
    const output = await shell.succeed(makeKey(name, key), enroll(name, { url: policyUrl(policy) }));
    expect(messagesIn(output)).toBe('IR IP CERTCONF PKICONF');
    const issued = await certificate(name);
    expect(issued).toMatchObject({
      subject: `CN=${name}`,
      issuer: `O=Gatehouse Quickstart\nCN=Gatehouse Quickstart ${ca} CA`,
    });
    const record = await recordOf(shell.test, issued);
    expect(record).toMatchObject({ protocol: 'cmp', policy, status: 'valid', confirmBy: null });
    expect((await eventsOf(shell.test, 'certificate.confirmed')).map(({ subject }) => subject)).toContain(record.id);
  });

  it.each(['ir', 'cr', 'p10cr'] as const)('enrolls by %s with implicit confirmation', async (command) => {
    const name = `implicit-${command}`;
    const lines = [makeKey(name), `openssl req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`];
    const options = `-implicit_confirm ${command === 'p10cr' ? `-csr ${name}.csr` : ''}`;
    const output = await shell.succeed(...lines, enroll(name, { command, options }));
    expect(messagesIn(output)).toBe(command === 'ir' ? 'IR IP' : `${command.toUpperCase()} CP`);
    expect(await recordOf(shell.test, await certificate(name))).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it.each(['cr', 'p10cr'] as const)('enrolls by %s and confirms', async (command) => {
    const name = `explicit-${command}`;
    const lines = [makeKey(name), `openssl req -new -key ${name}.key -subj /CN=${name} -out ${name}.csr`];
    const options = command === 'p10cr' ? `-csr ${name}.csr` : '';
    const output = await shell.succeed(...lines, enroll(name, { command, options }));
    expect(messagesIn(output)).toBe(`${command.toUpperCase()} CP CERTCONF PKICONF`);
    expect(await recordOf(shell.test, await certificate(name))).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it('gets the names and the validity that it asks for', async () => {
    const options = '-sans "wished.example.com 192.0.2.7" -days 3';
    await shell.succeed(makeKey('wished'), enroll('wished', { options }));
    const { subjectAltName, validFrom, validTo } = await certificate('wished');
    expect(subjectAltName).toBe('DNS:wished.example.com, IP Address:192.0.2.7');
    expect((Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000).toBeCloseTo(3, 0);
  });

  it.each([
    '/.well-known/cmp',
    '/.well-known/cmp/initialization',
    '/.well-known/cmp/p/quickstart/initialization',
    '/cmp/quickstart',
    '/cmp/quickstart/initialization',
  ])('enrolls at %s, over HTTP and HTTPS', async (path) => {
    const { publicHttpUrl, publicName, deviceTlsPort } = shell.test.settings;
    const name = `at${path.replaceAll(/[/.]/g, '-')}`;
    await shell.succeed(makeKey(name), enroll(name, { url: `${publicHttpUrl}${path}` }));
    const options = '-tls_used -tls_trusted "$GATEHOUSE_CA_FILE"';
    const url = `https://${publicName}:${deviceTlsPort}${path}`;
    await shell.succeed(makeKey(`${name}-tls`), enroll(`${name}-tls`, { url, options }));
    expect((await certificate(`${name}-tls`)).subject).toBe(`CN=${name}-tls`);
  });

  it.each(hashes.flatMap((digest) => [[digest, 'EC', undefined] as const, [digest, 'RSA', rsaKey] as const]))(
    'derives the key of the MAC with %s, and signs so for its %s key',
    async (digest, kind, key) => {
      const name = `derived-${digest}-${kind}`;
      await shell.succeed(makeKey(name, key), enroll(name, { options: `-digest ${digest}` }));
      expect((await certificate(name)).subject).toBe(`CN=${name}`);
    },
  );

  it.each(hashes)('enrolls by p10cr with a request that is signed with %s', async (digest) => {
    const name = `request-${digest}`;
    const csr = `openssl req -new -${digest} -key ${name}.key -subj /CN=${name} -out ${name}.csr`;
    await shell.succeed(makeKey(name), csr, enroll(name, { command: 'p10cr', options: `-csr ${name}.csr` }));
    expect((await certificate(name)).subject).toBe(`CN=${name}`);
  });

  it.each(['', '-implicit_confirm'])(
    'opens the certificate of an RSA key, which comes encrypted to it, and confirms it (-popo 2 %s)',
    async (options) => {
      const name = `encrypted${options}`;
      const output = await shell.succeed(makeKey(name, rsaKey), enroll(name, { options: `-popo 2 ${options}` }));
      expect(messagesIn(output)).toBe('IR IP CERTCONF PKICONF');
      const record = await recordOf(shell.test, await certificate(name));
      expect(record).toMatchObject({ subject: `CN=${name}`, status: 'valid', confirmBy: null });
    },
  );

  it('gets no encrypted certificate for an EC key, since it speaks version 2 (badPOP)', async () => {
    const output = await refused(makeKey('agreeing'), enroll('agreeing', { options: '-popo 2' }));
    expect(output).toMatch(refusal('badPOP', 'is none for keyEncipherment'));
  });

  it('is refused with SHA-1 for that, where the policy is not for such (badAlg)', async () => {
    const options = '-digest sha1 -trusted "$GATEHOUSE_CA_FILE"';
    expect(await refused(makeKey('old'), enroll('old', { options }))).toMatch(refusal('badAlg', 'SHA-1'));
  });

  it('is refused with a wrong secret and with an unknown reference alike (badMessageCheck)', async () => {
    const wrong = [
      '-ref "$GATEHOUSE_CMP_REFERENCE" -secret pass:wrong-secret',
      '-ref nobody -secret "pass:$GATEHOUSE_CMP_SECRET"',
    ];
    for (const protection of wrong) {
      const signed = { protection: `${protection} -recipient / -trusted "$GATEHOUSE_CA_FILE"` };
      expect(await refused(makeKey('wrong'), enroll('wrong', signed))).toMatch(
        refusal('badMessageCheck', 'the reference or secret of the message is wrong'),
      );
    }
  });

  it('is refused for a key that is certified already (badCertTemplate)', async () => {
    await shell.succeed(makeKey('twice'), enroll('twice'));
    expect(await refused(enroll('twice'))).toMatch(refusal('badCertTemplate', 'the key is in a certificate already'));
  });

  it.each(['kur', 'rr'] as const)('is refused with a %s (wrongIntegrity)', async (command) => {
    const name = `mac-${command}`;
    await shell.succeed(makeKey(name), enroll(name), makeKey('other'));
    const options = `-oldcert ${name}.pem ${command === 'kur' ? '-newkey other.key -certout other.pem' : ''}`;
    expect(await refused(cmp({ command, options }))).toMatch(refusal('wrongIntegrity', 'signature'));
    expect(await recordOf(shell.test, await certificate(name))).toMatchObject({
      status: 'valid',
      supplantedBy: null,
    });
  });

  it('rejects a certificate that it does not trust, which is revoked then', async () => {
    const options = '-certout unwanted.pem -out_trusted "$GATEHOUSE_FACTORY_CA_FILE"';
    const request = { command: 'ir', options: `-newkey unwanted.key -subject /CN=unwanted ${options}` } as const;
    expect(messagesIn(await refused(makeKey('unwanted'), cmp(request)))).toBe('IR IP CERTCONF PKICONF');
    const [record] = await shell.test.gateway.core.store.certificates.list({
      subjectContains: 'CN=unwanted',
      limit: 2,
    });
    expect(record?.status).toBe('revoked');
    const [event] = await eventsOf(shell.test, 'certificate.rejected');
    expect(event).toMatchObject({ subject: record?.id, content: expect.stringMatching(/did not accept|not accepted/) });
  });
});
