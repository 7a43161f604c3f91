import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../src/enrollment/approve.js';
import { applyYaml } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell, readCertified, rootPem } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest, recordOf } from '../support/records.js';
import { addCa, besideCertmonger, request } from './certmonger-client.js';

let shell: GatewayShell;
let challenge: string;
beforeAll(async () => {
  shell = await openGatewayShell();
  challenge = shell.test.environment.GATEHOUSE_PASSCODE ?? '';
});
afterAll(() => shell.close());

function urlOf(policy: string): string {
  return `${shell.test.settings.publicHttpUrl}/scep/${policy}`;
}

/** The certificate, which is one for the key beside it. */
function certificate(name: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

const helper = '/usr/lib/certmonger/scep-submit';

describeWith(['certmonger', 'getcert', 'openssl'], 'SCEP with certmonger', () => {
  it.each([
    ['quickstart', 'EC'],
    ['quickstart-rsa', 'RSA'],
  ])('enrolls with the challenge under %s', async (policy, kind) => {
    const name = `first-${policy}`;
    await besideCertmonger(shell, name, [addCa(urlOf(policy)), request(name, challenge), 'wait_for MONITORING']);
    const issued = certificate(name);
    expect(issued.subject).toBe(`CN=${name}`);
    expect(issued.subjectAltName).toBe(`DNS:${name}.example.com`);
    expect(issued.issuer).toBe(`O=Gatehouse Quickstart\nCN=Gatehouse Quickstart ${kind} CA`);
  });

  it('renews for the same key, and for a new one with a message that the old one signs', async () => {
    await besideCertmonger(shell, 'again', [
      addCa(urlOf('quickstart')),
      request('again', challenge),
      'wait_for MONITORING',
      'cp again.pem first.pem',
      'getcert resubmit -i again -w --wait-timeout 15',
      'cp again.pem second.pem',
      'getcert rekey -i again -w --wait-timeout 15',
      'wait_for MONITORING',
    ]);
    const first = new X509Certificate(shell.read('first.pem'));
    const second = new X509Certificate(shell.read('second.pem'));
    const third = certificate('again');
    expect(second.publicKey.equals(first.publicKey)).toBe(true);
    expect(third.publicKey.equals(first.publicKey)).toBe(false);
    const records = await Promise.all([first, second, third].map((one) => recordOf(shell.test, one)));
    expect(records.map(({ replaces }) => replaces)).toEqual([null, records[0]?.id, records[1]?.id]);
  });

  it('is refused with a wrong challenge, and knows it for good', async () => {
    await besideCertmonger(shell, 'wrong', [
      addCa(urlOf('quickstart')),
      request('wrong', 'wrong-challenge'),
      'wait_for CA_REJECTED',
    ]);
    expect(() => shell.read('wrong.pem')).toThrow('ENOENT');
  });

  describe('with a policy of manual approval', () => {
    const policy = 'quickstart-approval';

    it('waits, asks again and takes the certificate once the request is approved', async () => {
      const client = besideCertmonger(shell, 'waiting', [
        addCa(urlOf(policy)),
        request('waiting', challenge),
        'wait_for CA_WORKING',
        'until [ -e approved ]; do sleep 0.1; done',
        'getcert refresh -i waiting',
        'wait_for MONITORING',
      ]);
      await approveRequest(await firstPendingRequest(shell.test), by('test'), shell.test.gateway.core);
      shell.write('approved', '');
      await client;
      expect(certificate('waiting').subject).toBe('CN=waiting');
    });

    it('waits, asks again and is told once the request is rejected', async () => {
      const client = besideCertmonger(shell, 'unwanted', [
        addCa(urlOf(policy)),
        request('unwanted', challenge),
        'wait_for CA_WORKING',
        'until [ -e rejected ]; do sleep 0.1; done',
        'getcert refresh -i unwanted',
        'wait_for CA_REJECTED',
      ]);
      await rejectRequest(await firstPendingRequest(shell.test), by('test', 'not ours'), shell.test.gateway.core);
      shell.write('rejected', '');
      await client;
    });
  });

  it('enrolls where GetCACert has no root if it is given the root', async () => {
    await applyYaml(shell.test, withoutRoot);
    shell.write('root.pem', rootPem(shell.test, 'quickstart-ec'));
    await besideCertmonger(shell, 'rootless', [
      addCa(urlOf('rootless'), '-N "$PWD/root.pem"'),
      request('rootless', challenge),
      'wait_for MONITORING',
    ]);
    expect(certificate('rootless').subject).toBe('CN=rootless');
  });

  it('has its helper show the capabilities, and the certificates with the RA first', async () => {
    const capabilities = await shell.succeed(`${helper} -u ${urlOf('quickstart')} -c`);
    expect(capabilities).toContain('AES\n');
    const pems = await shell.succeed(`${helper} -u ${urlOf('quickstart')} -C`);
    const certificates = (pems.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
    expect(certificates.map(({ subject }) => subject)).toEqual([
      'CN=SCEP RA quickstart',
      'O=Gatehouse Quickstart\nCN=Gatehouse Quickstart Root CA',
      'O=Gatehouse Quickstart\nCN=Gatehouse Quickstart EC CA',
    ]);
  });
});

const withoutRoot = `
policies:
  - name: rootless
    division: quickstart
    authenticationPolicy: quickstart
    profiles: [{ usage: operational, profile: quickstart-operational }]
    issuingCa: quickstart-ec
    methods: [scep]
    defaultGroup: devices
    scep: { chain: withoutRoot }
`;
