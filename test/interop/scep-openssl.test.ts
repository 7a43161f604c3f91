import type { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../src/enrollment/approve.js';
import { describeWith, type GatewayShell, openGatewayShell, readCertified, rootPem } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest, recordOf } from '../support/records.js';
import { makeKey, rsaKey } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
  await shell.succeed('cp "$GATEHOUSE_CA_FILE" quickstart.pem && cp quickstart.pem quickstart-approval.pem');
  shell.write('quickstart-rsa.pem', rootPem(shell.test, 'quickstart-rsa'));
});
afterAll(() => shell.close());

const script = resolve('test/interop/scep-by-openssl.sh');
const challenge = 'CHALLENGE="$GATEHOUSE_PASSCODE"';

interface Enrollment {
  readonly policy?: string;
  /** Variables of the script. */
  readonly variables?: string;
  readonly subject?: string;
  readonly isTls?: boolean;
}

/** Leaves every message in the folder `<name>`, and copies the certificate to `<name>.pem`. */
function enroll(
  name: string,
  { policy = 'quickstart', variables = challenge, subject = name, isTls = false }: Enrollment = {},
) {
  const { publicName, deviceTlsPort, publicHttpUrl } = shell.test.settings;
  const base = isTls ? `https://${publicName}:${deviceTlsPort}` : publicHttpUrl;
  const trust = isTls ? 'CURL_CA_BUNDLE="$GATEHOUSE_CA_FILE"' : '';
  return [
    `mkdir -p ${name} && cd ${name}`,
    `${trust} URL=${base}/scep/${policy} CA_FILE=../${policy}.pem KEY=../${name}.key NAME=${subject} ${variables} sh ${script}`,
    `cp certificate.pem ../${name}.pem && cd ..`,
  ];
}

/** The certificate, which is one for the key beside it. */
function certificate(name: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

describeWith(['curl', 'openssl'], 'SCEP with openssl alone', () => {
  it.each([
    ['quickstart', 'EC', 'rsa', rsaKey],
    ['quickstart', 'EC', 'ec', undefined],
    ['quickstart-rsa', 'RSA', 'rsa', rsaKey],
    ['quickstart-rsa', 'RSA', 'ec', undefined],
  ])('enrolls under %s, whose CA is %s, for an %s key', async (policy, ca, kind, key) => {
    const name = `first-${policy}-${kind}`;
    await shell.succeed(makeKey(name, key), ...enroll(name, { policy }));
    expect(certificate(name)).toMatchObject({
      subject: `CN=${name}`,
      issuer: `O=Gatehouse Quickstart\nCN=Gatehouse Quickstart ${ca} CA`,
    });
  });

  it.each([
    ['AES-256 and SHA-512', 'aes-256-cbc', 'sha512', 'CIPHER=-aes256 HASH=sha512'],
    ['AES-192 and SHA-384', 'aes-192-cbc', 'sha384', 'CIPHER=-aes192 HASH=sha384'],
    ['triple DES', 'des-ede3-cbc', 'sha256', 'CIPHER=-des3'],
    ['an envelope in BER with indefinite lengths', 'aes-128-cbc', 'sha256', 'ENCRYPT="-stream -indef"'],
  ])('enrolls with %s, and is answered alike', async (_what, cipher, digest, variables) => {
    const name = `with-${cipher}-${variables.length}`;
    const print = 'openssl cms -cmsout -print -noout -inform DER -in';
    const output = await shell.succeed(
      makeKey(name, rsaKey),
      ...enroll(name, { variables: `${challenge} ${variables}` }),
      `${print} ${name}/answer.der && ${print} ${name}/answer-envelope.der`,
    );
    expect(certificate(name).subject).toBe(`CN=${name}`);
    expect(output).toContain(`algorithm: ${digest} `);
    expect(output).toContain(`algorithm: ${cipher} `);
  });

  it('enrolls over TLS', async () => {
    await shell.succeed(makeKey('by-tls', rsaKey), ...enroll('by-tls', { isTls: true }));
    expect(certificate('by-tls').subject).toBe('CN=by-tls');
  });

  it.each([
    ['rsa', rsaKey],
    ['ec', undefined],
  ])('renews the certificate of an %s key for the same key and a new one', async (kind, key) => {
    const [name, next] = [`again-${kind}`, `next-${kind}`];
    const old = (from: string) => `OLD=../old-${kind}.pem OLD_KEY=../${from}.key`;
    await shell.succeed(makeKey(name, key), ...enroll(name), `cp ${name}.pem old-${kind}.pem`);
    const first = certificate(name);
    await shell.succeed(...enroll(name, { variables: old(name) }), `cp ${name}.pem old-${kind}.pem`);
    const second = certificate(name);
    await shell.succeed(makeKey(next, key), ...enroll(next, { subject: name, variables: old(name) }));
    const records = await Promise.all([first, second, certificate(next)].map((one) => recordOf(shell.test, one)));
    expect(records.map(({ replaces }) => replaces)).toEqual([null, records[0]?.id, records[1]?.id]);
    expect(second.publicKey.equals(first.publicKey)).toBe(true);
  });

  it('enrolls with the certificate that a device has from its factory', async () => {
    const variables = 'OLD="$GATEHOUSE_FACTORY_CERT" OLD_KEY="$GATEHOUSE_FACTORY_KEY"';
    await shell.succeed(makeKey('born', rsaKey), ...enroll('born', { variables }));
    expect(certificate('born').subject).toBe('CN=born');
  });

  it('is refused with a wrong challenge, and with none', async () => {
    const { status, errors } = await shell.run(
      makeKey('wrong', rsaKey),
      ...enroll('wrong', { variables: 'CHALLENGE=wrong-challenge' }),
    );
    expect({ status, errors }).toEqual({
      status: 2,
      errors: expect.stringMatching(/^failInfo 2: the passcode is wrong/m),
    });
    expect(await shell.run(...enroll('wrong', { variables: '' }))).toMatchObject({ status: 2 });
  });

  it('is refused with single DES where the policy is not for such (badAlg)', async () => {
    const variables = `${challenge} CIPHER=-des ENCRYPT="-provider legacy -provider default"`;
    const { status, errors } = await shell.run(makeKey('des', rsaKey), ...enroll('des', { variables }));
    expect({ status, errors }).toEqual({ status: 2, errors: expect.stringMatching(/^failInfo 0: .*DES/m) });
  });

  describe('under a policy with manual approval', () => {
    const options = { policy: 'quickstart-approval', variables: `${challenge} POLLS=15` };

    it.each([
      ['rsa', rsaKey],
      ['ec', undefined],
    ])('polls with an %s key and takes the certificate once the request is approved', async (kind, key) => {
      const name = `waiting-${kind}`;
      await shell.succeed(makeKey(name, key));
      const client = shell.succeed(...enroll(name, options));
      await approveRequest(await firstPendingRequest(shell.test), by('test'), shell.test.gateway.core);
      await client;
      expect(certificate(name).subject).toBe(`CN=${name}`);
    });

    it('polls and is told, with the reason, once the request is rejected', async () => {
      await shell.succeed(makeKey('unwanted', rsaKey));
      const client = shell.run(...enroll('unwanted', options));
      await rejectRequest(await firstPendingRequest(shell.test), by('test', 'not ours'), shell.test.gateway.core);
      expect(await client).toMatchObject({ status: 2, errors: expect.stringMatching(/^failInfo 2: .*not ours/m) });
    });
  });
});
