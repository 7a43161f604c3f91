/** A gateway gets its CA certificate by EST, and issues with it; openssl and GnuTLS, which know nothing of us, judge what it issued. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith, openShell, requireTool, type Shell } from '../support/interop.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { enroll, makeKey, readChain, readCrls } from './curl-client.js';

let gateway: TestGateway;
let shell: Shell;
beforeAll(async () => {
  gateway = await startTestGateway();
  shell = openShell(gateway.environment);
  const steps = [
    ...enroll('gw-17', { label: '-gateway' }),
    readChain('-gateway'),
    'cat gw-17.pem chain.pem > branch.pem',
  ];
  await shell.succeed(...steps);
});
afterAll(async () => {
  shell.remove();
  await gateway.close();
});

interface Issued {
  readonly name: string;
  readonly extensions: string;
  readonly by?: string;
  readonly subject?: string;
}

/** `<name>.pem`, by openssl with the key of the gateway. */
function issue({ name, extensions, by = 'gw-17', subject = `/CN=${name}` }: Issued): string[] {
  return [
    makeKey(name),
    `openssl req -new -key ${name}.key -subj '${subject}' -out ${name}.csr`,
    `printf '%s\\n' 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid' ${extensions} > ${name}.ext`,
    `openssl x509 -req -in ${name}.csr -CA ${by}.pem -CAkey ${by}.key -days 30 -set_serial 0x$(openssl rand -hex 8) -extfile ${name}.ext -out ${name}.pem 2>&1`,
  ];
}

function verify(name: string, purpose = '-purpose sslserver'): string {
  return `openssl verify -x509_strict ${purpose} -no-CApath -no-CAstore -CAfile "$GATEHOUSE_CA_FILE" -untrusted branch.pem ${name}.pem 2>&1`;
}

/** By GnuTLS, as the certificate of a TLS server of this name. */
function verifyByCerttool(name: string, host: string): string {
  return `cat ${name}.pem branch.pem > ${name}-chain.pem; certtool --verify --load-ca-certificate "$GATEHOUSE_CA_FILE" --verify-purpose 1.3.6.1.5.5.7.3.1 --verify-hostname ${host} --infile ${name}-chain.pem 2>&1`;
}

const hasCerttool = requireTool('certtool', 'what a gateway issues is verified by GnuTLS');

const serverFor = (names: string) =>
  `'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth' 'subjectAltName=${names}'`;

describeWith(['curl', 'openssl'], 'A CA certificate that a gateway gets by EST', () => {
  it('has the path length, the name constraints and the key purposes of the profile', async () => {
    const text = await shell.succeed('openssl x509 -in gw-17.pem -noout -text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(
      /Name Constraints: critical\s+Permitted:\s+DNS:plant.example\s+Excluded:\s+IP:0.0.0.0\/0.0.0.0\s+IP:0:0:0:0:0:0:0:0\/0:0:0:0:0:0:0:0/,
    );
    expect(text).toMatch(/Extended Key Usage:\s+TLS Web Client Authentication, TLS Web Server Authentication/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
    expect(new X509Certificate(shell.read('gw-17.pem')).ca).toBe(true);
  });

  it('issues, by openssl, what openssl verify accepts', async () => {
    const name = 'sensor-1';
    await shell.succeed(...issue({ name, extensions: serverFor('DNS:sensor-1.plant.example') }));
    expect(await shell.succeed(verify(name))).toBe('sensor-1.pem: OK\n');
  });

  it('issues, by openssl, what openssl verify accepts along with the CRLs of the CAs above it', async () => {
    const name = 'sensor-2';
    await shell.succeed(...issue({ name, extensions: serverFor('DNS:sensor-2.plant.example') }));
    const above = await shell.succeed(
      ...readCrls('gw-17'),
      // That of the gateway itself is its own affair: the chain is asked about from there on.
      verify('gw-17', '-purpose any -crl_check_all -CRLfile crls.pem'),
      verify(name),
    );
    expect(above).toBe('gw-17.pem: OK\nsensor-2.pem: OK\n');
  });

  (hasCerttool ? it : it.skip)('issues what certtool accepts, and nothing outside its constraints', async () => {
    const cases = [
      ['pump-1', serverFor('DNS:pump-1.plant.example'), 'pump-1.plant.example'],
      ['pump-2', serverFor('DNS:pump-2.elsewhere.example'), 'pump-2.elsewhere.example'],
      ['pump-3', serverFor('DNS:pump-3.plant.example,IP:10.1.2.3'), 'pump-3.plant.example'],
    ] as const;
    const said: string[] = [];
    for (const [name, extensions, host] of cases) {
      await shell.succeed(...issue({ name, extensions }));
      const { output } = await shell.run(verifyByCerttool(name, host));
      said.push(/^Chain verification output: (.*)$/m.exec(output)?.[1] ?? output);
    }
    expect(said).toEqual([
      expect.stringMatching(/^Verified\. The certificate is trusted/),
      expect.stringMatching(/^Not verified\..*violates the signer's constraints/),
      expect.stringMatching(/^Not verified\..*violates the signer's constraints/),
    ]);
  });

  it.each([
    [
      'a name outside its name constraints',
      'outside',
      serverFor('DNS:sensor-1.elsewhere.example'),
      'permitted subtree violation',
    ],
    ['an address, which they exclude', 'address', serverFor('IP:10.1.2.3'), 'excluded subtree violation'],
    [
      'another key purpose',
      'purpose',
      serverFor('DNS:x.plant.example').replace('serverAuth', 'codeSigning'),
      'unsuitable certificate purpose',
    ],
  ])('issues nothing that openssl verify accepts with %s', async (_what, name, extensions, problem) => {
    const { output, status } = await shell.run(...issue({ name, extensions }), verify(name));
    expect(status).not.toBe(0);
    expect(output).toContain(problem);
  });

  it('cannot be used for a purpose that its own key purposes leave out', async () => {
    const extensions =
      "'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=emailProtection'";
    const { output, status } = await shell.run(
      ...issue({ name: 'mail', extensions }),
      verify('mail', '-purpose smimesign'),
    );
    expect(status).not.toBe(0);
    expect(output).toContain('error mail.pem: verification failed');
    expect(output).toMatch(/CN = gw-17\n.*unsuitable certificate purpose|unsuitable certificate purpose/);
  });

  it('cannot have a further CA below it', async () => {
    const asCa = "'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign'";
    const { output, status } = await shell.run(
      ...issue({ name: 'below', extensions: asCa }),
      ...issue({ name: 'deep', by: 'below', extensions: serverFor('DNS:deep.plant.example') }),
      'cat below.pem >> branch.pem',
      verify('deep'),
    );
    expect(status).not.toBe(0);
    expect(output).toContain('path length constraint exceeded');
  });
});
