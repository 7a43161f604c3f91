import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../src/enrollment/approve.js';
import { fleet, fleetPasscode } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell, readCertified, rootPem } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest } from '../support/records.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

/** `ca.pem` is the root and `ca-1.pem` the CA below it. */
const readCas =
  'pki --estca --url "https://$SERVER" --cacert "$GATEHOUSE_CA_FILE" --caout ca.pem --outform pem --force';
const userpass = '--userpass "$GATEHOUSE_USERNAME:$GATEHOUSE_PASSCODE"';

function makeRequest(name: string, key: string, subject = name): string[] {
  return [
    `pki --gen ${key} --outform pem > ${name}.key`,
    `pki --req --type priv --in ${name}.key --dn "CN=${subject}" --san ${subject}.example.com > ${name}.req`,
  ];
}

/** `<name>.pem`; pki writes to standard error what it thinks of the certificate. */
function enroll(name: string, who: string): string {
  const cas = '--cacert ca.pem --cacert ca-1.pem';
  return `pki --est --url "https://$SERVER" ${cas} ${who} --in ${name}.req --outform pem > ${name}.pem 2> ${name}.log`;
}

function certificate(name: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

const keys = { ec: '--type ecdsa --size 256', rsa: '--type rsa --size 2048' } as const;

describeWith(['pki'], 'EST with strongSwan', () => {
  describe('pki --estca (RFC 7030 4.1)', () => {
    it('reads the CA certificates and trusts them', async () => {
      const { errors } = await shell.run(readCas);
      expect(errors).toMatch(/Root CA cert is trusted/);
      expect(errors).toMatch(/Sub CA cert is trusted/);
      const subjects = ['ca', 'ca-1'].map((name) => new X509Certificate(shell.read(`${name}.pem`)).subject);
      expect(subjects).toEqual([
        'O=Gatehouse Quickstart\nCN=Gatehouse Quickstart Root CA',
        'O=Gatehouse Quickstart\nCN=Gatehouse Quickstart EC CA',
      ]);
    });
  });

  describe('pki --est (RFC 7030 4.2)', () => {
    it.each(['ec', 'rsa'] as const)('enrolls an %s key with user name and passcode', async (kind) => {
      const name = `first-${kind}`;
      await shell.succeed(readCas, ...makeRequest(name, keys[kind]), enroll(name, userpass));
      expect(shell.read(`${name}.log`).toString()).toMatch(/Issued certificate is trusted/);
      const issued = certificate(name);
      expect(issued.subject).toBe(`CN=${name}`);
      expect(issued.subjectAltName).toBe(`DNS:${name}.example.com`);
    });

    it.each(['ec', 'rsa'] as const)(
      're-enrolls with the certificate of an %s key, for the same key and a new one',
      async (kind) => {
        const name = `again-${kind}`;
        const own = `--cert ${name}.pem --key ${name}.key`;
        await shell.succeed(
          readCas,
          ...makeRequest(name, keys[kind]),
          enroll(name, userpass),
          `cp ${name}.pem old.pem`,
        );
        await shell.succeed(enroll(name, `--cert old.pem --key ${name}.key`));
        const first = new X509Certificate(shell.read('old.pem'));
        const second = certificate(name);
        expect(second.serialNumber).not.toBe(first.serialNumber);
        expect(second.publicKey.equals(first.publicKey)).toBe(true);

        const next = `next-${kind}`;
        await shell.succeed(...makeRequest(next, keys[kind], name), enroll(next, own));
        expect(shell.read(`${next}.log`).toString()).toMatch(/Issued certificate is trusted/);
        expect(certificate(next).subject).toBe(`CN=${name}`);
        expect(certificate(next).publicKey.equals(first.publicKey)).toBe(false);
      },
    );

    it('is refused with a wrong passcode', async () => {
      const { status } = await shell.run(
        readCas,
        ...makeRequest('wrong', keys.ec),
        enroll('wrong', '--userpass quickstart:wrong'),
      );
      expect(status).not.toBe(0);
      expect(shell.read('wrong.pem')).toHaveLength(0);
    });
  });

  describe('pki --est to a policy with manual approval (RFC 7030 4.2.3)', () => {
    let waiting: TestGateway;
    beforeAll(async () => {
      waiting = await startTestGateway({ configuration: `${fleet}    approval: manual\n    pollInterval: 1s\n` });
    });
    afterAll(() => waiting.close());

    it('waits, asks again and takes the certificate once the request is approved', async () => {
      shell.write('root.pem', rootPem(waiting, 'devices'));
      const server = `SERVER=localhost:${waiting.settings.deviceTlsPort} GATEHOUSE_CA_FILE=root.pem`;
      await shell.succeed(server, readCas, ...makeRequest('waiting', keys.ec));
      const who = `--userpass :${fleetPasscode} --interval 1 --maxpolltime 15`;
      const client = shell.succeed(server, enroll('waiting', who));
      const requestId = await firstPendingRequest(waiting);
      await approveRequest(requestId, by('test'), waiting.gateway.core);
      await client;
      expect(shell.read('waiting.log').toString()).toMatch(/EST request pending, polling/);
      expect(certificate('waiting').subject).toBe('CN=waiting');
    });
  });
});
